"""What another relay, a person or Whistl does to an order while Whistl is asked to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.simulator.centra.rules import release, touch
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.whistl.client import CancelAnswer, WhistlClient
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders import cancellation, intake, look_up, statuses
from centra_whistl_dagster.workflows.orders.replacement_by_hand import replace_by_hand
from centra_whistl_dagster.workflows.orders.story import tell_story
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.orders.after_sending.test_sending_again import (
    numbers,
    readdress,
    set_on_hold,
)


class Meanwhile:
    """A Whistl of which something else happens between a cancellation's answer and its reading."""

    def __init__(self, client: WhistlClient, happens: Callable[[], object]) -> None:
        self._client, self._happens = client, happens

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def cancel_order(self, order_number: str, reason: str) -> CancelAnswer:
        try:
            return self._client.cancel_order(order_number, reason)
        finally:
            self._happens()


def while_asked(desk: Desk, happens: Callable[[], object]) -> Link:
    return replace(desk.link, whistl=cast("Any", Meanwhile(desk.link.whistl, happens)))


def units_left(desk: Desk, order: CentraOrder) -> int:
    return sum(
        line["despatched"]
        for held in desk.world.whistl_orders_of(order)
        for line in held.lines.values()
    )


def kinds_ever(desk: Desk) -> set[str]:
    with desk.link.ledger.reading() as tx:
        return {str(kind) for kind in exceptions.counts_by_kind(tx)}


