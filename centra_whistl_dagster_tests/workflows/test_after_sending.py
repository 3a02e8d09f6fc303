"""Once Whistl has an order: held, ended, cancelled, edited, and told to the right owner."""

from __future__ import annotations

from typing import Any

import pytest

from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.simulator.centra_rules import cancel_order, touch
from centra_whistl_dagster.simulator.fault_rules import FaultKind
from centra_whistl_dagster.simulator.shoppers import ADA
from centra_whistl_dagster.simulator.warehouse import cancel as cancel_at_whistl
from centra_whistl_dagster.simulator.whistl_snapshots import take_snapshot
from centra_whistl_dagster.simulator.world import CentraOrder, WhistlOrder
from centra_whistl_dagster.transport import IntegrationError, OutcomeUnknown
from centra_whistl_dagster.workflows import (
    cancellation,
    despatches,
    handover,
    intake,
    look_up,
    order_statuses,
    screening,
)

BLOCKED, CANCELLED = OrderState.BLOCKED, OrderState.CANCELLED


def held(desk, order: CentraOrder) -> WhistlOrder:
    return desk.world.whistl_orders[f"C{order.number}"]


def wait_for(desk, order: CentraOrder, status: str) -> WhistlOrder:
    """Let time pass until Whistl's order has a status, and no longer."""
    for _ in range(300):
        if held(desk, order).status == status:
            return held(desk, order)
        desk.wait(1)
    raise AssertionError(f"the order is {held(desk, order).status}, never {status}")


def withdraw(desk, order: CentraOrder) -> None:
    """Cancel in Centra, as customer service does: off with the lock, then cancelled."""
    desk.wait(1)
    order.is_locked = False
    cancel_order(desk.world, order)


# ---- what Whistl says
def test_a_hold_at_whistl_is_told_with_its_reason_and_closed_when_it_is_lifted(desk) -> None:
    desk.switch(hold_after_accept_share=1.0)
    order = desk.order()
    desk.relay_orders()
    wait_for(desk, order, "HELD")
    desk.relay_despatches()
    while_held = (desk.problems(str(order.number)), desk.messages())
    wait_for(desk, order, "ALLOCATED")

    desk.relay_despatches()

    assert while_held[0] == ["held_at_whistl"]
    assert "Address needs checking" in while_held[1][0]
    assert desk.problems() == []
    assert desk.state(order) == OrderState.SUBMITTED


def test_a_status_nobody_has_heard_of_is_told_and_keeps_nothing_from_going_on(desk) -> None:
    desk.switch(unknown_status_share=1.0)
    order = desk.order()
    desk.relay_orders()
    wait_for(desk, order, "QUALITY_CHECK")
    desk.relay_despatches()
    meanwhile = desk.problems(str(order.number))
    wait_for(desk, order, "DESPATCHED")

    desk.relay_despatches()

    assert meanwhile == ["unknown_whistl_status"]
    assert desk.state(order) == OrderState.COMPLETED
    assert desk.problems() == []


@pytest.mark.parametrize(
    ("ended_by", "kind"),
    [("rejection", "rejected_late"), ("cancellation", "cancelled_at_whistl")],
)
def test_an_order_that_whistl_ended_is_told_and_its_number_is_never_used_again(
    desk, ended_by: str, kind: str
) -> None:
    order = desk.order()
    desk.relay_orders()
    end(desk, order, ended_by)

    desk.relay(2)
    told = (desk.state(order), desk.problems(str(order.number)))
    order.is_locked = False
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(desk.world, order)
    desk.relay(2)
    order.is_on_hold = True
    touch(desk.world, order)
    desk.relay(2)
    order.is_on_hold = False
    touch(desk.world, order)
    desk.relay(2)

    assert told == (BLOCKED, [kind])
    assert (desk.state(order), desk.problems(str(order.number))) == (BLOCKED, [kind])
    assert desk.world.calls["whistl create_order"] == 1
    withdraw(desk, order)
    desk.relay(2)
    assert (desk.state(order), desk.problems()) == (CANCELLED, [])


def end(desk, order: CentraOrder, ended_by: str) -> None:
    if ended_by == "rejection":
        desk.switch(late_rejected_share=1.0)
        wait_for(desk, order, "REJECTED")
    else:
        with desk.world.lock:
            cancel_at_whistl(desk.world, wait_for(desk, order, "ALLOCATED"))


@pytest.mark.parametrize(
    ("ended_by", "kind"),
    [("rejection", "rejected_late"), ("cancellation", "cancelled_at_whistl")],
)
def test_an_order_that_whistl_ended_while_its_answer_was_lost_is_told(
    desk, ended_by: str, kind: str
) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order, younger = desk.order(), desk.order()
    desk.relay_orders()
    end(desk, order, ended_by)
    desk.wait(300)
    touched = held(desk, younger)
    touched.updated_at = desk.clock()  # the feed of changes moves on, past the one in doubt
    order_statuses.follow_order_statuses(desk.link)

    desk.relay(3)

    assert desk.state(order) == BLOCKED
    assert desk.problems(str(order.number)) == [kind]


