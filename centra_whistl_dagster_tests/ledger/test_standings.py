"""Units at the very moment of a snapshot: what left at T is still in a snapshot taken at T."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ParcelLine
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches, orders, standings
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.simulator.world.clock import ManualClock

SECOND = timedelta(seconds=1)


def despatched(ledger: Ledger, clock: ManualClock, row: OrderRow) -> None:
    """Let one of the order's two units leave now; it was allocated a second before."""
    box = Parcel(
        parcel_number=1,
        carrier_name="DPD",
        carrier_code="DPD",
        delivery_method="NEXT",
        service_name="Next day",
        courier_tracking_number="T1",
        whistl_tracking_number="",
        tracking_url="",
        lines=(ParcelLine(line_number=1, sku="TEE-S", quantity=1),),
    )
    message = Despatch(
        despatch_id="D-1",
        sequence=1,
        version=1,
        supersedes=None,
        order_number=row.whistl_number,
        despatched_at=clock(),
        is_order_complete=False,
        parcels=(box,),
    )
    with ledger.transaction() as tx:
        orders.update(tx, [row.centra_id], allocated_at=clock() - SECOND)
        despatches.add_parcel(
            tx,
            root_id="D-1",
            despatch=message,
            parcel=box,
            centra_id=row.centra_id,
            state=ParcelState.OPEN,
            line_ids={1: 7},
        )


@pytest.mark.parametrize(
    ("seconds_after_leaving", "taken", "left"),
    [(-2, 0, 0), (-1, 0, 0), (0, 2, 0), (1, 2, 1)],
)
def test_a_unit_has_left_a_snapshot_only_if_it_left_before_the_snapshot_was_taken(
    ledger: Ledger,
    clock: ManualClock,
    add: Callable[..., OrderRow],
    seconds_after_leaving: int,
    taken: int,
    left: int,
) -> None:
    despatched(ledger, clock, add(state=OrderState.PART_DESPATCHED))

    with ledger.reading() as tx:
        taken_at = clock() + seconds_after_leaving * SECOND
        (units,) = standings.of_open_lines(tx, taken_at=taken_at)

    assert (units.taken, units.despatched) == (taken, left)
