"""While Whistl does not answer few orders are in doubt; afterwards each is sent once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.due import orders_due
from centra_whistl_dagster.workflows.orders import claims, look_up, submission

if TYPE_CHECKING:
    from centra_whistl_dagster.simulator.world.world import CentraOrder
    from centra_whistl_dagster.whistl.client import WhistlClient, WhistlOrderView
    from centra_whistl_dagster_tests.workflows.conftest import Desk

AN_HOUR = 3600.0


def live_through_an_outage(desk: Desk, *, every: float = 30.0) -> int:
    """Let an hour of rounds go by; return the most orders that were in doubt at once."""
    most = 0
    for _ in range(int(AN_HOUR / every)):
        desk.relay_orders()
        most = max(most, desk.counts().get(OrderState.IN_DOUBT, 0))
        desk.wait(every)
    return most


def doubted(desk: Desk) -> int:
    """How many orders were ever sent without an answer."""
    fired = desk.world.faults.fired
    return sum(count for fault, count in fired.items() if "create_order" in fault)


@pytest.mark.parametrize("kind", [FaultKind.ERROR_503_BEFORE, FaultKind.ERROR_500_AFTER])
def test_an_outage_of_an_hour_puts_at_most_three_orders_in_doubt(
    desk: Desk, kind: FaultKind
) -> None:
    placed = [desk.order() for _ in range(30)]
    desk.make_ready(*placed)
    for operation in ("create_order", "read_order"):
        desk.fault("whistl", operation, kind)

    most = live_through_an_outage(desk)
    ever = doubted(desk)
    later = [desk.order() for _ in range(5)]
    desk.world.faults.clear()
    for _ in range(12):
        desk.relay_orders()
        desk.wait(100)

    assert most <= 3
    assert ever <= 3
    assert desk.counts() == {OrderState.SUBMITTED: 35}
    assert [desk.at_whistl(order) for order in (*placed, *later)] == [1] * 35


def test_where_only_new_orders_fail_they_are_tried_ever_more_seldom(desk: Desk) -> None:
    placed = [desk.order() for _ in range(30)]
    desk.make_ready(*placed)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE)

    most = live_through_an_outage(desk)
    attempts = doubted(desk)
    told = [message for message in desk.messages() if "one is tried at" in message]
    desk.world.faults.clear()
    for _ in range(12):
        desk.relay_orders()
        desk.wait(100)

    assert most <= 4
    assert attempts <= 15
    assert len(told) == 1
    assert desk.problems() == []
    assert [desk.at_whistl(order) for order in placed] == [1] * 30


def test_an_order_that_whistl_can_never_answer_keeps_no_other_back(desk: Desk) -> None:
    """Three that always fail open the breaker; a fourth must get its turn as the probe."""
    poisoned = [desk.order() for _ in range(3)]
    desk.make_ready(*poisoned)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE)
    desk.relay_orders()
    good = [desk.order() for _ in range(4)]
    for _ in range(14):
        desk.relay_orders()
        desk.wait(300)
        fired: Counter[str] = desk.world.faults.fired
        if sum(fired.values()) > 6:
            break
    desk.world.faults.clear()
    desk.settle(*good, rounds=10)

    assert [desk.at_whistl(order) for order in good] == [1] * 4


def test_a_restart_in_an_outage_sends_no_more_orders_into_doubt(desk: Desk) -> None:
    placed = [desk.order() for _ in range(12)]
    desk.make_ready(*placed)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE)
    desk.fault("whistl", "read_order", FaultKind.ERROR_503_BEFORE)
    submission.submit_ready_orders(desk.link)

    for _ in range(4):
        desk.reopen()
        submission.submit_ready_orders(desk.link)

    assert doubted(desk) == 3


def test_no_run_is_started_for_orders_that_wait_for_the_next_probe(desk: Desk) -> None:
    placed = [desk.order() for _ in range(6)]
    desk.make_ready(*placed)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE)
    before = orders_due(desk.link).to_send
    submission.submit_ready_orders(desk.link)
    while_open = orders_due(desk.link).to_send
    desk.wait(40)

    assert (before, while_open) == (6, 0)
    assert orders_due(desk.link).to_send == 3


def test_a_backlog_goes_oldest_first_and_the_newest_do_not_wait_for_its_end(desk: Desk) -> None:
    placed = []
    for _ in range(40):
        placed.append(desk.order())
        desk.clock.advance(1)
    desk.make_ready(*placed)

    submission.submit_ready_orders(desk.link, at_most=10)

    sent = [number for number, order in enumerate(placed) if desk.at_whistl(order)]
    assert set(range(10)) <= set(sent)
    assert 39 in sent


# ---- look-ups
def test_look_ups_that_go_unanswered_end_after_a_few_and_hold_no_order_up(desk: Desk) -> None:
    placed = [desk.order() for _ in range(20)]
    desk.make_ready(*placed)
    for order in placed:
        put_in_doubt(desk, order)
    fresh = desk.order()
    desk.fault("whistl", "read_order", FaultKind.HTML_200)
    before = desk.world.faults.fired.total()

    desk.relay_orders()

    # Each is asked twice; a few are under way when the third goes unanswered.
    assert desk.world.faults.fired.total() - before <= 12
    assert desk.state(fresh) is OrderState.SUBMITTED
    assert desk.counts()[OrderState.IN_DOUBT] == 20


class WhistlThatTakesItsTime:
    """Whistl, each of whose look-ups takes eight seconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find_order(self, number: str) -> WhistlOrderView | None:
        self._desk.clock.advance(8)
        return self._desk.link.whistl.find_order(number)


