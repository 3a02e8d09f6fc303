"""How long Whistl takes to show an order: long where nobody has said, longer where it is seen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import submissions
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.orders.look_up import resolve_orders_in_doubt
from centra_whistl_dagster.workflows.upkeep.doctor import examine

if TYPE_CHECKING:
    from centra_whistl_dagster.simulator.world.world import CentraOrder
    from centra_whistl_dagster_tests.workflows.conftest import Desk


def lose_every_answer_once(desk: Desk, count: int) -> list[CentraOrder]:
    placed = [desk.order() for _ in range(count)]
    for nth in range(1, count + 1):
        desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=nth)
    return placed


def longest(desk: Desk) -> timedelta:
    with desk.link.ledger.reading() as tx:
        return submissions.longest_lag(tx)


def test_where_no_lag_is_stated_a_whistl_that_shows_orders_late_gets_none_twice(desk: Desk) -> None:
    desk.reopen(WHISTL_LOOK_UP_LAG_SECONDS="")
    desk.switch(whistl_lookup_lag_seconds=60.0)
    placed = lose_every_answer_once(desk, 6)

    for _ in range(60):
        desk.relay_orders()
        desk.wait(30)

    assert [desk.at_whistl(order) for order in placed] == [1] * 6
    assert desk.counts() == {OrderState.SUBMITTED: 6}


def test_an_order_that_shows_early_is_settled_long_before_the_lag_is_over(desk: Desk) -> None:
    desk.reopen(WHISTL_LOOK_UP_LAG_SECONDS="")
    (order,) = lose_every_answer_once(desk, 1)
    desk.relay_orders()
    desk.wait(31)

    desk.relay_orders()

    assert desk.state(order) is OrderState.SUBMITTED


@pytest.mark.parametrize(("stated", "is_warned"), [("", True), ("30", False)])
def test_doctor_warns_of_a_lag_that_nobody_has_stated(
    desk: Desk, stated: str, is_warned: bool
) -> None:
    desk.reopen(WHISTL_LOOK_UP_LAG_SECONDS=stated)

    warnings = [finding.detail for finding in examine(desk.link) if finding.is_warning]

    assert any("LOOK_UP_LAG" in detail for detail in warnings) is is_warned


def test_a_lag_longer_than_the_stated_one_is_learned_from_orders_that_went_well(desk: Desk) -> None:
    desk.switch(whistl_lookup_lag_seconds=100.0)
    desk.order()
    for _ in range(8):
        desk.relay_orders()
        desk.wait(20)
    learned = longest(desk)
    (order,) = lose_every_answer_once(desk, 1)
    for _ in range(40):
        desk.relay_orders()
        desk.wait(20)

    assert timedelta(seconds=100) <= learned <= timedelta(seconds=260)
    assert desk.at_whistl(order) == 1


def test_a_lag_is_never_shortened_and_the_stated_one_stays_the_least(desk: Desk) -> None:
    with desk.link.ledger.transaction() as tx:
        submissions.note_lag(tx, timedelta(minutes=4))
        submissions.note_lag(tx, timedelta(minutes=1))
    assert longest(desk) == timedelta(minutes=4)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE, nth=1)
    order = desk.order()
    desk.relay_orders()

    desk.wait(200)
    resolve_orders_in_doubt(desk.link)
    before_it_is_over = desk.state(order)
    desk.wait(200)
    resolve_orders_in_doubt(desk.link)

    assert before_it_is_over is OrderState.IN_DOUBT
    assert desk.state(order) is OrderState.READY


def test_hours_in_which_nobody_looked_are_not_taken_for_whistls_lag(desk: Desk) -> None:
    desk.switch(whistl_lookup_lag_seconds=50.0)
    desk.order()
    desk.relay_orders()
    desk.wait(10 * 3600)

    desk.relay_orders()
    desk.relay_orders()

    assert longest(desk) < timedelta(minutes=5)


def test_a_number_that_turns_out_to_be_in_use_teaches_the_lag(desk: Desk) -> None:
    """The look-up came too early, the order was sent again, and Whistl had it."""
    desk.switch(
        whistl_lookup_lag_seconds=200.0,
        whistl_accepts_repeated_numbers=False,
    )
    (order,) = lose_every_answer_once(desk, 1)

    for _ in range(40):
        desk.relay_orders()
        desk.wait(20)

    assert desk.at_whistl(order) == 1
    assert desk.state(order) is OrderState.SUBMITTED
    assert longest(desk) > timedelta(seconds=60)


def test_a_good_order_is_created_once_and_looked_up_at_most_once(desk: Desk) -> None:
    placed = [desk.order() for _ in range(10)]

    desk.relay_orders()

    assert [desk.at_whistl(order) for order in placed] == [1] * 10
    assert desk.world.calls["whistl create_order"] == 10
    assert desk.world.calls["whistl read_order"] <= 1