# ---- two relays at once
def test_an_order_that_another_relay_has_sent_again_keeps_what_whistl_says_of_its_new_number(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    readdress(desk, order)
    intake.take_in_orders(desk.link)

    def the_other_relay() -> None:
        for _ in range(3):
            desk.relay_orders()

    cancellation.pass_on_cancellations(while_asked(desk, the_other_relay))

    row = desk.row(order)
    assert (row.whistl_number, row.state) == (f"C{order.number}-2", OrderState.SUBMITTED)
    assert row.whistl_status != "CANCELLED"
    desk.relay(rounds=10)
    assert [held.status for held in desk.world.whistl_orders_of(order)] == [
        *("CANCELLED", "DESPATCHED")
    ]
    assert (desk.state(order), desk.problems(), kinds_ever(desk)) == (
        *(OrderState.COMPLETED, []),
        set(),
    )


@pytest.mark.parametrize("status", ["ALLOCATED", "PICKING", "PACKED"])
def test_a_poll_that_sees_the_stop_first_leaves_nothing_to_alert_about(
    desk: Desk, status: str
) -> None:
    """Whether Whistl stops it, tries to, or refuses: the late answer is about the old number."""
    order = desk.order()
    desk.relay_orders()
    held = desk.wait_for(order, status)
    readdress(desk, order)
    intake.take_in_orders(desk.link)

    def it_is_stopped_and_polled() -> None:
        with desk.world.lock:
            held.status, held.status_version = "CANCELLED", held.status_version + 1
            held.updated_at = desk.world.now()
        statuses.follow_order_statuses(desk.link)

    cancellation.pass_on_cancellations(while_asked(desk, it_is_stopped_and_polled))

    row = desk.row(order)
    assert (row.whistl_number, row.stop_attempts, row.stop_asked_at) == (
        *(f"C{order.number}-2", 0),
        None,
    )
    assert kinds_ever(desk) == set()


# ---- taken back, or more serious, meanwhile
def test_a_cancellation_resumed_while_whistl_stops_it_sends_nothing_twice(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    held = desk.wait_for(order, "ALLOCATED")
    held.lines[1]["allocated"], held.lines[1]["despatched"] = 1, 1
    desk.withdraw(order)
    intake.take_in_orders(desk.link)

    def it_is_resumed() -> None:
        desk.clock.advance(1)
        order.status = "CONFIRMED"
        touch(desk.world, order)
        intake.take_in_orders(desk.link)

    cancellation.pass_on_cancellations(while_asked(desk, it_is_resumed))
    desk.relay(rounds=5)

    assert numbers(desk, order) == [f"C{order.number}"]
    assert units_left(desk, order) == 1
    assert "short_pick" in desk.problems(str(order.number))


@pytest.mark.parametrize("is_part_gone", [False, True])
def test_an_order_in_doubt_that_is_on_hold_goes_again_only_if_nothing_of_it_has_left(
    desk: Desk, is_part_gone: bool
) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    held = desk.wait_for(order, "ALLOCATED")
    set_on_hold(desk, order)
    intake.take_in_orders(desk.link)
    with desk.world.lock:
        if is_part_gone:
            held.lines[1]["allocated"], held.lines[1]["despatched"] = 1, 1
        warehouse.cancel(desk.world, held)
    desk.clock.advance(60)

    look_up.resolve_orders_in_doubt(desk.link)

    row = desk.row(order)
    if is_part_gone:
        assert (row.state, row.whistl_number) == (
            *(OrderState.PART_DESPATCHED, f"C{order.number}"),
        )
    else:
        assert (row.state, row.whistl_status, row.allocated_at) == (OrderState.WAITING, None, None)
        assert kinds_ever(desk) == set()
    release(desk.world, order)
    desk.clock.advance(60)
    desk.relay(rounds=10)
    assert units_left(desk, order) == (1 if is_part_gone else 2)


# ---- the last time
@pytest.mark.parametrize("lost", [0, 5])
def test_whoever_asks_whistl_for_the_last_time_alerts_the_owner(desk: Desk, lost: int) -> None:
    """Whether the attempts before were lost, or the policy allows one only."""
    desk.world.settings.pack_seconds = 1e9
    if not lost:
        policy = desk.link.configuration.after_sending
        configuration = replace(
            desk.link.configuration, after_sending=replace(policy, stop_attempts=1)
        )
        desk.link = replace(desk.link, configuration=configuration)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PICKING")
    desk.relay_despatches()
    desk.withdraw(order)
    desk.fault("whistl", "cancel_order", FaultKind.ERROR_503_BEFORE)
    while desk.row(order).stop_attempts < lost:
        desk.relay_orders()
        desk.clock.advance(60)
    desk.world.faults.clear()

    for _ in range(7 * 60):
        desk.clock.advance(60)
        desk.relay_orders()

    assert desk.problems(str(order.number)) == ["cancelled_after_sending"]
    assert "has not said whether it could" in desk.messages()[0]


# ---- by hand
def test_what_a_person_let_go_is_not_stopped_again_by_what_whistl_had_said_before(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    readdress(desk, order)
    for _ in range(3):
        desk.relay_orders()
    first, second = desk.world.whistl_orders_of(order)
    desk.clock.advance(1)
    first.status, first.updated_at = "RECEIVED", desk.clock()
    first.status_version += 1
    for _ in range(3):
        desk.relay_despatches()
        desk.relay_orders()
    assert (second.status, desk.state(order)) == ("CANCELLED", OrderState.BLOCKED)

    replace_by_hand(desk.link, order.number)
    statuses.follow_order_statuses(desk.link)

    assert desk.row(order).former_active_at is None
    assert (desk.state(order), desk.problems()) == (OrderState.RECEIVED, [])


def test_a_replacement_that_failed_stays_with_its_owner_whatever_is_read_from_centra(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PACKED")
    replace_by_hand(desk.link, order.number)
    desk.relay_orders()
    alerted = desk.messages()
    desk.clock.advance(5)
    touch(desk.world, order)

    desk.relay_orders()

    assert desk.problems(str(order.number)) == ["edited_after_sending"]
    assert desk.messages() == alerted
    assert "cannot stop it any more" in alerted[0]
    assert "units" not in alerted[0], "nothing of the order was changed"


def test_a_replacement_that_whistl_does_not_answer_is_one_exception_and_not_six(
    desk: Desk,
) -> None:
    desk.world.settings.speed = 1e-9
    order = desk.order()
    desk.relay_orders()
    replace_by_hand(desk.link, order.number)
    desk.fault("whistl", "cancel_order", FaultKind.ERROR_503_BEFORE)

    for _ in range(120):
        desk.relay_orders()
        desk.clock.advance(60)

    with desk.link.ledger.reading() as tx:
        opened = exceptions.counts_by_kind(tx)
    assert {str(kind): count for kind, count in opened.items()} == {"edited_after_sending": 1}


def test_a_replacement_asked_for_in_doubt_is_over_once_the_order_is_sent_as_it_is_now(
    desk: Desk,
) -> None:
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE, nth=1)
    order = desk.order()
    desk.relay_orders()
    assert desk.state(order) == OrderState.IN_DOUBT
    replace_by_hand(desk.link, order.number)
    for _ in range(5):
        desk.clock.advance(60)
        desk.relay_orders()

    assert numbers(desk, order) == [f"C{order.number}"]
    assert desk.row(order).stop_for is None
    assert desk.world.calls["whistl cancel_order"] == 0


# ---- the order's story
def test_the_story_says_what_is_known_of_a_stop_before_and_after_whistl_was_asked(
    desk: Desk,
) -> None:
    desk.world.settings.pack_seconds = 1e9
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PICKING")
    set_on_hold(desk, order)
    intake.take_in_orders(desk.link)
    (before, *_) = tell_story(desk.link, str(order.number)).next
    desk.relay_orders()
    (asked, *_) = tell_story(desk.link, str(order.number)).next
    with desk.world.lock:
        desk.held(order).status = "PACKED"
    desk.clock.advance(3600)
    desk.relay_orders()
    (refused, *_) = tell_story(desk.link, str(order.number)).next

    assert before == "Whistl is asked to stop it in the next round."
    assert asked.startswith("Whistl tries to stop it. It is asked again at ")
    assert refused == "Whistl has not stopped it, and is not asked again."
