"""Whatever mishaps Whistl's feed of despatches has, Centra ends with one true shipment per parcel.

Judged by what left the simulated building and by what the simulated Centra holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.whistl.records import DespatchMessage, DespatchPage, UnreadableDespatch
from centra_whistl_dagster.workflows.shipments import despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED

MISHAPS: list[tuple[dict[str, float], set[str]]] = [
    ({}, set()),
    ({"duplicate_despatch_share": 1.0}, set()),
    ({"out_of_order_despatch_share": 0.5}, set()),
    ({"corrected_tracking_share": 1.0}, {"tracking_corrected"}),
    ({"null_tracking_share": 1.0}, set()),
    ({"no_tracking_share": 1.0}, set()),
    ({"despatch_without_carrier_share": 1.0}, set()),
    ({"short_line_share": 1.0}, {"short_pick"}),
    (
        {
            "duplicate_despatch_share": 0.5,
            "out_of_order_despatch_share": 0.5,
            "corrected_tracking_share": 0.6,
            "no_tracking_share": 0.3,
            "despatch_without_carrier_share": 0.3,
            "short_line_share": 0.6,
        },
        {"tracking_corrected", "short_pick"},
    ),
]
"""What Whistl does wrong, and the kinds of exceptions that are open in the end."""


@pytest.mark.parametrize(
    ("mishaps", "still_open"),
    MISHAPS,
    ids=[" ".join(mishaps) or "none" for mishaps, _ in MISHAPS],
)
def test_every_parcel_becomes_one_right_shipment(
    desk: Desk, mishaps: dict[str, float], still_open: set[str]
) -> None:
    desk.switch(**mishaps)
    desk.world.settings.several_parcels_share = 0.5
    placed = desk.order_some()

    desk.relay(rounds=8)
    desk.wait_a_day()
    desk.live_on(3)

    desk.assert_every_parcel_is_right()
    assert desk.counts() == {COMPLETED: len(placed)}
    parcels = desk.truth()["shipments"]["parcels"]
    assert desk.effects()["centra shipments created"] == parcels
    assert desk.effects()["centra mails sent"] == parcels
    assert set(desk.problems()) == still_open


def test_a_second_round_with_nothing_new_writes_nothing(desk: Desk) -> None:
    desk.leave_the_building(desk.order_some(3))
    desk.live_on(2)
    before = desk.effects()

    desk.live_on(2)

    assert desk.effects() == before


@pytest.mark.parametrize(
    ("switch", "what"),
    [("despatch_without_carrier_share", "carrier"), ("no_tracking_share", "tracking number")],
)
def test_a_parcel_nobody_can_follow_is_told_and_not_written_until_it_is_corrected(
    desk: Desk, switch: str, what: str
) -> None:
    desk.switch(**{switch: 1.0, "despatch_correction_seconds": 1e9})
    order = desk.order()
    leave_the_building_and_do_not_wait_for_corrections(desk, order)

    desk.live_on(2)

    assert order.shipments == []
    assert desk.problems() == ["despatch_without_carrier"]
    assert what in desk.messages()[0]
    assert desk.state(order) == OrderState.DESPATCHED


def leave_the_building_and_do_not_wait_for_corrections(desk: Desk, order: CentraOrder) -> None:
    desk.relay_orders()
    desk.wait_a_day()
    assert desk.world.whistl_orders[f"C{order.number}"].status == "DESPATCHED"


def test_a_correction_after_centra_was_told_is_told_to_who_can_tell_the_customer(
    desk: Desk,
) -> None:
    desk.switch(corrected_tracking_share=1.0, despatch_correction_seconds=1e6)
    order = desk.order()
    leave_the_building_and_do_not_wait_for_corrections(desk, order)
    desk.live_on(2)
    first_label = order.shipments[0].info["trackingNumber"]
    desk.wait(1e6 / desk.world.settings.speed)

    desk.live_on(2)

    assert [shipment.info["trackingNumber"] for shipment in order.shipments] == [first_label]
    assert desk.problems() == ["tracking_corrected"]
    assert first_label in desk.messages()[0]


class WhistlThatSays:
    """Whistl's despatch feed, with one page made up."""

    def __init__(self, *records: Despatch | UnreadableDespatch) -> None:
        self._page = DespatchPage(
            messages=tuple(
                DespatchMessage(raw=repr(record), read_after=0, record=record) for record in records
            ),
            next_after_sequence=1,
            has_more=False,
        )

    def despatches_after(self, _sequence: int, *, limit: int) -> DespatchPage:
        assert limit
        return self._page


def test_a_message_that_could_not_be_read_is_told_until_it_is_read(
    desk: Desk, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    whole = say(None, box(1, (1, desk.skus[0], 1)))
    broken = UnreadableDespatch(despatch_id=whole.despatch_id, field="parcels", detail="no list")
    other = dataclasses.replace(broken, despatch_id="D-OTHER")
    for told in (
        WhistlThatSays(broken, other),
        WhistlThatSays(whole),
    ):
        link = dataclasses.replace(desk.link, whistl=cast("Any", told))
        despatches.pull_despatches(link, is_sweep=True)

    assert desk.problems(whole.despatch_id) == []
    assert desk.problems("D-OTHER") == ["unreadable_record"]
