"""What Whistl says of an order is heard, whatever its dates, spelling and neighbours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.warehouse import cancel as cancel_at_whistl
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import OutcomeUnknown
from centra_whistl_dagster.workflows.due import parcels_due
from centra_whistl_dagster.workflows.orders.status_sweep import sweep_order_statuses
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

AN_HOUR = 3_600.0


def hold(desk: Desk, order: CentraOrder, *, is_dated: bool = True) -> None:
    """Let Whistl put an order on hold; without a date, so that its feed does not show it."""
    held = desk.held(order)
    held.status, held.hold_reason = "HELD", "Address needs checking"
    held.status_version += 1
    if is_dated:
        held.updated_at = desk.clock()
    held.history.append(("HELD", desk.clock()))


@pytest.fixture
def quiet(desk: Desk) -> Desk:
    """A warehouse in which nothing happens by itself."""
    desk.world.settings.allocate_seconds = 10_000_000.0
    return desk


def cursor(desk: Desk) -> str | None:
    with desk.link.ledger.reading() as tx:
        return state.read(tx, state.WHISTL_ORDER_STATUSES)


# ---- dates
def test_one_date_in_the_future_hides_no_later_hold(quiet: Desk) -> None:
    odd, order = quiet.order(), quiet.order()
    quiet.relay_orders()
    quiet.held(odd).updated_at = quiet.clock() + timedelta(days=30)
    follow_order_statuses(quiet.link)
    quiet.wait(600)
    hold(quiet, order)

    follow_order_statuses(quiet.link)

    assert quiet.problems(str(order.number)) == ["held_at_whistl"]


def test_a_cursor_that_an_earlier_release_left_in_the_future_is_brought_back(quiet: Desk) -> None:
    order = quiet.order()
    quiet.relay_orders()
    with quiet.link.ledger.transaction() as tx:
        future = tx.now + timedelta(days=30)
        state.set_to(tx, state.WHISTL_ORDER_STATUSES, future.isoformat())
    follow_order_statuses(quiet.link)
    quiet.wait(600)
    hold(quiet, order)

    follow_order_statuses(quiet.link)

    assert quiet.problems(str(order.number)) == ["held_at_whistl"]
    assert (cursor(quiet) or "") <= quiet.clock().isoformat()


def test_a_change_that_becomes_visible_after_a_younger_one_is_found_by_the_overlap(
    quiet: Desk,
) -> None:
    late, young = quiet.order(), quiet.order()
    quiet.relay_orders()
    quiet.wait(600)
    late_at = quiet.clock()
    quiet.wait(90)
    hold(quiet, young)
    follow_order_statuses(quiet.link)
    hold(quiet, late, is_dated=False)
    quiet.held(late).updated_at = late_at

    follow_order_statuses(quiet.link)

    assert quiet.problems(str(late.number)) == ["held_at_whistl"]


# ---- the sweep
@pytest.mark.parametrize("count", [3, 25])
def test_a_hold_that_the_feed_never_shows_is_found_within_the_hour(quiet: Desk, count: int) -> None:
    placed = [quiet.order() for _ in range(count)]
    quiet.relay_orders()
    quiet.wait(AN_HOUR)
    quiet.held(placed[0]).updated_at = quiet.clock()  # the feed has passed the others
    quiet.relay_despatches()
    hold(quiet, placed[1], is_dated=False)
    follow_order_statuses(quiet.link)
    before = quiet.problems()
    due_before = parcels_due(quiet.link).to_compare
    quiet.wait(AN_HOUR)

    due = parcels_due(quiet.link).to_compare
    quiet.relay_despatches()

    assert before == []
    assert (due_before, due) == (0, 1)
    assert quiet.problems(str(placed[1].number)) == ["held_at_whistl"]
    assert parcels_due(quiet.link).to_compare == 0


def test_the_sweep_reads_many_open_orders_in_few_requests(quiet: Desk) -> None:
    for _ in range(60):
        quiet.order()
    quiet.relay_orders()
    quiet.wait(AN_HOUR)
    before = quiet.world.calls["whistl list_orders"], quiet.world.calls["whistl read_order"]

    swept = sweep_order_statuses(quiet.link)

    after = quiet.world.calls["whistl list_orders"], quiet.world.calls["whistl read_order"]
    assert swept.read == 60
    assert swept.is_balanced
    assert (after[0] - before[0], after[1] - before[1]) == (1, 0)


def test_an_order_that_whistl_ended_unseen_is_read_by_its_number(quiet: Desk) -> None:
    placed = [quiet.order() for _ in range(25)]
    quiet.relay_orders()
    ended = quiet.held(placed[3])
    date = ended.updated_at
    cancel_at_whistl(quiet.world, ended)
    ended.updated_at = date
    quiet.wait(AN_HOUR)

    quiet.relay_despatches()

    assert quiet.problems(str(placed[3].number)) == ["cancelled_at_whistl"]
    assert quiet.state(placed[3]) == OrderState.BLOCKED


def test_a_whistl_that_refuses_the_filter_is_asked_by_number_some_at_a_time(quiet: Desk) -> None:
    quiet.switch(whistl_status_filter=False)
    placed = [quiet.order() for _ in range(45)]
    quiet.relay_orders()
    for order in placed:
        hold(quiet, order, is_dated=False)
    quiet.wait(AN_HOUR)

    reads = [sweep_order_statuses(quiet.link).read for _ in range(4)]

    assert reads == [20, 20, 5, 0]
    assert quiet.problems() == ["held_at_whistl"] * 45


def test_an_order_that_whistl_does_not_show_any_more_is_reported_until_it_does(
    quiet: Desk,
) -> None:
    order = quiet.order()
    quiet.relay_orders()
    kept = quiet.world.whistl_orders.pop(quiet.world.whistl_number(order))
    quiet.wait(AN_HOUR)
    quiet.relay_despatches()
    while_gone = quiet.problems(str(order.number)), quiet.messages()
    quiet.world.whistl_orders[kept.order_number] = kept
    quiet.wait(AN_HOUR)

    quiet.relay_despatches()

    assert while_gone[0] == ["unknown_whistl_status"]
    assert "does not show it any more" in while_gone[1][0]
    assert quiet.problems() == []


# ---- what the answer to a new order says
@pytest.mark.parametrize(
    ("status", "kind", "ends_as"),
    [
        ("HELD", "held_at_whistl", OrderState.SUBMITTED),
        ("REJECTED", "rejected_late", OrderState.BLOCKED),
        ("ON_ICE", "unknown_whistl_status", OrderState.SUBMITTED),
    ],
)
def test_a_status_in_the_answer_to_a_new_order_is_reported_though_the_feed_says_nothing_new(
    desk: Desk, status: str, kind: str, ends_as: OrderState
) -> None:
    desk.switch(whistl_first_status=status)
    order = desk.order()

    desk.relay(3)

    assert desk.problems(str(order.number)) == [kind]
    assert desk.state(order) == ends_as
    assert desk.at_whistl(order) == 1


# ---- spelling, and records that cannot be read
def test_another_spelling_of_orders_is_read(quiet: Desk) -> None:
    quiet.reopen(WHISTL_TIME_ZONE="UTC")
    order = quiet.order()
    quiet.relay_orders()
    quiet.switch(whistl_spelling=("lower_case", "numbers_as_text", "null_counts", "naive_times"))
    hold(quiet, order)

    follow_order_statuses(quiet.link)

    assert quiet.problems() == ["held_at_whistl"]
    assert cursor(quiet) == quiet.clock().isoformat()


def test_times_without_a_zone_are_named_and_the_status_is_read_nevertheless(quiet: Desk) -> None:
    order = quiet.order()
    quiet.relay_orders()
    quiet.switch(whistl_spelling=("naive_times",))
    hold(quiet, order)

    follow_order_statuses(quiet.link)

    assert quiet.problems(str(order.number)) == ["held_at_whistl", "unreadable_record"]
    assert any("updated_at" in message for message in quiet.messages())


def test_what_cannot_be_read_of_one_order_hides_no_status_of_any(quiet: Desk) -> None:
    placed = [quiet.order() for _ in range(10)]
    quiet.relay_orders()
    numbers = [quiet.world.whistl_number(order) for order in placed]
    quiet.switch(
        whistl_damaged_views={
            numbers[0]: {"lines": [{"line_number": 1, "sku": None}]},
            numbers[1]: {"status_version": None},
        }
    )
    for order in placed:
        hold(quiet, order)

    tally = follow_order_statuses(quiet.link)
    while_broken = {order.number: quiet.problems(str(order.number)) for order in placed}
    quiet.switch(whistl_damaged_views={})
    follow_order_statuses(quiet.link)

    assert tally.is_balanced
    assert tally.failed == {"unreadable": 1}
    assert while_broken.pop(placed[0].number) == ["held_at_whistl", "unreadable_record"]
    assert while_broken.pop(placed[1].number) == ["unreadable_record"]
    assert set(map(tuple, while_broken.values())) == {("held_at_whistl",)}
    assert quiet.problems() == ["held_at_whistl"] * 10


def test_reading_centra_well_does_not_close_that_whistls_record_cannot_be_read(
    quiet: Desk,
) -> None:
    order = quiet.order()
    quiet.relay_orders()
    damaged = {quiet.world.whistl_number(order): {"status": None}}
    quiet.switch(whistl_damaged_views=damaged)
    follow_order_statuses(quiet.link)
    before = quiet.problems()
    order.is_locked = False
    quiet.relay_orders()

    assert before == quiet.problems() == ["unreadable_record"]


# ---- many at once
def test_the_cursor_moves_only_with_the_last_part_and_what_was_not_kept_is_read_again(
    quiet: Desk,
) -> None:
    placed = [quiet.order((quiet.skus[n % 40], 1)) for n in range(250)]
    quiet.relay_orders()
    follow_order_statuses(quiet.link)
    before = cursor(quiet)
    quiet.wait(600)
    for order in placed:
        hold(quiet, order)
    with pytest.raises(InterruptedError):
        follow_order_statuses(quiet.link_that_crashes(after=1))
    after_the_crash = len(quiet.problems()), cursor(quiet)
    quiet.wait(600)

    follow_order_statuses(quiet.link)

    assert after_the_crash == (200, before)
    assert len(quiet.problems()) == 250


# ---- while Whistl does not answer, or answers what cannot be read
def test_an_order_that_cannot_be_read_is_compared_hourly_and_not_at_every_tick(
    quiet: Desk,
) -> None:
    order = quiet.order()
    quiet.relay_orders()
    quiet.switch(whistl_damaged_views={quiet.world.whistl_number(order): {"status": None}})
    quiet.wait(AN_HOUR)
    due = parcels_due(quiet.link).to_compare
    quiet.relay_despatches()

    assert due == 1
    assert parcels_due(quiet.link).to_compare == 0
    assert quiet.problems(str(order.number)) == ["unreadable_record"]


def test_no_round_after_another_begins_for_a_comparison_while_whistl_does_not_answer(
    quiet: Desk,
) -> None:
    quiet.order()
    quiet.relay_orders()
    quiet.wait(AN_HOUR)
    quiet.fault("whistl", "list_orders", FaultKind.ERROR_503_BEFORE)
    due = parcels_due(quiet.link).to_compare
    with pytest.raises(OutcomeUnknown):
        quiet.relay_despatches()
    at_once = parcels_due(quiet.link).to_compare
    quiet.wait(150)

    assert (due, at_once, parcels_due(quiet.link).to_compare) == (1, 0, 1)
