"""Once Whistl has an order: held or ended there, and told to the right owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.warehouse import cancel as cancel_at_whistl
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import OutcomeUnknown
from centra_whistl_dagster.workflows.orders import look_up, statuses
from centra_whistl_dagster.workflows.orders.story import tell_story

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

BLOCKED, CANCELLED = OrderState.BLOCKED, OrderState.CANCELLED


# ---- what Whistl says
def test_a_hold_at_whistl_is_reported_without_whistls_own_words_and_closed_when_it_is_lifted(
    desk: Desk,
) -> None:
    desk.switch(hold_after_accept_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "HELD")
    desk.relay_despatches()
    while_held = (desk.problems(str(order.number)), desk.messages())
    story = str(tell_story(desk.link, str(order.number)))
    desk.wait_for(order, "ALLOCATED")

    desk.relay_despatches()

    assert while_held[0] == ["held_at_whistl"]
    assert "Address needs checking" not in while_held[1][0]
    assert "Address needs checking" in story
    assert desk.problems() == []
    assert desk.state(order) == OrderState.SUBMITTED


def test_a_status_nobody_has_heard_of_is_told_and_keeps_nothing_from_going_on(desk: Desk) -> None:
    desk.switch(unknown_status_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "QUALITY_CHECK")
    desk.relay_despatches()
    meanwhile = desk.problems(str(order.number))
    desk.wait_for(order, "DESPATCHED")

    desk.relay_despatches()

    assert meanwhile == ["unknown_whistl_status"]
    assert desk.state(order) == OrderState.COMPLETED
    assert desk.problems() == []


def test_a_status_that_is_a_sentence_is_reported_without_its_words(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    held = desk.held(order)
    desk.wait(1)
    held.status, held.updated_at = "Waiting for Ada Lovelace to ring back", desk.clock()
    held.status_version += 1

    desk.relay_despatches()

    assert desk.problems(str(order.number)) == ["unknown_whistl_status"]
    assert "LOVELACE" not in desk.messages()[0].upper()


@pytest.mark.parametrize(
    ("ended_by", "kind"),
    [("rejection", "rejected_late"), ("cancellation", "cancelled_at_whistl")],
)
def test_an_order_that_whistl_ended_is_told_and_its_number_is_never_used_again(
    desk: Desk, ended_by: str, kind: str
) -> None:
    order = desk.order()
    desk.relay_orders()
    end(desk, order, ended_by)

    desk.relay(2)
    told = (desk.state(order), desk.problems(str(order.number)))
    order.is_on_hold = True
    touch(desk.world, order)
    desk.relay(2)
    order.is_on_hold = False
    touch(desk.world, order)
    desk.relay(2)

    assert told == (BLOCKED, [kind])
    assert (desk.state(order), desk.problems(str(order.number))) == (BLOCKED, [kind])
    assert desk.world.calls["whistl create_order"] == 1
    desk.withdraw(order)
    desk.relay(2)
    assert (desk.state(order), desk.problems()) == (CANCELLED, [])


def end(desk: Desk, order: CentraOrder, ended_by: str) -> None:
    if ended_by == "rejection":
        desk.switch(late_rejected_share=1.0)
        desk.wait_for(order, "REJECTED")
    else:
        with desk.world.lock:
            cancel_at_whistl(desk.world, desk.wait_for(order, "ALLOCATED"))


@pytest.mark.parametrize(
    ("ended_by", "kind"),
    [("rejection", "rejected_late"), ("cancellation", "cancelled_at_whistl")],
)
def test_an_order_that_whistl_ended_while_its_answer_was_lost_is_told(
    desk: Desk, ended_by: str, kind: str
) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order, younger = desk.order(), desk.order()
    desk.relay_orders()
    end(desk, order, ended_by)
    desk.wait(300)
    touched = desk.held(younger)
    touched.updated_at = desk.clock()  # the feed of changes moves on, past the one in doubt
    statuses.follow_order_statuses(desk.link)

    desk.relay(3)

    assert desk.state(order) == BLOCKED
    assert desk.problems(str(order.number)) == [kind]


def test_what_was_set_aside_while_the_answer_was_lost_is_known_after_the_look_up(
    desk: Desk,
) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    allocated_at = desk.wait_for(order, "ALLOCATED").updated_at
    desk.wait(40)

    look_up.resolve_orders_in_doubt(desk.link)

    assert desk.row(order).allocated_at == allocated_at


def test_a_feed_of_changes_that_breaks_off_is_read_again_from_where_it_was(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "ALLOCATED")
    desk.fault("whistl", "list_orders", FaultKind.ERROR_503_BEFORE)
    with pytest.raises(OutcomeUnknown):
        statuses.follow_order_statuses(desk.link)
    desk.world.faults.clear()

    statuses.follow_order_statuses(desk.link)

    assert desk.row(order).whistl_status == "ALLOCATED"
