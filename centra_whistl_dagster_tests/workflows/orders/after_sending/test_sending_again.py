"""An order that Whistl has stopped goes again under its next number, and never both leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches, export, former_numbers, standings
from centra_whistl_dagster.ledger.states import DespatchState
from centra_whistl_dagster.ledger.tables import messages
from centra_whistl_dagster.simulator.centra.rules import release, touch
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.whistl.client import WhistlClient
from centra_whistl_dagster.workflows.orders import cancellation, intake, statuses
from centra_whistl_dagster.workflows.orders.replacement_by_hand import (
    CannotReplace,
    replace_by_hand,
)
from centra_whistl_dagster_tests.workflows.conftest import Desk


def readdress(desk: Desk, order: CentraOrder, line1: str = "7 The Shambles") -> None:
    desk.clock.advance(1)
    order.is_locked = False
    order.address = {**(order.address or {}), "address1": line1}
    touch(desk.world, order)


def set_on_hold(desk: Desk, order: CentraOrder) -> None:
    desk.clock.advance(1)
    order.is_on_hold, order.is_locked = True, False
    touch(desk.world, order)


def numbers(desk: Desk, order: CentraOrder) -> list[str]:
    return [held.order_number for held in desk.world.whistl_orders_of(order)]


# ---- edited
def test_an_order_with_a_new_address_leaves_once_for_the_new_address(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    readdress(desk, order)

    desk.relay(rounds=10)

    first, second = desk.world.whistl_orders_of(order)
    assert (first.status, second.status) == ("CANCELLED", "DESPATCHED")
    assert second.order_number == f"C{order.number}-2"
    assert second.body["delivery_address"]["line1"] == "7 The Shambles"
    assert {parcel.order_number for parcel in desk.world.sent_parcels} == {second.order_number}
    assert desk.state(order) == OrderState.COMPLETED
    assert desk.problems() == []
    desk.assert_every_parcel_is_right()


def test_an_order_edited_twice_goes_under_its_third_number(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    for line1 in ("7 The Shambles", "8 Stonegate"):
        readdress(desk, order, line1)
        for _ in range(3):
            desk.relay_orders()

    desk.relay(rounds=10)

    assert numbers(desk, order) == [f"C{order.number}{suffix}" for suffix in ("", "-2", "-3")]
    *stopped, sent = desk.world.whistl_orders_of(order)
    assert {held.status for held in stopped} == {"CANCELLED"}
    assert sent.body["delivery_address"]["line1"] == "8 Stonegate"
    assert desk.truth()["orders"]["duplicated"] == 0
    assert desk.state(order) == OrderState.COMPLETED


def test_an_edit_undone_before_whistl_was_asked_stops_nothing(desk: Desk) -> None:
    order = desk.order()
    before = dict(order.address or {})
    desk.relay_orders()
    readdress(desk, order)
    intake.take_in_orders(desk.link)
    planned = desk.row(order).stop_for
    desk.clock.advance(1)
    order.address = before
    touch(desk.world, order)

    cancellation.pass_on_cancellations(desk.link)

    assert planned == "edited"
    assert desk.row(order).stop_for is None
    assert desk.world.calls["whistl cancel_order"] == 0


def test_an_edit_that_is_only_asked_about_is_closed_when_it_is_undone(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    kept = dict(order.address or {})
    desk.clock.advance(1)
    order.is_locked = False
    order.address = {**kept, "cellPhoneNumber": "07400123999"}
    touch(desk.world, order)
    desk.relay_orders()
    told = (desk.problems(str(order.number)), desk.messages())
    desk.clock.advance(1)
    order.address = kept
    touch(desk.world, order)

    desk.relay_orders()

    assert told[0] == ["edited_after_sending"]
    assert "phone" in told[1][0]
    assert "07400" not in told[1][0]
    assert desk.problems() == []
    assert numbers(desk, order) == [f"C{order.number}"]


def test_units_cancelled_because_they_were_not_found_are_no_edit(desk: Desk) -> None:
    desk.switch(short_line_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PACKED")
    statuses.follow_order_statuses(desk.link)
    desk.clock.advance(1)
    order.is_locked = False
    order.lines[0].quantity -= 1
    touch(desk.world, order)

    desk.relay_orders()

    assert "edited_after_sending" not in desk.problems()
    assert desk.world.calls["whistl cancel_order"] == 0


def test_an_order_that_was_unlocked_for_its_edit_is_locked_again_once_it_is_sent_again(
    desk: Desk,
) -> None:
    desk.switch(cancel_while_picking_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PICKING")
    statuses.follow_order_statuses(desk.link)
    readdress(desk, order)
    desk.relay_orders()
    desk.wait_for(order, "CANCELLED")
    statuses.follow_order_statuses(desk.link)

    for _ in range(3):
        desk.relay_orders()

    assert len(numbers(desk, order)) == 2
    assert order.is_locked


# ---- on hold
def test_an_order_put_on_hold_is_stopped_and_goes_again_once_it_is_released(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    set_on_hold(desk, order)
    desk.relay(rounds=6)
    meanwhile = (desk.state(order), desk.held(order).status, numbers(desk, order), order.is_locked)
    desk.clock.advance(1)
    release(desk.world, order)

    desk.relay(rounds=10)

    assert meanwhile == (OrderState.WAITING, "CANCELLED", [f"C{order.number}"], False)
    assert numbers(desk, order) == [f"C{order.number}", f"C{order.number}-2"]
    assert desk.state(order) == OrderState.COMPLETED
    assert desk.problems() == []


def test_a_hold_lifted_while_whistl_tries_to_stop_the_order_does_not_lose_it(desk: Desk) -> None:
    desk.switch(cancel_while_picking_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PICKING")
    statuses.follow_order_statuses(desk.link)
    set_on_hold(desk, order)
    desk.relay_orders()
    assert desk.held(order).is_cancel_requested
    desk.clock.advance(1)
    release(desk.world, order)

    desk.relay(rounds=14)

    assert numbers(desk, order) == [f"C{order.number}", f"C{order.number}-2"]
    assert desk.state(order) == OrderState.COMPLETED
    assert desk.truth()["orders"]["duplicated"] == 0


# ---- both must never leave
@pytest.mark.parametrize("is_sent_again", [False, True], ids=["kept back", "sent again"])
def test_a_despatch_of_a_stopped_number_is_alerted_and_stops_the_new_one(
    desk: Desk, is_sent_again: bool
) -> None:
    desk.switch(stopped_and_sent_share=1.0)
    order = desk.order()
    desk.relay_orders()
    if is_sent_again:
        readdress(desk, order)
    else:
        set_on_hold(desk, order)
    for _ in range(3):
        desk.relay_orders()
    desk.switch(stopped_and_sent_share=0.0)
    if is_sent_again:
        held_back = desk.world.whistl_orders[f"C{order.number}-2"]
        held_back.status_version += 1  # nobody in the building goes on with it
    desk.wait(120)
    assert desk.held(order).status == "DESPATCHED"

    for _ in range(3):
        desk.relay_despatches()
        desk.relay_orders()

    left = {parcel.order_number for parcel in desk.world.sent_parcels}
    assert left == {f"C{order.number}"}
    assert desk.state(order) == (OrderState.BLOCKED if is_sent_again else OrderState.WAITING)
    assert desk.problems(str(order.number)) == ["stopped_order_sent"]
    assert [held.status for held in desk.world.whistl_orders_of(order)[1:]] == (
        ["CANCELLED"] if is_sent_again else []
    )
    assert order.shipments == []
    with desk.link.ledger.reading() as tx:
        (message,) = despatches.of_order(tx, f"C{order.number}")
        kept = tx.execute(sa.select(messages.c.body).where(messages.c.body.is_not(None))).all()
    assert (message.state, kept) == (DespatchState.SUPERSEDED, [])
    release(desk.world, order)
    desk.relay(rounds=3)
    assert desk.state(order) == OrderState.BLOCKED, "released or not, it does not go a second time"


def test_a_stopped_number_that_whistl_takes_up_again_stops_the_new_one(desk: Desk) -> None:
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

    assert second.status == "CANCELLED"
    assert numbers(desk, order) == [first.order_number, second.order_number]
    assert desk.state(order) == OrderState.BLOCKED
    assert desk.problems(str(order.number)) == ["stopped_order_sent"]


def test_a_person_can_let_an_order_go_that_was_kept_back_for_its_earlier_number(
    desk: Desk,
) -> None:
    test_a_stopped_number_that_whistl_takes_up_again_stops_the_new_one(desk)
    (order,) = desk.world.orders.values()
    first = desk.world.whistl_orders_of(order)[0]
    with desk.world.lock:
        warehouse.cancel(desk.world, first)

    replace_by_hand(desk.link, order.number)
    desk.relay(rounds=10)

    assert [held.status for held in desk.world.whistl_orders_of(order)] == [
        *("CANCELLED", "CANCELLED", "DESPATCHED")
    ]
    assert (desk.state(order), desk.problems()) == (OrderState.COMPLETED, [])


class WhistlThatOnlySaysSo:
    """A Whistl that answers "cancelled" and goes on."""

    def __init__(self, client: WhistlClient) -> None:
        self._client = client
        self.times_asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def cancel_order(self, order_number: str, reason: str) -> object:
        del reason
        self.times_asked += 1
        view = self._client.find_order(order_number)
        assert view is not None
        return type("Said", (), {"is_cancelled": True, "status": "CANCELLED"})()


def test_an_order_that_whistl_only_says_it_stopped_is_not_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = desk.order()
    desk.relay_orders()
    readdress(desk, order)
    liar = WhistlThatOnlySaysSo(desk.link.whistl)
    monkeypatch.setattr(type(desk.link.whistl), "cancel_order", lambda _, *a: liar.cancel_order(*a))

    for _ in range(40):
        desk.relay_orders()
        desk.clock.advance(61)

    assert numbers(desk, order) == [f"C{order.number}"]
    assert desk.state(order) == OrderState.SUBMITTED
    assert 6 <= liar.times_asked < 12
    assert desk.problems(str(order.number)) == ["edited_after_sending"]
    assert "does not show it as stopped" in desk.messages()[0]


def test_an_order_of_which_a_part_left_is_not_sent_again_when_the_rest_is_stopped(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    held = desk.wait_for(order, "ALLOCATED")
    held.lines[1]["allocated"], held.lines[1]["despatched"] = 1, 1
    readdress(desk, order)

    for _ in range(5):
        desk.relay_orders()

    assert held.status == "CANCELLED"
    assert desk.world.calls["whistl cancel_order"] == 1, "asked once, it is not asked again"
    assert numbers(desk, order) == [f"C{order.number}"]
    assert desk.state(order) == OrderState.PART_DESPATCHED
    assert desk.problems(str(order.number)) == ["edited_after_sending", "short_pick"]
    assert "left for the old address" in " ".join(desk.messages())
    with pytest.raises(CannotReplace, match="has left"):
        replace_by_hand(desk.link, order.number)


def test_an_order_cancelled_after_a_part_left_is_not_sent_again_when_it_is_resumed(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    held = desk.wait_for(order, "ALLOCATED")
    held.lines[1]["allocated"], held.lines[1]["despatched"] = 1, 1
    desk.withdraw(order)
    desk.relay_orders()
    statuses.follow_order_statuses(desk.link)
    desk.clock.advance(1)
    order.status = "CONFIRMED"
    touch(desk.world, order)

    for _ in range(3):
        desk.relay_orders()

    assert numbers(desk, order) == [f"C{order.number}"]
    with pytest.raises(CannotReplace):
        replace_by_hand(desk.link, order.number)


# ---- numbers
def test_an_order_whose_next_number_would_be_too_long_is_not_replaced_but_asked_about(
    desk: Desk,
) -> None:
    long = "C" + "X" * 4
    desk.reopen(ORDER_NUMBER_PREFIX=long)
    desk.switch(order_number_prefix=long)
    order = desk.order()
    desk.relay_orders()
    readdress(desk, order)

    for _ in range(3):
        desk.relay_orders()

    assert numbers(desk, order) == [f"{long}{order.number}"]
    assert desk.held(order).status != "CANCELLED"
    assert desk.problems(str(order.number)) == ["edited_after_sending"]
    with pytest.raises(CannotReplace, match="exceeds"):
        replace_by_hand(desk.link, order.number)


def test_an_order_on_hold_whose_next_number_would_be_too_long_is_stopped_and_blocked(
    desk: Desk,
) -> None:
    long = "C" + "X" * 4
    desk.reopen(ORDER_NUMBER_PREFIX=long)
    desk.switch(order_number_prefix=long)
    order = desk.order()
    desk.relay_orders()
    set_on_hold(desk, order)
    desk.relay_orders()
    desk.clock.advance(1)
    release(desk.world, order)

    desk.relay(rounds=3)

    assert desk.held(order).status == "CANCELLED"
    assert desk.state(order) == OrderState.BLOCKED
    assert desk.problems(str(order.number)) == ["order_number_invalid"]


# ---- by hand
def test_a_person_can_have_an_order_replaced(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()

    said = replace_by_hand(desk.link, order.number)
    desk.relay(rounds=10)

    assert f"C{order.number}-2" in said
    assert [held.status for held in desk.world.whistl_orders_of(order)] == [
        "CANCELLED",
        "DESPATCHED",
    ]
    assert desk.state(order) == OrderState.COMPLETED


def test_a_person_can_have_an_order_sent_again_that_whistl_ended_by_itself(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    with desk.world.lock:
        warehouse.cancel(desk.world, desk.wait_for(order, "ALLOCATED"))
    desk.relay(rounds=2)
    assert desk.state(order) == OrderState.BLOCKED

    replace_by_hand(desk.link, order.number)
    desk.relay(rounds=10)

    assert numbers(desk, order) == [f"C{order.number}", f"C{order.number}-2"]
    assert (desk.state(order), desk.problems()) == (OrderState.COMPLETED, [])


def test_an_order_that_has_left_or_was_never_sent_cannot_be_replaced(desk: Desk) -> None:
    left, held = desk.order(), desk.order(is_on_hold=True)
    desk.relay(rounds=10)

    for order, why in ((left, "has left"), (held, "is not at Whistl")):
        with pytest.raises(CannotReplace, match=why):
            replace_by_hand(desk.link, order.number)


# ---- what is told of it elsewhere
def test_the_history_knows_an_order_by_its_first_number_however_often_it_was_sent(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    readdress(desk, order)
    desk.relay(rounds=10)

    with desk.link.ledger.reading() as tx:
        rows = export.orders_since(tx, None)
        lines = export.order_lines_since(tx, None)
        events = export.order_events_since(tx, None)
        heads, parcels, _ = export.despatches_since(tx, None)

    known = {row["order_number"] for row in (*rows, *lines, *events, *heads, *parcels)}
    assert known == {f"C{order.number}"}
    assert len(rows) == len(heads) == 1


def test_units_given_back_by_a_stop_are_no_unseen_demand_and_nothing_looks_oversold(
    desk: Desk,
) -> None:
    sku = desk.skus[0]
    available = desk.world.whistl_available(sku)
    order = desk.order((sku, available))
    begun_at = desk.clock()
    desk.relay_orders()
    desk.wait_for(order, "ALLOCATED")
    statuses.follow_order_statuses(desk.link)
    set_on_hold(desk, order)
    desk.clock.advance(5)
    taken_at = desk.clock()
    desk.clock.advance(5)

    desk.relay_orders()

    with desk.link.ledger.reading() as tx:
        (line,) = standings.of_open_lines(tx, taken_at=taken_at)
        before = standings.units_taken(tx, since=begun_at, until=taken_at)
        after = standings.units_taken(tx, since=taken_at, until=desk.clock() + timedelta(seconds=1))
        (former,) = former_numbers.of_order(tx, order.order_id)
    assert desk.state(order) == OrderState.WAITING
    assert (line.wanted, line.taken, line.sent) == (available, available, 0)
    assert (before, after) == ({sku: available}, {sku: -available})
    assert former.whistl_number == f"C{order.number}"
