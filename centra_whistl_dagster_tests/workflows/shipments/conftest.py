"""Messages of Whistl's about parcels, made up by a test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ParcelLine
from centra_whistl_dagster.ledger import despatches as inbox
from centra_whistl_dagster.simulator.world.world import CentraOrder

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture
def box() -> Callable[..., Parcel]:
    """Make a parcel of lines: number, SKU and units."""

    def packed(
        number: int, *lines: tuple[int, str, int], label: str = "", carrier: str = "DPD"
    ) -> Parcel:
        return Parcel(
            parcel_number=number,
            carrier_name=carrier,
            carrier_code="SIM-RMT",
            delivery_method="TRK48",
            service_name="Tracked",
            courier_tracking_number=label or f"SM{number}",
            whistl_tracking_number="",
            tracking_url="",
            lines=tuple(ParcelLine(line_number=n, sku=sku, quantity=q) for n, sku, q in lines),
        )

    return packed


@pytest.fixture
def say(desk: Desk) -> Callable[..., Despatch]:
    """Let Whistl say that boxes of an order have left; other messages may say otherwise later."""
    numbers: Iterator[int] = itertools.count(1)

    def message(order: CentraOrder | None, *boxes: Parcel, **members: Any) -> Despatch:
        sequence = next(numbers)
        told = Despatch(
            **{
                "despatch_id": f"D-{sequence}",
                "sequence": sequence,
                "version": 1,
                "supersedes": None,
                "order_number": f"C{order.number}" if order else "C999999",
                "despatched_at": desk.clock() - timedelta(seconds=30),
                "is_order_complete": True,
                "parcels": boxes,
                **members,
            }
        )
        with desk.link.ledger.transaction() as tx:
            inbox.receive(tx, told)
        return told

    return message


@pytest.fixture
def accepted(desk: Desk) -> CentraOrder:
    """An order of two and one units that Whistl has, in a building where nothing happens."""
    desk.world.settings.speed = 1e-6
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    desk.relay_orders()
    return order
