"""An order cancelled once Whistl has it is stopped there if it can be, and told if it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import former_numbers, orders
from centra_whistl_dagster.simulator.centra.rules import cancel_order, touch
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.warehouse import cancel as cancel_at_whistl
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.orders import (
    cancellation,
    handover,
    intake,
    look_up,
    screening,
    statuses,
)
from centra_whistl_dagster.workflows.shipments import despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

BLOCKED, CANCELLED = OrderState.BLOCKED, OrderState.CANCELLED


def test_an_order_cancelled_in_time_is_stopped_at_whistl(desk: Desk) -> None:
    order, other = desk.order(), desk.order()
    desk.relay_orders()
    desk.withdraw(order)

    desk.relay_orders()
    before = desk.effects()
    desk.relay(rounds=8)

    assert desk.held(order).status == "CANCELLED"
    assert desk.state(order) == CANCELLED
    assert desk.state(other) == OrderState.COMPLETED
    assert before["whistl orders cancelled"] == 1
    assert desk.effects()["whistl orders cancelled"] == 1
    assert desk.problems() == []


@pytest.mark.parametrize("is_stopped", [True, False])
def test_an_order_cancelled_while_it_is_picked_is_stopped_or_told(
    desk: Desk, is_stopped: bool
) -> None:
    desk.switch(cancel_while_picking_share=float(is_stopped))
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PICKING")
    desk.withdraw(order)
    desk.relay_orders()
    asked = (desk.state(order), desk.problems())

    desk.relay(rounds=8)

    assert asked == (OrderState.SUBMITTED, [])
    if is_stopped:
        assert (desk.state(order), desk.problems()) == (CANCELLED, [])
    else:
        assert desk.held(order).status == "DESPATCHED"
        assert desk.state(order) == OrderState.COMPLETED
        assert "cancelled_after_sending" in desk.problems(str(order.number))
    assert order.shipments == []


def test_an_order_cancelled_too_late_is_told_and_no_shipment_is_made_of_it(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PACKED")
    desk.withdraw(order)
    desk.relay_orders()
    told = (desk.problems(), desk.messages())

    desk.relay(rounds=6)

    assert told[0] == ["cancelled_after_sending"]
    assert "cannot stop it any more" in told[1][0]
    assert "agree a return" in told[1][0]
    assert desk.world.calls["whistl cancel_order"] == 1
    assert order.shipments == []
    assert desk.state(order) == OrderState.COMPLETED


def test_an_order_cancelled_after_it_left_is_told_and_not_sold_again(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "DESPATCHED")
    statuses.follow_order_statuses(desk.link)
    despatches.pull_despatches(desk.link)
    despatches.apply_despatches(desk.link)
    desk.withdraw(order)
    desk.relay_orders()
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)

    desk.sync_stock()

    assert desk.problems() == ["cancelled_after_sending"]
    assert desk.truth()["stock"]["resurrected_units"] == 0
    assert desk.truth()["stock"]["unexplained"] == []


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [("WHISTL_CLIENT_SECRET", "wrong"), ("WHISTL_BASE_URL", "http://127.0.0.1:9/whistl")],
)
def test_a_cancellation_that_could_not_be_passed_on_is_passed_on_later(
    desk: Desk, setting: str, wrong: str
) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.withdraw(order)
    good = desk.environment[setting]
    intake.take_in_orders(desk.link)
    desk.reopen(**{setting: wrong})
    tally = cancellation.pass_on_cancellations(desk.link)
    meanwhile = (desk.state(order), desk.problems())
    desk.reopen(**{setting: good})
    desk.clock.advance(61)  # and nobody in the building gets on with it

    desk.relay_orders()

    assert tally.failed["Whistl does not answer"] == 1
    assert meanwhile == (OrderState.SUBMITTED, [])
    assert desk.held(order).status == "CANCELLED"
    assert desk.state(order) == CANCELLED


def test_an_order_that_whistl_does_not_show_yet_is_not_given_up_as_too_late(desk: Desk) -> None:
    desk.switch(whistl_lookup_lag_seconds=20.0)
    desk.world.settings.speed = 1e-6
    order = desk.order()
    desk.relay_orders()
    desk.withdraw(order)
    desk.relay_orders()
    meanwhile = (desk.state(order), desk.problems())
    desk.wait(61)

    desk.relay_orders()

    assert meanwhile == (OrderState.SUBMITTED, [])
    assert desk.held(order).status == "CANCELLED"


@pytest.mark.parametrize("is_there", [True, False], ids=["accepted", "never arrived"])
def test_an_order_cancelled_while_its_answer_is_lost_is_not_delivered(
    desk: Desk, is_there: bool
) -> None:
    desk.world.settings.speed = 1e-6
    kind = FaultKind.LOSE_ANSWER_AFTER if is_there else FaultKind.ERROR_503_BEFORE
    desk.fault("whistl", "create_order", kind, nth=1)
    order = desk.order()
    desk.relay_orders()
    desk.withdraw(order)

    for _ in range(4):
        desk.relay_orders()
        desk.wait(60)

    assert desk.state(order) == CANCELLED
    assert desk.at_whistl(order) == int(is_there)
    if is_there:
        assert desk.held(order).status == "CANCELLED"


def test_an_order_resumed_after_whistl_stopped_it_goes_again_under_its_next_number(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.withdraw(order)
    desk.relay(2)
    assert desk.state(order) == CANCELLED
    stopped_at = desk.row(order).cancelled_at
    desk.wait(1)
    order.status = "CONFIRMED"
    touch(desk.world, order)

    desk.relay(10)

    stopped, sent = desk.world.whistl_orders_of(order)
    assert (stopped.status, sent.status) == ("CANCELLED", "DESPATCHED")
    assert sent.order_number == f"C{order.number}-2"
    with desk.link.ledger.reading() as tx:
        (former,) = former_numbers.of_order(tx, order.order_id)
    assert former.ended_at == stopped_at, "the units were free from then on, not from the resuming"
    assert desk.state(order) == OrderState.COMPLETED
    assert desk.problems() == []
    desk.assert_every_parcel_is_right()


def test_an_order_resumed_before_whistl_was_asked_is_not_stopped(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.withdraw(order)
    intake.take_in_orders(desk.link)
    desk.wait(1)
    order.status = "CONFIRMED"
    touch(desk.world, order)

    desk.relay(rounds=8)

    assert desk.state(order) == OrderState.COMPLETED
    assert desk.effects()["whistl orders cancelled"] == 0


def test_an_order_resumed_after_intake_last_looked_is_not_stopped(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.withdraw(order)
    intake.take_in_orders(desk.link)
    desk.wait(1)
    order.status = "CONFIRMED"
    touch(desk.world, order)

    tally = cancellation.pass_on_cancellations(desk.link)

    assert desk.held(order).status != "CANCELLED"
    assert tally.skipped == {"not to be stopped any more": 1}
    assert desk.row(order).cancel_wanted_at is None


def test_an_order_resumed_before_it_was_sent_again_is_not_stopped_for_its_old_cancellation(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE, nth=1)
    desk.relay_orders()
    desk.withdraw(order)
    intake.take_in_orders(desk.link)
    desk.wait(400)
    look_up.resolve_orders_in_doubt(desk.link)
    assert desk.state(order) == OrderState.READY
    order.status = "CONFIRMED"
    touch(desk.world, order)

    desk.relay(rounds=2, every=5)

    assert desk.at_whistl(order) == 1
    assert desk.effects()["whistl orders cancelled"] == 0


def test_an_order_of_which_a_part_has_left_is_told_when_whistl_stops_the_rest(desk: Desk) -> None:
    order, other = desk.order(), desk.order()
    desk.relay_orders()
    for one in (order, other):
        desk.withdraw(one)
    intake.take_in_orders(desk.link)
    with desk.link.ledger.transaction() as tx:
        row = orders.find(tx, order.order_id)
        assert row is not None
        state = OrderState.PART_DESPATCHED
        orders.move(tx, row, state, reason="one parcel")

    cancellation.pass_on_cancellations(desk.link)
    desk.wait(120)
    asked_again = cancellation.pass_on_cancellations(desk.link).read

    assert [desk.held(one).status for one in (order, other)] == ["CANCELLED"] * 2
    assert (desk.state(order), desk.state(other)) == (state, CANCELLED)
    assert desk.problems() == ["cancelled_after_sending"]
    assert "A part of it had left" in desk.messages()[0]
    assert asked_again == 0


def test_a_cancellation_is_passed_on_though_locking_fails_and_the_failure_is_told(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.withdraw(order)
    desk.order()
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)
    desk.fault("centra", "LockOrders", FaultKind.HTML_200)

    with pytest.raises(IntegrationError, match="LockOrders"):
        handover.hand_over(desk.link)

    assert desk.held(order).status == "CANCELLED"


# ---- how often, and what then
def test_an_order_that_whistl_does_not_know_is_asked_about_a_few_times_and_then_alerted(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    del desk.world.whistl_orders[f"C{order.number}"]
    desk.withdraw(order)

    for _ in range(60):
        desk.relay_orders()
        desk.clock.advance(60)

    policy = desk.link.configuration.after_sending
    assert desk.world.calls["whistl cancel_order"] == policy.stop_attempts
    assert desk.problems(str(order.number)) == ["cancelled_after_sending"]
    assert "does not know the order" in desk.messages()[0]


def test_a_stop_that_whistl_never_confirms_is_followed_up_and_alerted(desk: Desk) -> None:
    desk.world.settings.pack_seconds = 1e9
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PICKING")
    desk.withdraw(order)
    desk.relay_orders()
    asked = (desk.world.calls["whistl cancel_order"], desk.problems())
    policy = desk.link.configuration.after_sending
    desk.clock.advance(60 * policy.stop_follow_up_minutes - 1)
    desk.relay_orders()
    before = (desk.world.calls["whistl cancel_order"], desk.problems())
    desk.clock.advance(1)
    desk.relay_orders()
    followed_up = (desk.world.calls["whistl cancel_order"], desk.problems())
    for _ in range(20):
        desk.clock.advance(60 * policy.stop_follow_up_minutes)
        desk.relay_orders()

    assert asked == before == (1, [])
    assert followed_up == (2, ["cancelled_after_sending"])
    assert "has not said whether it could" in desk.messages()[0]
    assert desk.world.calls["whistl cancel_order"] == policy.stop_attempts


def test_a_whistl_that_does_not_answer_is_asked_on_while_the_owner_knows_of_it(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.world.settings.speed = 1e-9
    desk.held(order).status_version += 1  # nobody in the building goes on with it
    desk.withdraw(order)
    desk.fault("whistl", "cancel_order", FaultKind.ERROR_503_BEFORE)
    for _ in range(50):
        desk.relay_orders()
        desk.clock.advance(60)
    meanwhile = (desk.problems(str(order.number)), desk.held(order).status)
    desk.world.faults.clear()
    desk.clock.advance(15 * 60)

    desk.relay_orders()

    assert meanwhile == (["cancelled_after_sending"], "RECEIVED")
    assert desk.held(order).status == "CANCELLED"
    assert (desk.state(order), desk.problems()) == (CANCELLED, [])


def test_an_outage_of_whistl_costs_one_question_a_round_however_many_are_to_be_stopped(
    desk: Desk,
) -> None:
    placed = desk.order_some(5)
    desk.relay_orders()
    for order in placed:
        desk.withdraw(order)
    intake.take_in_orders(desk.link)
    desk.fault("whistl", "cancel_order", FaultKind.ERROR_503_BEFORE)

    tally = cancellation.pass_on_cancellations(desk.link)

    assert tally.failed == {"Whistl does not answer": 1}
    assert tally.skipped == {"Whistl does not answer": 4}


def test_a_refused_lock_does_not_delay_a_cancellation(desk: Desk) -> None:
    order = desk.order()
    desk.switch(centra_refuses_locks=True)
    desk.relay_orders()
    assert desk.row(order).locked_at is None
    desk.withdraw(order)

    desk.relay_orders()

    assert desk.held(order).status == "CANCELLED"


# ---- unlocked again
def test_an_order_that_whistl_ended_can_be_edited_in_centra_again(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    locked = order.is_locked
    with desk.world.lock:
        cancel_at_whistl(desk.world, desk.wait_for(order, "ALLOCATED"))

    desk.relay(rounds=2)
    calls = desk.world.calls["centra setOrdersLock"]
    desk.relay(rounds=3)

    assert locked
    assert not order.is_locked
    assert desk.world.calls["centra setOrdersLock"] == calls, "once is enough"


def test_an_order_that_centra_does_not_unlock_is_tried_again_and_alerted(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    with desk.world.lock:
        cancel_at_whistl(desk.world, desk.wait_for(order, "ALLOCATED"))
    desk.relay_despatches()
    desk.switch(centra_refuses_locks=True)
    for _ in range(30):
        desk.relay_orders()
        desk.clock.advance(60)
    meanwhile = desk.problems(str(order.number))
    calls = desk.world.calls["centra setOrdersLock"]
    desk.switch(centra_refuses_locks=False)
    desk.clock.advance(60 * 60)

    desk.relay_orders()

    assert "unlock_refused" in meanwhile
    assert calls < 10
    assert not order.is_locked
    assert "unlock_refused" not in desk.problems(str(order.number))


# ---- locked
def test_an_order_that_centra_does_not_lock_is_tried_again_and_alerted_without_delaying_a_cancel(
    desk: Desk,
) -> None:
    desk.switch(centra_refuses_locks=True)
    desk.world.settings.speed = 1e-6
    order, other = desk.order(), desk.order()
    for _ in range(30):
        desk.relay_orders()
        desk.clock.advance(60)
    meanwhile = [desk.problems(str(each.number)) for each in (order, other)]
    calls = desk.world.calls["centra setOrdersLock"]
    cancel_order(desk.world, other)
    desk.relay_orders()
    cancelled = (desk.held(other).status, desk.row(other).lock_attempts)
    desk.switch(centra_refuses_locks=False)
    desk.clock.advance(60 * 60)

    desk.relay_orders()

    assert meanwhile == [["lock_refused"]] * 2
    assert calls < 30
    assert cancelled[0] == "CANCELLED"
    assert order.is_locked
    assert desk.problems() == []
    assert desk.row(order).lock_attempts == 0
