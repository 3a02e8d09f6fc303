"""A ledger of its own for each test, on each database; records that name only what matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner, Responsibility, Severity
from centra_whistl_dagster.domain.orders.order import Address, Order, OrderLine, ShippingOption
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.simulator.world.clock import ManualClock


def responsibility(
    owner: Owner = Owner.MERCHANDISING, *, time_limit_minutes: int = 30
) -> Responsibility:
    return Responsibility(
        owner=owner,
        severity=Severity.BLOCKING,
        channel=owner,
        time_limit_minutes=time_limit_minutes,
        title="Something is wrong",
        instructions="Fix it.",
    )


@pytest.fixture
def ledger(ledger_url: str, clock: ManualClock) -> Iterator[Ledger]:
    opened = Ledger(
        ledger_url,
        now=clock,
        responsibilities={
            **dict.fromkeys(ExceptionKind, responsibility()),
            ExceptionKind.POSTCODE_MALFORMED: responsibility(Owner.CX, time_limit_minutes=5),
        },
    )
    yield opened
    opened.close()


@pytest.fixture
def make_order(clock: ManualClock) -> Callable[..., Order]:
    def make(number: int = 100_001, **members: Any) -> Order:
        return Order(
            **{
                "centra_id": f"id-{number}",
                "number": number,
                "status": "CONFIRMED",
                "is_on_hold": False,
                "is_locked": False,
                "is_internal": False,
                "is_waiting_for_payment": False,
                "ordered_at": clock() + timedelta(seconds=number % 1000),
                "updated_at": clock(),
                "currency": "GBP",
                "grand_total": Decimal("43.95"),
                "shipping_total": Decimal("3.95"),
                "tax_total": Decimal("7.33"),
                "delivery": Address(
                    first_name="Zoë",
                    last_name="O'Brien",
                    line1="12 High Street",
                    city="York",
                    postcode="YO1 7HH",
                    country="GB",
                    phone="07700900123",
                    email="zoe@example.com",
                ),
                "shipping_option": ShippingOption(option_id=1, name="Standard delivery"),
                "lines": (
                    OrderLine(line_id=7, sku="TEE-S", quantity=2, unit_price=Decimal("20.00")),
                ),
                **members,
            }
        )

    return make


@pytest.fixture
def add(ledger: Ledger, make_order: Callable[..., Order]) -> Callable[..., OrderRow]:
    """Take an order in and return its row."""

    def take_in(
        number: int = 100_001, state: OrderState = OrderState.RECEIVED, **members: Any
    ) -> OrderRow:
        order = make_order(number, **members)
        with ledger.transaction() as tx:
            orders.add(
                tx,
                order,
                whistl_number=f"C{number}",
                state=state,
                reason="confirmed in Centra",
            )
            row = orders.find(tx, order.centra_id)
        assert row is not None
        return row

    return take_in