def test_what_was_set_aside_while_the_answer_was_lost_is_known_after_the_look_up(desk) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    allocated_at = wait_for(desk, order, "ALLOCATED").updated_at
    desk.wait(40)

    look_up.resolve_orders_in_doubt(desk.link)

    assert desk.row(order).allocated_at == allocated_at


def test_a_feed_of_changes_that_breaks_off_is_read_again_from_where_it_was(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    wait_for(desk, order, "ALLOCATED")
    desk.fault("whistl", "list_orders", FaultKind.ERROR_503_BEFORE)
    with pytest.raises(OutcomeUnknown):
        order_statuses.follow_order_statuses(desk.link)
    desk.world.faults.clear()

    order_statuses.follow_order_statuses(desk.link)

    assert desk.row(order).whistl_status == "ALLOCATED"


# ---- cancelled in Centra
def test_an_order_cancelled_in_time_is_stopped_at_whistl(desk) -> None:
    order, other = desk.order(), desk.order()
    desk.relay_orders()
    withdraw(desk, order)

    desk.relay_orders()
    before = desk.effects()
    desk.relay(rounds=8)

    assert held(desk, order).status == "CANCELLED"
    assert desk.state(order) == CANCELLED
    assert desk.state(other) == OrderState.COMPLETED
    assert before["whistl orders cancelled"] == 1
    assert desk.effects()["whistl orders cancelled"] == 1
    assert desk.problems() == []


@pytest.mark.parametrize("is_stopped", [True, False])
def test_an_order_cancelled_while_it_is_picked_is_stopped_or_told(desk, is_stopped: bool) -> None:
    desk.switch(cancel_while_picking_share=float(is_stopped))
    order = desk.order()
    desk.relay_orders()
    wait_for(desk, order, "PICKING")
    withdraw(desk, order)
    desk.relay_orders()
    asked = (desk.state(order), desk.problems())

    desk.relay(rounds=8)

    assert asked == (OrderState.SUBMITTED, [])
    if is_stopped:
        assert (desk.state(order), desk.problems()) == (CANCELLED, [])
    else:
        assert held(desk, order).status == "DESPATCHED"
        assert desk.state(order) == OrderState.DESPATCHED
        assert "cancelled_after_sending" in desk.problems(str(order.number))
    assert order.shipments == []


def test_an_order_cancelled_too_late_is_told_and_no_shipment_is_made_of_it(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    wait_for(desk, order, "PACKED")
    withdraw(desk, order)
    desk.relay_orders()
    told = (desk.problems(), desk.messages())

    desk.relay(rounds=6)

    assert told[0] == ["cancelled_after_sending"]
    assert "will be delivered" in told[1][0]
    assert desk.world.calls["whistl cancel_order"] == 1
    assert order.shipments == []
    assert desk.state(order) == OrderState.DESPATCHED


def test_an_order_cancelled_after_it_left_is_told_and_not_sold_again(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    wait_for(desk, order, "DESPATCHED")
    order_statuses.follow_order_statuses(desk.link)
    despatches.pull_despatches(desk.link)
    despatches.apply_despatches(desk.link)
    withdraw(desk, order)
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
    desk, setting: str, wrong: str
) -> None:
    order = desk.order()
    desk.relay_orders()
    withdraw(desk, order)
    good = desk.environment[setting]
    intake.take_in_orders(desk.link)
    desk.reopen(**{setting: wrong})
    tally = cancellation.pass_on_cancellations(desk.link)
    meanwhile = (desk.state(order), desk.problems())
    desk.reopen(**{setting: good})
    desk.clock.advance(61)  # and nobody in the building gets on with it

    desk.relay_orders()

    assert tally.failed["whistl not answering"] == 1
    assert meanwhile == (OrderState.SUBMITTED, [])
    assert held(desk, order).status == "CANCELLED"
    assert desk.state(order) == CANCELLED


def test_an_order_that_whistl_does_not_show_yet_is_not_given_up_as_too_late(desk) -> None:
    desk.switch(whistl_lookup_lag_seconds=20.0)
    desk.world.settings.speed = 1e-6
    order = desk.order()
    desk.relay_orders()
    withdraw(desk, order)
    desk.relay_orders()
    meanwhile = (desk.state(order), desk.problems())
    desk.wait(61)

    desk.relay_orders()

    assert meanwhile == (OrderState.SUBMITTED, [])
    assert held(desk, order).status == "CANCELLED"


@pytest.mark.parametrize("is_there", [True, False], ids=["accepted", "never arrived"])
def test_an_order_cancelled_while_its_answer_is_lost_is_not_delivered(desk, is_there: bool) -> None:
    desk.world.settings.speed = 1e-6
    kind = FaultKind.LOSE_ANSWER_AFTER if is_there else FaultKind.ERROR_503_BEFORE
    desk.fault("whistl", "create_order", kind, nth=1)
    order = desk.order()
    desk.relay_orders()
    withdraw(desk, order)

    for _ in range(4):
        desk.relay_orders()
        desk.wait(60)

    assert desk.state(order) == CANCELLED
    assert desk.at_whistl(order) == int(is_there)
    if is_there:
        assert held(desk, order).status == "CANCELLED"


def test_an_order_resumed_after_whistl_stopped_it_is_told_for_its_number_is_used_up(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    withdraw(desk, order)
    desk.relay(2)
    assert desk.state(order) == CANCELLED
    desk.wait(1)
    order.status = "CONFIRMED"
    touch(desk.world, order)

    desk.relay(3)

    assert desk.state(order) == BLOCKED
    assert desk.problems(str(order.number)) == ["cancelled_at_whistl"]
    assert desk.at_whistl(order) == 1


def test_an_order_resumed_before_whistl_was_asked_is_not_stopped(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    withdraw(desk, order)
    intake.take_in_orders(desk.link)
    desk.wait(1)
    order.status = "CONFIRMED"
    touch(desk.world, order)

    desk.relay(rounds=8)

    assert desk.state(order) == OrderState.COMPLETED
    assert desk.effects()["whistl orders cancelled"] == 0


def test_an_order_resumed_after_intake_last_looked_is_not_stopped(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    withdraw(desk, order)
    intake.take_in_orders(desk.link)
    desk.wait(1)
    order.status = "CONFIRMED"
    touch(desk.world, order)

    tally = cancellation.pass_on_cancellations(desk.link)

    assert held(desk, order).status != "CANCELLED"
    assert tally.skipped == {"resumed in Centra": 1}
    assert desk.row(order).cancel_wanted_at is None


def test_an_order_resumed_before_it_was_sent_again_is_not_stopped_for_its_old_cancellation(
    desk,
) -> None:
    order = desk.order()
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE, nth=1)
    desk.relay_orders()
    withdraw(desk, order)
    intake.take_in_orders(desk.link)
    desk.wait(400)
    look_up.resolve_orders_in_doubt(desk.link)
    assert desk.state(order) == OrderState.READY
    order.status = "CONFIRMED"
    touch(desk.world, order)

    desk.relay(rounds=2, every=5)

    assert desk.at_whistl(order) == 1
    assert desk.effects()["whistl orders cancelled"] == 0


def test_an_order_of_which_a_part_has_left_is_told_when_whistl_stops_the_rest(desk) -> None:
    order, other = desk.order(), desk.order()
    desk.relay_orders()
    for one in (order, other):
        withdraw(desk, one)
    intake.take_in_orders(desk.link)
    with desk.link.ledger.transaction() as tx:
        row = orders.find(tx, order.order_id)
        assert row is not None
        state = OrderState.PART_DESPATCHED
        orders.move(tx, row, state, reason="one parcel", now=desk.clock())

    cancellation.pass_on_cancellations(desk.link)
    desk.wait(120)
    asked_again = cancellation.pass_on_cancellations(desk.link).read

    assert [held(desk, one).status for one in (order, other)] == ["CANCELLED"] * 2
    assert (desk.state(order), desk.state(other)) == (state, CANCELLED)
    assert desk.problems() == ["cancelled_after_sending"]
    assert "a part of it" in desk.messages()[0]
    assert asked_again == 0


def test_a_cancellation_is_passed_on_though_locking_fails_and_the_failure_is_told(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    withdraw(desk, order)
    desk.order()
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)
    desk.fault("centra", "LockOrders", FaultKind.HTML_200)

    with pytest.raises(IntegrationError, match="LockOrders"):
        handover.hand_over(desk.link)

    assert held(desk, order).status == "CANCELLED"


# ---- edited in Centra
def test_an_edit_after_sending_is_told_and_closed_when_it_is_undone(desk) -> None:
    order = desk.order()
    desk.relay_orders()
    kept: dict[str, Any] = dict(order.address or {})
    desk.wait(1)
    order.is_locked = False
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(desk.world, order)
    desk.relay_orders()
    told = desk.problems(str(order.number))
    desk.wait(1)
    order.address = kept
    touch(desk.world, order)

    desk.relay_orders()

    assert told == ["edited_after_sending"]
    assert desk.problems() == []
    assert desk.at_whistl(order) == 1
