"""No despatch message is lost: unreadable, repeated with other contents, far ahead, or missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import DespatchState
from centra_whistl_dagster.ledger.tables import messages
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.due import parcels_due
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.shipments import completion, despatch_feed, despatches
from centra_whistl_dagster.workflows.shipments.despatch_effects import apply_despatch
from centra_whistl_dagster.workflows.upkeep import retention

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED
MINUTE = 60.0
MONTHS = 86_400.0 * 90
SENT_AT = "2026-01-05T09:00:00+00:00"

Box = Callable[..., Parcel]
Say = Callable[..., Despatch]


def relay_when_due(desk: Desk, minutes: float) -> None:
    """Let the relay of despatches run as the sensors start it: when something is new or due."""
    for _ in range(int(minutes)):
        is_new = despatches.are_there_new_despatches(desk.link)
        if is_new or parcels_due(desk.link).total:
            desk.relay_despatches()
        desk.wait(MINUTE)


def kept_bodies(desk: Desk) -> list[str]:
    with desk.link.ledger.reading() as tx:
        query = sa.select(messages.c.body).where(messages.c.body.is_not(None))
        return list(tx.execute(query).scalars())


def publish(desk: Desk, order: CentraOrder | None, *lines: tuple[int, int], **members: Any) -> None:
    """Let Whistl's feed show a message made up by the test."""
    number = len(desk.world.despatches) + 1
    body = order and desk.held(order).body["lines"]
    desk.world.despatches.append(
        {
            "despatch_id": f"T-{number}",
            "sequence": number,
            "version": 1,
            "supersedes": None,
            "order_number": f"C{order.number}" if order else f"C9{number:05d}",
            "despatched_at": desk.clock().isoformat(),
            "order_complete": True,
            "parcels": [
                {
                    "parcel_number": 1,
                    "carrier_name": "DPD",
                    "carrier_code": "SIM-RMT",
                    "delivery_method": "TRK48",
                    "courier_tracking_number": f"SM{number}",
                    "lines": [
                        {
                            "line_number": line,
                            "sku": body[line - 1]["sku"] if body else "TEE",
                            "quantity": units,
                        }
                        for line, units in lines
                    ],
                }
            ],
            **members,
        }
    )


