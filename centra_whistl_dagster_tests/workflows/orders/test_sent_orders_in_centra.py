"""Orders that Whistl has are locked in Centra, and what happens to them there is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import cancel_order, touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import Refused
from centra_whistl_dagster.workflows.due import orders_due
from centra_whistl_dagster.workflows.orders import handover, intake, locks, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

A_QUARTER = 15 * 60.0


@pytest.fixture
def quiet(desk: Desk) -> Desk:
    """A warehouse in which nothing happens by itself."""
    desk.world.settings.allocate_seconds = 10_000_000.0
    return desk


def sent(desk: Desk, count: int = 1) -> list[CentraOrder]:
    placed = [desk.order((desk.skus[n % 40], 1)) for n in range(count)]
    desk.relay_orders()
    assert all(order.is_locked for order in placed)
    return placed


def is_acted_upon(desk: Desk, order: CentraOrder) -> bool:
    """Say whether Whistl was asked to stop the order as it was sent, or somebody was alerted."""
    first = desk.world.whistl_orders[f"C{order.number}"]
    return first.status == "CANCELLED" or "edited_after_sending" in desk.problems()


def test_an_edit_of_a_locked_order_through_the_api_is_seen_within_a_quarter_of_an_hour(
    quiet: Desk,
) -> None:
    (order,) = sent(quiet)
    quiet.wait(60)
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(quiet.world, order)
    quiet.relay_orders()
    early = quiet.held(order).status
    quiet.wait(A_QUARTER - 60)

    is_due = orders_due(quiet.link).to_compare
    quiet.relay_orders()

    # What becomes of the edit is the policy's: that Whistl does not pack the old version unasked.
    assert early == "RECEIVED"
    assert is_due == 1
    assert is_acted_upon(quiet, order)
    assert orders_due(quiet.link).to_compare == 0


def test_a_cancellation_that_no_list_shows_is_seen_within_a_quarter_of_an_hour(
    quiet: Desk,
) -> None:
    (order,) = sent(quiet)
    quiet.wait(60)
    date = order.updated_at
    cancel_order(quiet.world, order)
    order.updated_at = date
    quiet.wait(A_QUARTER)

    quiet.relay_orders()

    assert quiet.held(order).status == "CANCELLED"
    assert quiet.state(order) == OrderState.CANCELLED


def test_each_reading_of_a_held_or_unpaid_order_is_applied_though_no_date_changes(
    quiet: Desk,
) -> None:
    held, unpaid, other = sent(quiet, 3)
    quiet.wait(60)
    held.is_on_hold = True
    unpaid.is_waiting_for_payment = True
    quiet.wait(A_QUARTER)
    whole: list[str] = []

    class Centra:
        def __getattr__(self, name: str) -> Any:
            return getattr(link.centra, name)

        def orders_with_ids(self, ids: list[str]) -> Any:
            whole.extend(ids)
            return link.centra.orders_with_ids(ids)

    link = quiet.link
    quiet.link = cast("Any", _with_centra(quiet, Centra()))
    intake.take_in_orders(quiet.link)

    assert sorted(whole) == sorted([held.order_id, unpaid.order_id])
    assert other.order_id not in whole


def _with_centra(desk: Desk, centra: object) -> object:
    return replace(desk.link, centra=cast("Any", centra))


def test_comparing_many_sent_orders_costs_one_request_for_two_hundred(quiet: Desk) -> None:
    sent(quiet, 150)
    quiet.wait(A_QUARTER)
    before = quiet.world.calls["centra query"]

    tally = intake.take_in_orders(quiet.link)

    # The two lists by time of change, and one page of stamps.
    assert quiet.world.calls["centra query"] - before == 3
    assert tally.is_balanced


def test_an_unreadable_sent_order_is_named_and_keeps_no_other_from_being_seen(
    quiet: Desk,
) -> None:
    broken, edited = sent(quiet, 2)
    quiet.wait(60)
    for order in (broken, edited):
        order.address = {**ADA, "address1": "7 The Shambles"}
        touch(quiet.world, order)
    quiet.switch(centra_failing_fields={broken.number: "shippingAddress"})
    quiet.wait(A_QUARTER)

    quiet.relay_orders()

    assert quiet.problems(str(broken.number)) == ["unreadable_record"]
    assert is_acted_upon(quiet, edited)


def test_a_refused_lock_postpones_no_cancellation(quiet: Desk) -> None:
    order = quiet.order()
    link = quiet.link

    class CentraThatRefusesLocks:
        def __getattr__(self, name: str) -> Any:
            return getattr(link.centra, name)

        def lock_orders(self, ids: list[str], **_: Any) -> None:
            # Customer service cancels it in the very moment, and another process reads that.
            cancel_order(quiet.world, order)
            intake.take_in_orders(link)
            raise Refused(system="Centra", operation="LockOrders", detail="refused", status=200)

    quiet.make_ready(order)
    submission.submit_ready_orders(link)
    assert quiet.state(order) == OrderState.SUBMITTED
    quiet.wait(1)
    quiet.link = cast("Any", _with_centra(quiet, CentraThatRefusesLocks()))
    locks.lock_accepted_orders(quiet.link)
    quiet.link = link
    quiet.wait(1)

    handover.hand_over(quiet.link)

    assert quiet.held(order).status == "CANCELLED"
    assert quiet.clock() - quiet.row(order).state_since < timedelta(minutes=1)


def test_an_order_whose_lock_centra_refuses_is_locked_at_a_later_attempt(quiet: Desk) -> None:
    order = quiet.order()
    link = quiet.link

    class CentraThatRefusesLocks:
        def __getattr__(self, name: str) -> Any:
            return getattr(link.centra, name)

        def lock_orders(self, ids: list[str], **_: Any) -> None:
            raise Refused(system="Centra", operation="LockOrders", detail="refused", status=200)

    quiet.link = cast("Any", _with_centra(quiet, CentraThatRefusesLocks()))
    quiet.relay_orders()
    quiet.link = link
    quiet.relay_orders()
    at_once = order.is_locked
    quiet.wait(60)

    quiet.relay_orders()

    assert not at_once
    assert order.is_locked
