"""Order rows: states are left only along their ways, contents come back as they went in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.order import Address, Order, OrderLine
from centra_whistl_dagster.domain.orders.states import OrderState, may_follow
from centra_whistl_dagster.ledger import order_contents, orders, records, submissions
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.orders import IllegalMove
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.tables import order_events, order_payloads
from centra_whistl_dagster.simulator.world.clock import ManualClock

LEGAL = [(a, b) for a in OrderState for b in OrderState if may_follow(a, b)]
ILLEGAL = [(a, b) for a in OrderState for b in OrderState if not may_follow(a, b)]


def test_every_move_is_written_down_with_its_reason(
    ledger: Ledger, clock: ManualClock, add: Callable[..., OrderRow]
) -> None:
    row = add()
    clock.advance(5)
    with ledger.transaction() as tx:
        orders.move(tx, row, OrderState.READY, reason="screened")

    with ledger.reading() as tx:
        events = tx.execute(sa.select(order_events).order_by(order_events.c.id)).all()
    assert [(e.from_state, e.to_state, e.reason) for e in events] == [
        (None, "received", "confirmed in Centra"),
        ("received", "ready", "screened"),
    ]


def test_only_the_ways_between_states_can_be_gone(
    ledger: Ledger, clock: ManualClock, add: Callable[..., OrderRow]
) -> None:
    rows = {state: add(100_001 + n, state) for n, state in enumerate(OrderState)}

    with ledger.transaction() as tx:
        for here, there in LEGAL:
            with tx.connection.begin_nested() as undone:
                orders.move(tx, rows[here], there, reason="test")
                undone.rollback()
        for here, there in ILLEGAL:
            with pytest.raises(IllegalMove, match="cannot go from"):
                orders.move(tx, rows[here], there, reason="test")


def test_an_order_that_somebody_else_has_moved_is_not_moved_again(
    ledger: Ledger, clock: ManualClock, add: Callable[..., OrderRow]
) -> None:
    row = add()
    with ledger.transaction() as tx:
        orders.move(tx, row, OrderState.READY, reason="screened")

    with pytest.raises(IllegalMove, match="another process"), ledger.transaction() as tx:
        orders.move(tx, row, OrderState.BLOCKED, reason="screened")


def test_staying_put_is_no_move_and_keeps_the_time(
    ledger: Ledger, clock: ManualClock, add: Callable[..., OrderRow]
) -> None:
    row = add(state=OrderState.BLOCKED)
    clock.advance(60)
    with ledger.transaction() as tx:
        orders.move(tx, row, OrderState.BLOCKED, reason="again", attempts=3)
        kept = orders.find(tx, row.centra_id)

    assert kept is not None
    assert (kept.state_since, kept.attempts) == (row.state_since, 3)


def test_orders_come_oldest_first_when_they_are_due_and_no_more_than_asked(
    ledger: Ledger, clock: ManualClock, add: Callable[..., OrderRow]
) -> None:
    for number in (100_003, 100_001, 100_002):
        add(number, OrderState.READY)
    with ledger.transaction() as tx:
        orders.update(tx, ["id-100002"], due_at=clock() + timedelta(seconds=10))

    def due(seconds: float, limit: int | None = None) -> list[int]:
        clock.advance(seconds)
        with ledger.reading() as tx:
            rows = orders.in_states(tx, [OrderState.READY], are_due=True, limit=limit)
        return [row.number for row in rows]

    assert due(0) == [100_001, 100_003]
    assert due(10) == [100_001, 100_002, 100_003]
    assert due(0, limit=2) == [100_001, 100_002]


def test_counts_name_every_state_and_add_up(ledger: Ledger, add: Callable[..., OrderRow]) -> None:
    add(1, OrderState.BLOCKED)
    add(2, OrderState.BLOCKED)
    add(3, OrderState.READY)

    with ledger.reading() as tx:
        counts = orders.counts_by_state(tx)

    assert counts.keys() == set(OrderState)
    assert (counts[OrderState.BLOCKED], counts[OrderState.READY], sum(counts.values())) == (2, 1, 3)


def test_contents_that_were_purged_are_said_to_be(
    ledger: Ledger, add: Callable[..., OrderRow]
) -> None:
    row = add()
    with ledger.transaction() as tx:
        tx.execute(sa.delete(order_payloads))

    with ledger.reading() as tx, pytest.raises(LookupError, match="purged"):
        order_contents.payload(tx, row.centra_id)


def test_lines_are_numbered_as_they_are_sent_and_found_by_that_number(
    ledger: Ledger, add: Callable[..., OrderRow]
) -> None:
    lines = tuple(
        OrderLine(line_id=line_id, sku=sku, quantity=1, unit_price=Decimal("1.10"))
        for line_id, sku in ((9, "B"), (3, "A"), (5, "C"))
    )
    row = add(lines=lines)

    with ledger.reading() as tx:
        kept = order_contents.lines(tx, row.centra_id)

    assert [(line.line_number, line.line_id, line.sku) for line in kept] == [
        (1, 9, "B"),
        (2, 3, "A"),
        (3, 5, "C"),
    ]
    assert {line.unit_price for line in kept} == {Decimal("1.10")}


def test_the_newest_intent_is_the_one_that_counts(
    ledger: Ledger, clock: ManualClock, add: Callable[..., OrderRow]
) -> None:
    row = add()
    intent = {"centra_id": row.centra_id, "whistl_number": row.whistl_number}
    with ledger.transaction() as tx:
        first = submissions.open_intent(tx, **intent, payload_hash="a")
        submissions.settle(tx, first, SubmissionOutcome.ABSENT, detail="")
        second = submissions.open_intent(tx, **intent, payload_hash="b")
        latest = submissions.latest(tx, row.centra_id)
        everything = submissions.of_order(tx, row.centra_id)

    assert latest is not None
    assert (latest.id, latest.payload_hash, latest.outcome) == (second, "b", None)
    assert [each.id for each in everything] == [first, second]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    address=st.builds(
        Address, first_name=texts, line1=texts, city=texts, postcode=texts, country=texts
    ),
    total=st.decimals(0, 10**6, places=2),
)
def test_whatever_an_order_holds_comes_back_as_it_was(address: Address, total: Decimal) -> None:
    order = dataclasses.replace(PLAIN, delivery=address, grand_total=total)

    assert records.loads(Order, records.dumps(order)) == order


PLAIN = Order(
    centra_id="x",
    number=1,
    status="CONFIRMED",
    is_on_hold=False,
    is_locked=False,
    is_internal=False,
    is_waiting_for_payment=False,
    ordered_at=ManualClock()(),
    updated_at=ManualClock()(),
    currency="GBP",
    grand_total=Decimal("1.00"),
    shipping_total=Decimal(0),
    tax_total=Decimal(0),
    delivery=None,
    shipping_option=None,
    lines=(),
    warehouse_ids=frozenset({1, 2}),
)