# ---- messages that cannot be read
def test_an_unreadable_message_is_read_however_many_came_after_it(
    desk: Desk, accepted: CentraOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(despatches, "_RE_READ", 5)
    publish(desk, accepted, (1, 2), (2, 1), despatched_at=None)
    for _ in range(6):
        publish(desk, None, (1, 1), order_number="X1")
    desk.relay_despatches()
    reported = desk.problems("T-1")
    desk.world.despatches[0]["despatched_at"] = desk.clock().isoformat()

    relay_when_due(desk, 15)

    assert reported == ["unreadable_record"]
    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_every_message_is_applied_once_those_that_could_not_be_read_are_put_right(
    desk: Desk,
) -> None:
    desk.switch(broken_despatch_share=0.5)
    placed = desk.order_some()
    desk.relay(rounds=8)
    desk.wait_a_day()

    relay_when_due(desk, 60)

    desk.assert_every_parcel_is_right()
    assert desk.counts() == {COMPLETED: len(placed)}
    assert desk.problems() == []


def test_unreadable_messages_that_are_due_together_are_all_read_from_whistl_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.world.settings.speed = 1e-6
    monkeypatch.setattr(despatch_feed, "_BESIDE_IT", 1)
    placed = [desk.order((desk.skus[0], 1)) for _ in range(12)]
    desk.relay_orders()
    for order in placed:
        publish(desk, order, (1, 1), despatched_at=None)
    desk.relay_despatches()
    for message in desk.world.despatches:
        message["despatched_at"] = desk.clock().isoformat()

    relay_when_due(desk, 15)

    assert desk.counts() == {COMPLETED: len(placed)}
    assert desk.problems() == []


def test_messages_that_stay_unreadable_keep_no_other_from_being_read_from_whistl(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.world.settings.speed = 1e-6
    monkeypatch.setattr(despatch_feed, "_BESIDE_IT", 1)
    placed = [desk.order((desk.skus[0], 1)) for _ in range(12)]
    desk.relay_orders()
    for order in placed:
        publish(desk, order, (1, 1), despatched_at=None)
    desk.relay_despatches()
    desk.world.despatches[-1]["despatched_at"] = desk.clock().isoformat()

    for _ in range(3):
        desk.wait(360 * MINUTE)
        desk.relay_despatches()

    assert desk.state(placed[-1]) == COMPLETED


def test_an_unreadable_message_is_read_from_what_was_kept_once_our_code_can(
    desk: Desk, accepted: CentraOrder
) -> None:
    desk.switch(despatch_times_without_zone=True)
    publish(desk, accepted, (1, 2), (2, 1))
    desk.relay_despatches()
    reported = desk.problems()
    desk.world.despatches.clear()
    desk.reopen(WHISTL_TIME_ZONE="Europe/London")

    relay_when_due(desk, 15)

    assert reported == ["unreadable_record"]
    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}
    assert desk.problems() == []


@pytest.mark.parametrize("where", ["parcels", "short_lines"])
def test_a_message_with_a_negative_quantity_cannot_be_read(
    desk: Desk, accepted: CentraOrder, where: str
) -> None:
    negative = {"line_number": 1, "sku": desk.skus[0], "quantity": -1}
    publish(desk, accepted, (1, 2), short_lines=[negative] if where == "short_lines" else [])
    if where == "parcels":
        desk.world.despatches[0]["parcels"][0]["lines"].append(negative)

    desk.relay_despatches()

    assert desk.problems() == ["unreadable_record"]
    assert "quantity: expected 0 or more, found a negative number" in desk.messages()[0]
    assert desk.units_in_centra(accepted) == {1: 0, 2: 0}


def test_the_exception_of_an_unreadable_message_names_message_field_and_expectation(
    desk: Desk, accepted: CentraOrder
) -> None:
    publish(desk, accepted, (1, 2), despatched_at="15:41")
    publish(desk, accepted, (1, 2), despatch_id=None, order_number=None)

    desk.relay_despatches()

    first, second = sorted(desk.messages())
    assert "T-1" in first
    assert "despatched_at: expected a time" in first
    assert "sequence 2" in second
    assert "despatch_id: expected text" in second


def test_a_message_is_kept_as_it_came_until_it_is_applied_and_no_longer(
    desk: Desk, accepted: CentraOrder
) -> None:
    publish(desk, accepted, (1, 2), (2, 1))
    publish(desk, None, (1, 1), recipient="Zoë O'Brien")
    publish(desk, accepted, (1, 1), despatched_at=None, recipient="Zoë O'Brien")
    despatches.pull_despatches(desk.link)
    received = [json.loads(body)["despatch_id"] for body in kept_bodies(desk)]
    despatches.apply_despatches(desk.link)
    not_applied = [json.loads(body)["despatch_id"] for body in kept_bodies(desk)]
    desk.clock.advance(MONTHS)

    retention.forget_old_orders(desk.link)

    assert received == ["T-1", "T-2", "T-3"]
    assert not_applied == ["T-2", "T-3"]
    assert kept_bodies(desk) == []


# ---- contents decide, not ids and versions
def test_a_carrier_filled_in_under_the_same_id_and_version_is_applied(desk: Desk) -> None:
    desk.switch(despatch_without_carrier_share=1.0, despatch_correction_keeps_id=True)
    placed = desk.order_some(3)
    desk.leave_the_building(placed)

    desk.live_on(2)

    assert {message["version"] for message in desk.world.despatches} == {1}
    desk.assert_every_parcel_is_right()
    assert desk.counts() == {COMPLETED: 3}
    assert desk.problems() == []


def test_new_contents_in_the_place_of_old_ones_are_found_by_the_sweep(
    desk: Desk, accepted: CentraOrder
) -> None:
    publish(desk, accepted, (1, 2), (2, 1))
    (message,) = desk.world.despatches
    carrier = message["parcels"][0].pop("carrier_name")
    desk.relay_despatches()
    reported = desk.problems()
    message["parcels"][0]["carrier_name"] = carrier

    despatches.pull_despatches(desk.link, is_sweep=True)
    desk.relay_despatches()

    assert reported == ["despatch_without_carrier"]
    assert desk.problems() == []
    assert desk.state(accepted) == COMPLETED


def test_old_contents_that_come_after_newer_ones_change_nothing(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    lines = [(1, desk.skus[0], 2), (2, desk.skus[1], 1)]
    newer = {"despatch_id": "D-X", "sequence": 9}
    say(accepted, box(1, *lines, label="NEW"), **newer)
    say(accepted, box(1, *lines, label="OLD"), **{**newer, "sequence": 5})

    desk.relay_despatches()

    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["NEW"]
    assert desk.problems() == []


def test_other_contents_of_a_message_that_centra_was_sent_are_handled_as_a_correction(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    lines = [(1, desk.skus[0], 2), (2, desk.skus[1], 1)]
    say(accepted, box(1, *lines, label="OLD"), despatch_id="D-X")
    desk.relay_despatches()
    say(accepted, box(1, *lines, label="NEW"), despatch_id="D-X")
    desk.relay_despatches()
    corrected = desk.problems()
    say(accepted, box(1, *lines, label="OLD"), despatch_id="D-X", version=2)
    desk.relay_despatches()

    assert corrected == ["tracking_corrected"]
    assert len(accepted.shipments) == 1
    assert desk.problems() == []


@pytest.mark.parametrize("is_applied_between", [False, True])
def test_contents_that_go_back_to_an_earlier_form_are_applied(
    desk: Desk, accepted: CentraOrder, is_applied_between: bool
) -> None:
    for label in ("AAA", "BBB", "AAA"):
        publish(desk, accepted, (1, 2), (2, 1), despatch_id="T-1", despatched_at=SENT_AT)
        desk.world.despatches[-1]["parcels"][0]["courier_tracking_number"] = label
        assert despatches.are_there_new_despatches(desk.link)
        despatches.pull_despatches(desk.link)
        kept = [json.loads(body)["sequence"] for body in kept_bodies(desk)]
        if is_applied_between:
            despatches.apply_despatches(desk.link)

    for _ in range(3):
        desk.relay_despatches()
        despatches.pull_despatches(desk.link, is_sweep=True)

    assert kept == [3]
    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["AAA"]
    assert not despatches.are_there_new_despatches(desk.link)
    assert kept_bodies(desk) == []
    assert desk.problems() == []


# ---- a correction is one only of the same order
def test_a_message_that_corrects_another_orders_takes_nothing_from_it(desk: Desk) -> None:
    desk.switch(despatch_supersedes_another_share=1.0)
    placed = desk.order_some(4)
    desk.leave_the_building(placed)

    desk.live_on(2)

    desk.assert_every_parcel_is_right()
    assert desk.counts() == {COMPLETED: 4}
    assert set(desk.problems()) == {"corrects_another_order"}


@pytest.mark.parametrize("is_applied_between", [False, True])
def test_a_wrong_correction_that_comes_first_takes_nothing_from_either_order(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box, is_applied_between: bool
) -> None:
    first, second = desk.skus[:2]
    other = desk.order((first, 2), (second, 1))
    desk.relay_orders()
    say(
        other,
        box(1, (1, first, 2), (2, second, 1), label="OTHER"),
        despatch_id="D-2",
        version=2,
        supersedes="D-1",
    )
    if is_applied_between:
        despatches.apply_despatches(desk.link)
    say(accepted, box(1, (1, first, 2), (2, second, 1), label="OURS"), despatch_id="D-1")

    desk.relay_despatches()

    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["OURS"]
    assert [each.info["trackingNumber"] for each in other.shipments] == ["OTHER"]
    assert desk.problems() == ["corrects_another_order"]


@pytest.mark.parametrize("versions", [(1, 1), (2, 1), (1, 2)])
def test_two_orders_messages_that_correct_one_unknown_message_are_both_applied(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box, versions: tuple[int, int]
) -> None:
    first, second = desk.skus[:2]
    other, unrelated = (desk.order((first, 2), (second, 1)) for _ in range(2))
    desk.relay_orders()
    whole = [(1, first, 2), (2, second, 1)]
    for order, version in zip((accepted, other), versions, strict=True):
        say(order, box(1, *whole), supersedes="D-NEVER", version=version)
    say(unrelated, box(1, *whole))

    desk.relay_despatches()

    assert desk.counts() == {COMPLETED: 3}
    assert desk.problems() == []


@pytest.mark.parametrize("is_about_the_other", [False, True])
@pytest.mark.parametrize("is_applied_between", [False, True])
def test_a_message_that_two_orders_correct_replaces_nothing_when_it_comes_last(
    desk: Desk,
    accepted: CentraOrder,
    say: Say,
    box: Box,
    is_about_the_other: bool,
    is_applied_between: bool,
) -> None:
    first, second = desk.skus[:2]
    other = desk.order((first, 2), (second, 1))
    desk.relay_orders()
    whole = [(1, first, 2), (2, second, 1)]
    for order, label in ((accepted, "OURS"), (other, "OTHER")):
        say(order, box(1, *whole, label=label), supersedes="D-LATE", version=2)
    if is_applied_between:
        desk.relay_despatches()
    about = other if is_about_the_other else accepted
    say(about, box(1, *whole, label="WRONG"), despatch_id="D-LATE", sequence=0)

    desk.relay_despatches()

    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["OURS"]
    assert [each.info["trackingNumber"] for each in other.shipments] == ["OTHER"]
    assert desk.counts() == {COMPLETED: 2}
    assert desk.problems() == ["corrects_another_order"]


def test_an_id_whose_next_version_names_another_order_loses_neither(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    first, second = desk.skus[:2]
    other = desk.order((first, 2), (second, 1))
    desk.relay_orders()
    whole = [(1, first, 2), (2, second, 1)]
    for version, (order, label) in enumerate(((accepted, "OURS"), (other, "OTHER")), start=1):
        say(order, box(1, *whole, label=label), despatch_id="D-1", version=version)
        despatches.apply_despatches(desk.link)

    desk.relay_despatches()

    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["OURS"]
    assert [each.info["trackingNumber"] for each in other.shipments] == ["OTHER"]
    assert desk.problems() == ["corrects_another_order"]


# ---- one message stops no other
def test_a_message_that_cannot_be_applied_is_reported_tried_again_and_stops_no_other(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = desk.skus[:2]
    other = desk.order((first, 2), (second, 1))
    desk.relay_orders()
    bad, _ = (say(each, box(1, (1, first, 2), (2, second, 1))) for each in (accepted, other))
    tried: list[str] = []

    def fails(tx: Transaction, link: Link, message: Despatch) -> DespatchState:
        tried.append(message.despatch_id)
        if message.despatch_id == bad.despatch_id:
            raise KeyError("Zoë O'Brien")
        return apply_despatch(tx, link, message)

    monkeypatch.setattr(despatches, "apply_despatch", fails)
    tally = despatches.apply_despatches(desk.link)
    reported, texts = desk.problems(bad.despatch_id), desk.messages()
    due_at_once = parcels_due(desk.link).to_match
    relay_when_due(desk, 11)
    tries = tried.count(bad.despatch_id)
    monkeypatch.undo()
    relay_when_due(desk, 31)

    assert tally.is_balanced
    assert (reported, due_at_once, tries) == (["despatch_not_applied"], 0, 2)
    assert "KeyError" in texts[0]
    assert "Zoë" not in texts[0]
    assert desk.counts() == {COMPLETED: 2}
    assert desk.problems() == []


def test_a_correction_that_cannot_be_applied_anew_is_not_tried_without_pause(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came before what it corrects, and was applied once already."""
    first, second = desk.skus[:2]
    whole = box(1, (1, first, 2), (2, second, 1))
    say(accepted, whole, despatch_id="D-9", version=3, supersedes="D-8")
    despatches.apply_despatches(desk.link)

    def fails(tx: Transaction, link: Link, message: Despatch) -> DespatchState:
        raise KeyError("a bug in our own code")

    say(accepted, whole, despatch_id="D-8", version=2, supersedes="D-7")
    monkeypatch.setattr(despatches, "apply_despatch", fails)
    despatches.apply_despatches(desk.link)
    due_at_once = parcels_due(desk.link).to_match
    monkeypatch.undo()
    relay_when_due(desk, 31)

    assert due_at_once == 0
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_an_id_that_whistl_uses_for_two_orders_loses_neither(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    first, second = desk.skus[:2]
    other = desk.order((first, 2), (second, 1))
    desk.relay_orders()
    for order, label in ((accepted, "OURS"), (other, "OTHER")):
        say(order, box(1, (1, first, 2), (2, second, 1), label=label), despatch_id="D-1")

    desk.relay_despatches()

    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["OURS"]
    assert [each.info["trackingNumber"] for each in other.shipments] == ["OTHER"]
    assert desk.problems() == ["corrects_another_order"]


def test_a_wrong_correction_that_is_sent_again_rightly_closes_its_exception(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    first, second = desk.skus[:2]
    other = desk.order((first, 2), (second, 1))
    desk.relay_orders()
    theirs = say(other, box(1, (1, first, 2), (2, second, 1), label="OTHER"))
    whole = box(1, (1, first, 2), (2, second, 1), label="OURS")
    say(accepted, whole, despatch_id="D-X", version=2, supersedes=theirs.despatch_id)
    despatches.apply_despatches(desk.link)
    reported = desk.problems()
    say(accepted, whole, despatch_id="D-X", version=2)

    desk.relay_despatches()

    assert reported == ["corrects_another_order"]
    assert desk.problems() == []
    assert len(accepted.shipments) == len(other.shipments) == 1


# ---- one absurd number hides nothing
def test_messages_after_one_with_an_absurd_sequence_are_read_as_they_come(desk: Desk) -> None:
    first = desk.order()
    desk.relay_orders()
    desk.switch(next_despatch_sequence=999_999_999)
    desk.wait_a_day()
    desk.relay_despatches()
    second = desk.order()
    desk.relay_orders()
    desk.wait_a_day()

    is_seen = despatches.are_there_new_despatches(desk.link)
    desk.relay_despatches()

    assert is_seen
    assert [desk.state(first), desk.state(second)] == [COMPLETED, COMPLETED]
    assert not despatches.are_there_new_despatches(desk.link)


def test_several_absurd_sequences_hide_a_message_only_until_the_sweep(
    desk: Desk, accepted: CentraOrder
) -> None:
    for number in range(5):
        publish(desk, None, (1, 1), sequence=10**9 + number)
    desk.relay_despatches()
    publish(desk, accepted, (1, 2), (2, 1), sequence=1)

    despatches.pull_despatches(desk.link, is_sweep=True)
    desk.relay_despatches()

    assert desk.state(accepted) == COMPLETED


def test_messages_whose_numbers_begin_again_are_found_by_the_sweep(
    desk: Desk, accepted: CentraOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(despatches, "_RE_READ", 2)
    for number in range(6):
        publish(desk, None, (1, 1), sequence=8_000 + number, order_number="X1")
    desk.relay_despatches()
    desk.world.despatches.clear()
    publish(desk, accepted, (1, 2), (2, 1), sequence=1)

    despatches.pull_despatches(desk.link, is_sweep=True)
    desk.relay_despatches()

    assert desk.state(accepted) == COMPLETED


def test_a_feed_that_begins_far_from_zero_is_read_once(desk: Desk) -> None:
    desk.world.next_despatch_sequence = 8_812_000
    placed = desk.order_some(4)
    desk.leave_the_building(placed)
    desk.live_on(2)
    read_before = desk.world.calls["whistl list_despatches"]

    tally = despatches.pull_despatches(desk.link)

    assert desk.counts() == {COMPLETED: 4}
    assert tally.read == 0
    assert desk.world.calls["whistl list_despatches"] == read_before + 1


# ---- servers that answer otherwise
@pytest.mark.parametrize("end", ["9" * 30, "unknown", None])
def test_an_absurd_end_of_a_page_does_not_keep_its_messages_from_being_read(
    desk: Desk, accepted: CentraOrder, end: str | None
) -> None:
    desk.switch(despatch_pages_end_at=end)
    publish(desk, accepted, (1, 2), (2, 1))

    desk.relay_despatches()

    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize(
    "habits",
    [
        {"despatch_empty_page_ends_nowhere": True},
        {"despatches_per_page": 2},
        {"despatch_numbers_as_text": True},
        {"despatch_times_without_zone": True},
    ],
    ids=lambda habits: next(iter(habits)),
)
def test_a_server_that_answers_otherwise_is_read(desk: Desk, habits: dict[str, Any]) -> None:
    desk.switch(**habits)
    desk.reopen(WHISTL_TIME_ZONE="Europe/London")
    placed = desk.order_some(5)
    desk.leave_the_building(placed)

    desk.live_on(2)

    desk.assert_every_parcel_is_right()
    assert desk.counts() == {COMPLETED: 5}
    assert desk.problems() == []


# ---- unmatched messages
def test_messages_that_match_no_order_cost_nothing_once_they_are_reported(desk: Desk) -> None:
    for _ in range(40):
        publish(desk, None, (1, 1))
    desk.relay_despatches()
    statements: list[str] = []
    engine = desk.link.ledger._engine
    sa.event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    due = parcels_due(desk.link)
    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert len(desk.problems()) == 40
    assert due.total == 0
    assert len(statements) < 40


def test_a_number_that_cannot_be_ours_is_not_reported(desk: Desk) -> None:
    publish(desk, None, (1, 1), order_number="CUST-77")

    desk.relay_despatches()

    assert desk.problems() == []


def test_a_number_that_whistl_corrects_to_another_clients_closes_the_exception(
    desk: Desk, say: Say, box: Box
) -> None:
    say(None, box(1, (1, desk.skus[0], 1)), despatch_id="D-X")
    despatches.apply_despatches(desk.link)
    reported = desk.problems()
    say(
        None,
        box(1, (1, desk.skus[0], 1)),
        despatch_id="D-Y",
        supersedes="D-X",
        version=2,
        order_number="OTHER-1",
    )
    despatches.apply_despatches(desk.link)

    assert reported == ["despatch_unmatched"]
    assert desk.problems() == []