def test_slow_look_ups_are_left_for_the_next_round_after_twenty_seconds(desk: Desk) -> None:
    placed = [desk.order() for _ in range(8)]
    desk.make_ready(*placed)
    for order in placed:
        put_in_doubt(desk, order)
    desk.reopen(WHISTL_PARALLEL_CALLS="1")
    whistl = cast("WhistlClient", WhistlThatTakesItsTime(desk))

    tally = look_up.resolve_orders_in_doubt(dataclasses.replace(desk.link, whistl=whistl))

    assert tally.is_balanced
    assert tally.skipped == {"left for the next round": 5}


def put_in_doubt(desk: Desk, order: CentraOrder) -> None:
    (current,) = claims.read_again(desk.link, [desk.row(order)])
    assert claims.claim(desk.link, current) is not None
    with desk.link.ledger.transaction() as tx:
        row = orders.find(tx, order.order_id)
        assert row is not None
        orders.move(tx, row, OrderState.IN_DOUBT, reason="test", due_at=tx.now)


def test_look_ups_are_made_at_the_same_time(desk: Desk) -> None:
    placed = [desk.order() for _ in range(6)]
    desk.make_ready(*placed)
    for order in placed:
        put_in_doubt(desk, order)
    desk.switch(whistl_seconds_per_call=0.05)

    tally = look_up.resolve_orders_in_doubt(desk.link)

    assert tally.read == 6
    assert tally.is_balanced
    assert desk.world.calls["whistl read_order"] == 6


# ---- a backlog
def test_a_backlog_uses_whistls_quota_to_the_full_and_creates_each_order_once(desk: Desk) -> None:
    placed = [desk.order() for _ in range(480)]
    desk.make_ready(*placed)
    # One at a time: with more, each would move this clock on by its own wait.
    desk.reopen(WHISTL_REQUESTS_PER_MINUTE="120", WHISTL_QUOTA_SHARE="1", WHISTL_PARALLEL_CALLS="1")
    began = desk.clock()

    while desk.counts().get(OrderState.SUBMITTED, 0) < 480:
        if not submission.submit_ready_orders(desk.link).written:
            desk.clock.advance(5)

    minutes = (desk.clock() - began).total_seconds() / 60
    # The first minute's quota is there at once.
    assert (480 - 120) / minutes >= 0.97 * 120
    assert desk.counts() == {OrderState.SUBMITTED: 480}
    assert desk.world.calls["whistl create_order"] == 480
