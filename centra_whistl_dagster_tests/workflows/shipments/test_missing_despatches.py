"""A parcel that left, and that no message names, is reported within a quarter of an hour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.due import parcels_due
from centra_whistl_dagster.workflows.orders import statuses
from centra_whistl_dagster.workflows.shipments import despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED
MISSING = "despatch_missing"
MINUTE = 60.0

Box = Callable[..., Parcel]
Say = Callable[..., Despatch]


def relay_when_due(desk: Desk, minutes: int) -> None:
    """Let the relay of despatches run as the sensors start it, and the statuses be polled."""
    for _ in range(minutes):
        statuses.follow_order_statuses(desk.link)
        if despatches.are_there_new_despatches(desk.link) or parcels_due(desk.link).total:
            desk.relay_despatches()
        desk.wait(MINUTE)


def minutes_until_reported(desk: Desk, order: CentraOrder) -> int:
    for minute in range(40):
        if MISSING in desk.problems(str(order.number)):
            return minute
        relay_when_due(desk, 1)
    raise AssertionError("it was never reported")


def test_a_message_that_never_comes_is_reported_within_fifteen_minutes(desk: Desk) -> None:
    desk.switch(lost_despatch_share=1.0)
    order = desk.order()
    desk.leave_the_building([order])

    waited = minutes_until_reported(desk, order)

    assert 15 <= waited <= 17
    assert "2 of" in desk.messages()[0]
    assert desk.state(order) == OrderState.SUBMITTED


def test_how_long_a_message_may_take_is_for_the_business_to_decide(desk: Desk) -> None:
    policy = Path(desk.environment["CONFIG_DIR"]) / "policy.toml"
    text = policy.read_text()
    policy.write_text(text.replace("missing_after_minutes = 15.0", "missing_after_minutes = 5.0"))
    desk.reopen()
    desk.switch(lost_despatch_share=1.0)
    order = desk.order()
    desk.leave_the_building([order])

    assert 5 <= minutes_until_reported(desk, order) <= 7


def test_the_exception_closes_when_the_message_comes(desk: Desk) -> None:
    desk.switch(lost_despatch_share=1.0)
    order = desk.order((desk.skus[0], 2))
    desk.leave_the_building([order])
    minutes_until_reported(desk, order)
    held = desk.held(order)
    desk.world.despatches.append(_message_about(desk, held.order_number, desk.skus[0], 2))

    relay_when_due(desk, 2)

    assert desk.problems() == []
    assert desk.units_in_centra(order) == {1: 2}
    assert desk.state(order) == COMPLETED


def test_an_order_whose_messages_all_came_is_never_reported(desk: Desk) -> None:
    desk.world.settings.several_parcels_share = 0.5
    desk.switch(short_line_share=0.5)
    placed = desk.order_some()
    desk.leave_the_building(placed)

    relay_when_due(desk, 40)

    assert desk.counts() == {COMPLETED: len(placed)}
    assert set(desk.problems()) <= {"short_pick"}


def test_the_first_of_two_messages_that_is_lost_is_reported_without_any_status(
    desk: Desk, accepted: CentraOrder, say: Say, box: Box
) -> None:
    say(accepted, box(1, (2, desk.skus[1], 1)))
    despatches.apply_despatches(desk.link)
    desk.wait(16 * MINUTE)

    despatches.apply_despatches(desk.link)

    assert desk.problems() == [MISSING]
    assert f"2 of {desk.skus[0]}" in desk.messages()[0]


def test_a_missing_message_is_reported_once_and_not_again_after_it_was_read_again(
    desk: Desk,
) -> None:
    desk.switch(lost_despatch_share=1.0)
    order = desk.order()
    desk.leave_the_building([order])
    minutes_until_reported(desk, order)
    calls = desk.world.calls["whistl list_despatches"]

    due = [parcels_due(desk.link).to_read_again for _ in range(3)]
    desk.wait(3_600)
    due.append(parcels_due(desk.link).to_read_again)

    assert due == [0, 0, 0, 0]
    assert desk.world.calls["whistl list_despatches"] == calls


def test_a_late_message_under_a_number_that_was_left_out_is_read_within_two_minutes(
    desk: Desk,
) -> None:
    early, late = desk.order((desk.skus[0], 1)), desk.order((desk.skus[0], 1))
    desk.relay_orders()
    desk.world.settings.speed = 1e-6
    for sequence, order in ((1, early), (3, late)):
        number = desk.held(order).order_number
        message = _message_about(desk, number, desk.skus[0], 1, sequence=sequence)
        desk.world.despatches.append(message)
    hidden = desk.world.despatches.pop(0)
    desk.world.despatches[0]["sequence"] = 3
    first = _message_about(desk, "X1", desk.skus[0], 1, sequence=1)
    desk.world.despatches.insert(0, first)
    desk.relay_despatches()
    desk.world.despatches.append({**hidden, "sequence": 2})

    relay_when_due(desk, 3)

    assert [desk.state(early), desk.state(late)] == [COMPLETED, COMPLETED]


def test_a_feed_with_gaps_is_not_read_again_for_ever(desk: Desk) -> None:
    for sequence in (5, 9, 14):
        desk.world.despatches.append(
            _message_about(desk, f"X{sequence}", desk.skus[0], 1, sequence=sequence)
        )
    relay_when_due(desk, 30)
    calls = desk.world.calls["whistl list_despatches"]

    due = parcels_due(desk.link).to_read_again
    relay_when_due(desk, 30)

    assert due == 0
    # The cheap request of the sensor, and nothing else.
    assert desk.world.calls["whistl list_despatches"] == calls + 30


def _message_about(
    desk: Desk, order_number: str, sku: str, units: int, *, sequence: int = 1
) -> dict[str, object]:
    return {
        "despatch_id": f"T-{sequence}-{order_number}",
        "sequence": sequence,
        "version": 1,
        "supersedes": None,
        "order_number": order_number,
        "despatched_at": desk.clock().isoformat(),
        "order_complete": True,
        "parcels": [
            {
                "parcel_number": 1,
                "carrier_name": "DPD",
                "courier_tracking_number": f"SM{sequence}",
                "lines": [{"line_number": 1, "sku": sku, "quantity": units}],
            }
        ],
    }
