"""An order of which Whistl sends a part, or nothing, ends, and somebody knows what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ShortLine
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import cancel_order, cancel_units
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.shipments import completion, despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED

Box = Callable[..., Parcel]
Say = Callable[..., Despatch]


@pytest.fixture
def part_sent(desk: Desk) -> list[CentraOrder]:
    """Orders whose first parcel left and whose second one Whistl cancelled."""
    desk.world.settings.several_parcels_share = 1.0
    desk.switch(rest_cancelled_share=1.0)
    placed = desk.order_some(8)
    desk.leave_the_building(placed)
    found = [order for order in placed if desk.held(order).status == "CANCELLED"]
    assert found
    return found


def test_an_order_whose_rest_whistl_cancels_is_completed_with_what_was_sent(
    desk: Desk, part_sent: list[CentraOrder]
) -> None:
    desk.live_on(2)

    desk.assert_every_parcel_is_right()
    assert {desk.state(order) for order in part_sent} == {COMPLETED}
    for order in part_sent:
        assert set(desk.problems(str(order.number))) == {"short_pick"}
        sent = {n: line["despatched"] for n, line in desk.held(order).lines.items()}
        assert desk.units_in_centra(order) == sent


def test_the_rest_that_is_cancelled_in_centra_closes_the_exception(
    desk: Desk, part_sent: list[CentraOrder]
) -> None:
    desk.live_on(2)
    order = part_sent[0]
    order.is_locked = False
    for number, line in desk.held(order).lines.items():
        if line["cancelled"]:
            cancel_units(desk.world, order, order.lines[number - 1], line["cancelled"])

    intake.take_in_orders(desk.link, is_sweep=True)

    assert desk.problems(str(order.number)) == []
    assert desk.state(order) == COMPLETED


def test_a_rest_that_is_cancelled_before_the_message_comes_ends_the_same(
    desk: Desk, part_sent: list[CentraOrder]
) -> None:
    messages, desk.world.despatches = desk.world.despatches, []
    desk.live_on(1)
    early = {desk.state(order) for order in part_sent}
    desk.world.despatches = messages
    desk.live_on(2)

    assert early == {OrderState.PART_DESPATCHED}
    assert {desk.state(order) for order in part_sent} == {COMPLETED}
    assert set(desk.problems()) == {"short_pick"}


@pytest.mark.parametrize("is_message_first", [True, False])
def test_a_rest_that_is_cancelled_without_any_counts_ends_the_same(
    desk: Desk, part_sent: list[CentraOrder], is_message_first: bool
) -> None:
    counts = dict.fromkeys(("allocated", "picked", "despatched", "cancelled"))
    without_counts = {
        desk.held(order).order_number: {
            "lines": [
                {"line_number": n, "sku": line["sku"], "ordered": line["ordered"], **counts}
                for n, line in desk.held(order).lines.items()
            ]
        }
        for order in part_sent
    }
    desk.switch(whistl_damaged_views=without_counts)
    messages = desk.world.despatches
    if not is_message_first:
        desk.world.despatches = []
        desk.live_on(16)
        assert set(desk.problems()) == {"despatch_missing"}
        desk.world.despatches = messages
    desk.live_on(2)

    assert {desk.state(order) for order in part_sent} == {COMPLETED}
    assert set(desk.problems()) == {"short_pick"}
    desk.assert_every_parcel_is_right()


def test_an_order_of_which_nothing_is_found_is_not_called_completed(desk: Desk) -> None:
    desk.switch(nothing_found_share=1.0)
    order = desk.order((desk.skus[0], 2))
    desk.leave_the_building([order])

    desk.live_on(2)

    assert desk.state(order) == OrderState.BLOCKED
    assert desk.problems() == ["short_pick"]
    assert order.shipments == []


def test_an_order_of_which_nothing_is_found_ends_when_centra_shows_it_cancelled(
    desk: Desk,
) -> None:
    desk.switch(nothing_found_share=1.0)
    order = desk.order((desk.skus[0], 2))
    desk.leave_the_building([order])
    desk.live_on(2)
    order.is_locked = False
    cancel_order(desk.world, order)

    intake.take_in_orders(desk.link, is_sweep=True)

    assert desk.state(order) == OrderState.CANCELLED
    assert desk.problems() == []


def test_a_message_that_nothing_was_found_is_enough_without_any_status(
    desk: Desk, accepted: CentraOrder, say: Say
) -> None:
    missing = tuple(
        ShortLine(line_number=n, sku=desk.skus[n - 1], quantity=units, reason="Ask Zoë O'Brien")
        for n, units in ((1, 2), (2, 1))
    )
    say(accepted, short_lines=missing)

    despatches.apply_despatches(desk.link)

    assert desk.state(accepted) == OrderState.BLOCKED
    assert desk.problems() == ["short_pick", "short_pick"]
    # Whistl's own sentence may quote anybody.
    assert not any("Zoë" in message for message in desk.messages())


def test_units_that_were_cancelled_in_centra_already_need_nobody(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    accepted.is_locked = False
    cancel_units(desk.world, accepted, accepted.lines[0], 1)
    intake.take_in_orders(desk.link, is_sweep=True)
    missing = ShortLine(line_number=1, sku=desk.skus[0], quantity=1, reason="")
    say(accepted, box(1, (1, desk.skus[0], 1), (2, desk.skus[1], 1)), short_lines=(missing,))

    despatches.apply_despatches(desk.link)

    assert "short_pick" not in desk.problems()


# ---- more than was ordered
def test_a_second_message_about_units_that_have_all_left_is_reported_and_not_written(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 2), label="FIRST"), is_order_complete=False)
    again = say(accepted, box(1, (1, first, 1), (2, second, 1), label="AGAIN"))

    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert desk.units_in_centra(accepted) == {1: 2, 2: 0}
    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["FIRST"]
    assert "despatch_differs" in desk.problems(again.despatch_id)


def test_two_boxes_of_one_message_together_above_the_order_are_not_both_written(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    first = desk.skus[0]
    said = say(accepted, box(1, (1, first, 2)), box(2, (1, first, 1), label="SM2"))

    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert desk.units_in_centra(accepted) == {1: 2, 2: 0}
    assert desk.problems(said.despatch_id) == ["despatch_differs"]


# ---- what Centra is sent
def test_one_shipment_of_centra_stands_for_one_of_two_equal_boxes(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 1), label="SAME"), is_order_complete=False)
    desk.relay_despatches()
    say(accepted, box(1, (1, first, 1), label="SAME"), box(2, (2, second, 1), label="OTHER"))
    desk.relay_despatches()

    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}
    assert len(accepted.shipments) == 3
    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize(("setting", "mails"), [("yes", 3), ("no", 0)])
def test_the_shipping_email_is_sent_only_if_it_is_switched_on(
    desk: Desk, setting: str, mails: int
) -> None:
    desk.reopen(SEND_SHIPPING_EMAIL=setting)
    placed = desk.order_some(3)
    desk.leave_the_building(placed)

    desk.live_on(2)

    assert desk.counts() == {COMPLETED: 3}
    assert desk.effects()["centra mails sent"] == mails
