"""An order whose answer was lost is neither sent twice nor forgotten, however many relays run."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import submissions
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.orders import look_up, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

LAG = 25.0
"""Seconds until the simulated Whistl shows an order; the setting allows 30."""


@pytest.mark.parametrize(
    ("kind", "is_known_at_once"),
    [
        (FaultKind.LOSE_ANSWER_AFTER, False),
        (FaultKind.ERROR_500_AFTER, False),
        (FaultKind.EMPTY_200, False),
        (FaultKind.TRUNCATE, False),
        (FaultKind.ERROR_503_BEFORE, False),
        (FaultKind.HTML_200, False),
        (FaultKind.RATE_LIMITED, True),
    ],
)
def test_an_answer_that_is_no_answer_neither_loses_an_order_nor_sends_it_twice(
    desk: Desk, kind: FaultKind, is_known_at_once: bool
) -> None:
    desk.switch(whistl_lookup_lag_seconds=LAG)
    desk.fault("whistl", "create_order", kind, nth=1)
    order = desk.order()

    desk.relay_orders()
    after_one_round = desk.state(order)
    desk.settle(order)

    assert after_one_round == (OrderState.SUBMITTED if is_known_at_once else OrderState.IN_DOUBT)
    assert desk.state(order) == OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1


def test_an_order_in_doubt_is_looked_up_only_after_whistl_must_show_it(desk: Desk) -> None:
    desk.switch(whistl_lookup_lag_seconds=LAG)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()

    desk.wait(LAG - 1)
    desk.relay_orders()
    too_early = (desk.state(order), desk.world.calls["whistl read_order"])
    desk.wait(10)
    desk.relay_orders()

    assert too_early == (OrderState.IN_DOUBT, 0)
    assert desk.state(order) == OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1
    with desk.link.ledger.reading() as tx:
        outcomes = [row.outcome for row in submissions.of_order(tx, order.order_id)]
    assert outcomes == [SubmissionOutcome.FOUND]


def test_a_look_up_that_fails_is_repeated_and_told_and_never_taken_for_absence(desk: Desk) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    desk.fault("whistl", "read_order", FaultKind.ERROR_503_BEFORE)
    order = desk.order()

    for _ in range(6):
        desk.relay_orders()
        desk.wait(100)
    while_it_lasts = (desk.state(order), desk.problems())
    desk.world.faults.clear()
    desk.wait(400)
    desk.settle(order)

    assert while_it_lasts == (OrderState.IN_DOUBT, ["order_in_doubt"])
    assert desk.state(order) == OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1
    assert desk.problems() == []


def test_an_order_that_whistl_fails_at_every_time_is_tried_ever_more_seldom_and_told(
    desk: Desk,
) -> None:
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE)
    order = desk.order()

    for _ in range(60):
        desk.relay_orders()
        desk.wait(60)
    in_an_hour = sum(
        count for fault, count in desk.world.faults.fired.items() if "create_order" in fault
    )

    assert 3 <= in_an_hour <= 15
    assert desk.problems() == ["order_in_doubt"]
    desk.world.faults.clear()
    desk.wait(400)
    desk.settle(order)
    assert (desk.at_whistl(order), desk.problems()) == (1, [])


def test_a_server_that_hangs_keeps_the_order_in_doubt_and_delays_no_other(desk: Desk) -> None:
    first, *others = [desk.order() for _ in range(4)]
    desk.fault("whistl", "create_order", FaultKind.HANG, nth=1, seconds=0.3)

    desk.relay_orders()

    states = sorted(desk.state(order) for order in (first, *others))
    assert states == [OrderState.IN_DOUBT, *[OrderState.SUBMITTED] * 3]
    desk.wait(100)
    desk.settle(first, *others)
    assert [desk.at_whistl(order) for order in (first, *others)] == [1] * 4


def test_two_relays_at_once_on_one_ledger_send_each_order_once(desk: Desk) -> None:
    placed = [desk.order() for _ in range(12)]
    desk.make_ready(*placed)
    desk.switch(whistl_seconds_per_call=0.005)
    start = threading.Barrier(2)
    failed: list[BaseException] = []

    def relay(number: int) -> None:
        settings = load_settings(desk.environment)
        rng = random.Random(number)  # noqa: S311 - spreads retries
        with open_link(settings, now=desk.clock, sleep=desk.sleep, rng=rng) as link:
            start.wait()
            try:
                submission.submit_ready_orders(link)
                look_up.resolve_orders_in_doubt(link)
            except BaseException as error:
                failed.append(error)
                raise

    relays = [threading.Thread(target=relay, args=(number,)) for number in range(2)]
    for each in relays:
        each.start()
    for each in relays:
        each.join()

    assert failed == []
    assert [desk.at_whistl(order) for order in placed] == [1] * 12
    assert desk.counts() == {OrderState.SUBMITTED: 12}
