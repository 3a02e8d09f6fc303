"""An order waits as long as Centra does not let it go, and ends when Centra takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import cancel_order, release, touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.records import SHOP_WAREHOUSE_ID, WAREHOUSE_ID
from centra_whistl_dagster.workflows.orders import intake, screening, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

RECEIVED, WAITING = OrderState.RECEIVED, OrderState.WAITING


# ---- what makes an order wait
@pytest.mark.parametrize("flag", ["is_on_hold", "is_waiting_for_payment", "is_internal"])
def test_a_confirmed_order_that_is_not_free_waits_and_goes_once_it_is(
    desk: Desk, flag: str
) -> None:
    order = desk.order(**{flag: True})
    desk.relay_orders()
    before = (desk.state(order), desk.at_whistl(order))
    desk.wait(5)
    setattr(order, flag, False)
    touch(desk.world, order)

    news = intake.look_for_news(desk.link).orders
    desk.relay_orders()

    assert before == (WAITING, 0)
    assert news == 1
    assert desk.at_whistl(order) == 1


def test_an_order_that_somebody_has_locked_is_left_alone_until_it_is_unlocked(desk: Desk) -> None:
    order = desk.order(is_locked=True)
    desk.relay_orders()
    known_while_locked = desk.counts()
    desk.wait(5)
    order.is_locked = False
    touch(desk.world, order)

    desk.relay_orders()

    assert known_while_locked == {}
    assert desk.at_whistl(order) == 1


def test_an_order_allocated_to_another_warehouse_waits_until_it_is_moved_to_ours(
    desk: Desk,
) -> None:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    for line in order.lines:
        line.warehouse_id = SHOP_WAREHOUSE_ID
    desk.relay_orders()
    before = (desk.state(order), desk.at_whistl(order))
    desk.wait(5)
    for line in order.lines:
        line.warehouse_id = WAREHOUSE_ID
    touch(desk.world, order)

    desk.relay_orders()

    assert before == (WAITING, 0)
    assert desk.at_whistl(order) == 1


def test_a_release_that_leaves_no_trace_in_the_dates_is_found_by_the_sweep(desk: Desk) -> None:
    desk.switch(centra_resume_touches_updated_at=False)
    order = desk.order(is_on_hold=True)
    intake.take_in_orders(desk.link)
    desk.wait(600)
    desk.order(number=200_000)
    intake.take_in_orders(desk.link)
    release(desk.world, order)

    intake.take_in_orders(desk.link)
    by_date = desk.state(order)
    intake.take_in_orders(desk.link, is_sweep=True)

    assert by_date == WAITING
    assert desk.state(order) == RECEIVED


@pytest.mark.parametrize("settings", [{"centra_unknown_status": "UNDER_REVIEW"}], indirect=True)
def test_an_order_of_a_status_nobody_has_heard_of_stops_nothing(desk: Desk) -> None:
    strange = desk.order()
    normal = desk.order()
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)
    strange.is_on_hold = True  # and shown as UNDER_REVIEW from now on

    submission.submit_ready_orders(desk.link)

    assert desk.state(strange) == WAITING
    assert desk.at_whistl(strange) == 0
    assert desk.at_whistl(normal) == 1


def test_how_long_an_order_has_been_waiting_is_not_forgotten_when_it_is_read_again(
    desk: Desk,
) -> None:
    order = desk.order(is_on_hold=True)
    intake.take_in_orders(desk.link)
    since = desk.row(order).state_since
    desk.wait(60)
    touch(desk.world, order)

    intake.take_in_orders(desk.link)

    assert desk.row(order).state_since == since


# ---- cancelled and resumed before it was sent
def test_an_order_cancelled_before_it_was_sent_ends_and_takes_its_exceptions_with_it(
    desk: Desk,
) -> None:
    order = desk.order(address={**ADA, "zipCode": "YO1 7H"})
    desk.relay_orders()
    blocked = (desk.state(order), desk.problems())
    desk.wait(5)
    cancel_order(desk.world, order)

    desk.relay_orders()

    assert blocked == (OrderState.BLOCKED, ["postcode_malformed"])
    assert (desk.state(order), desk.problems()) == (OrderState.CANCELLED, [])


def test_an_order_cancelled_before_anybody_read_it_is_not_taken_in(desk: Desk) -> None:
    desk.order()
    intake.take_in_orders(desk.link)
    order = desk.order()
    cancel_order(desk.world, order)

    tally = intake.take_in_orders(desk.link)

    assert tally.skipped["cancelled before it was read"] == 1
    assert desk.counts() == {RECEIVED: 1}


@pytest.mark.parametrize("is_held", [False, True])
def test_a_cancelled_order_that_is_resumed_goes_unless_it_is_held(
    desk: Desk, is_held: bool
) -> None:
    order = desk.order(is_on_hold=True)
    desk.relay_orders()
    desk.wait(5)
    cancel_order(desk.world, order)
    desk.relay_orders()
    desk.wait(5)
    order.status, order.is_on_hold = "CONFIRMED", is_held
    touch(desk.world, order)

    desk.relay_orders()

    assert desk.state(order) == (WAITING if is_held else OrderState.SUBMITTED)
    assert desk.at_whistl(order) == (0 if is_held else 1)


def test_a_cancellation_that_leaves_no_trace_in_the_dates_is_found_by_the_sweep(desk: Desk) -> None:
    order = desk.order(address={**ADA, "zipCode": "YO1 7H"})
    desk.relay_orders()
    desk.wait(600)
    desk.order(number=200_000)
    intake.take_in_orders(desk.link)
    order.status = "CANCELLED"

    intake.take_in_orders(desk.link)
    by_date = desk.state(order)
    intake.take_in_orders(desk.link, is_sweep=True)

    assert by_date == OrderState.BLOCKED
    assert (desk.state(order), desk.problems()) == (OrderState.CANCELLED, [])


def test_a_cancellation_older_than_what_a_sweep_reads_is_still_passed_on(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.wait(5)
    order.is_locked = False
    cancel_order(desk.world, order)
    desk.wait(600)
    desk.order(number=200_000)

    intake.take_in_orders(desk.link, is_sweep=True)
    desk.wait(60)
    intake.take_in_orders(desk.link)

    assert desk.row(order).cancel_wanted_at is not None
