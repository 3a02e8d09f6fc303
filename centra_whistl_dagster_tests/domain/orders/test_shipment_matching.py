"""Which shipment of Centra's stands for a box, and what is still to be done for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from centra_whistl_dagster.domain.orders.order import CentraShipment, CentraShipmentLine
from centra_whistl_dagster.domain.orders.shipment_matching import Box, Match, Step, match
from centra_whistl_dagster.domain.orders.shipping import SentShipment, ShippingOrder

LEFT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRST, SECOND = 71, 72


def box(units: Mapping[int, int], number: int = 1, **members: Any) -> Box:
    usual: dict[str, Any] = {
        "despatch_id": "D-1",
        "parcel_number": number,
        "units": units,
        "tracking_number": "",
        "shipped_at": LEFT,
    }
    return Box(**{**usual, **members})


def shipment(number: int, units: Mapping[int, int], **members: Any) -> CentraShipment:
    lines = tuple(CentraShipmentLine(line_id=line, quantity=n) for line, n in units.items())
    usual: dict[str, Any] = {"is_shipped": True, "shipped_at": LEFT, "lines": lines}
    return CentraShipment(shipment_id=number, number=f"1-{number}", **{**usual, **members})


def order(wanted: Mapping[int, int], *shipments: CentraShipment, **members: Any) -> ShippingOrder:
    usual: dict[str, Any] = {"status": "PROCESSING", "allocated": None}
    return ShippingOrder(
        centra_id="a", number=1, wanted=wanted, shipments=shipments, **{**usual, **members}
    )


def sent(units: Mapping[int, int], **members: Any) -> SentShipment:
    usual: dict[str, Any] = {
        "lines": tuple(units.items()),
        "shipped_at": LEFT,
        "tracking_number": "",
        "completes": None,
        "known_shipments": (),
    }
    return SentShipment(**{**usual, **members})


def found(one: Box, shown: ShippingOrder, *others: Box, **members: Any) -> Match:
    usual: dict[str, Any] = {"taken": set(), "is_all_gone": True, "may_allocate": False}
    return match(one, [one, *others], shown, **{**usual, **members})


# ---- what was sent before
@pytest.mark.parametrize("seconds", [-3600, -5, 0, 5])
def test_an_untracked_box_is_recognised_by_what_was_sent_whatever_time_centra_shows(
    seconds: int,
) -> None:
    at = LEFT + timedelta(seconds=seconds)
    shown = order({FIRST: 2}, shipment(9, {FIRST: 1}, shipped_at=at))

    plan = found(box({FIRST: 1}, sent=sent({FIRST: 1})), shown)

    assert (plan.step, plan.shipment) == (Step.NOTHING, shown.shipments[0])


@pytest.mark.parametrize(
    ("of_sent", "of_shipment"),
    [
        ({"known_shipments": (9,)}, {}),
        ({}, {"tracking_number": "X1"}),
        ({"lines": ((FIRST, 2),)}, {}),
    ],
    ids=["it was there before", "another label", "other units"],
)
def test_a_shipment_that_differs_from_what_was_sent_is_not_the_one_sent(
    of_sent: dict[str, Any], of_shipment: dict[str, Any]
) -> None:
    later = {"shipped_at": LEFT + timedelta(hours=1), **of_shipment}
    shown = order({FIRST: 3}, shipment(9, {FIRST: 1}, **later))

    plan = found(box({FIRST: 1}, sent=sent({FIRST: 1}, **of_sent)), shown)

    assert plan.step is Step.CREATE


def test_what_was_created_and_not_shipped_is_completed() -> None:
    shown = order({FIRST: 1}, shipment(9, {FIRST: 1}, is_shipped=False, shipped_at=None))

    plan = found(box({FIRST: 2}, sent=sent({FIRST: 1})), shown)

    assert (plan.step, plan.units, plan.unwanted) == (Step.COMPLETE, {FIRST: 1}, {FIRST: 1})


# ---- one shipment, one box
def test_one_shipment_never_stands_for_two_equal_boxes() -> None:
    one, other = box({FIRST: 1}, 1), box({FIRST: 1}, 2)
    shown = order({FIRST: 2}, shipment(9, {FIRST: 1}))

    first = found(one, shown, other)
    second = found(other, shown, taken={9})

    assert (first.step, first.boxes) == (Step.NOTHING, (one,))
    assert second.step is Step.CREATE


def test_a_shipment_without_a_label_stands_for_a_box_without_one_where_there_is_no_other_room() -> (
    None
):
    by_hand = shipment(9, {FIRST: 1}, shipped_at=LEFT + timedelta(hours=2))

    full = found(box({FIRST: 1}), order({FIRST: 1}, by_hand))
    roomy = found(box({FIRST: 1}), order({FIRST: 2}, by_hand))

    assert (full.step, full.shipment) == (Step.NOTHING, by_hand)
    assert roomy.step is Step.CREATE


# ---- what Centra still wants
def test_of_a_box_only_what_centra_still_wants_is_shipped() -> None:
    plan = found(box({FIRST: 2, SECOND: 1}), order({FIRST: 1, SECOND: 1}))

    assert plan.step is Step.CREATE
    assert (plan.units, plan.unwanted) == ({FIRST: 1, SECOND: 1}, {FIRST: 1})


@pytest.mark.parametrize(
    "shown",
    [
        order({FIRST: 2}, status="CANCELLED"),
        order({}),
        order({FIRST: 2}, shipment(9, {FIRST: 2}, tracking_number="by hand")),
    ],
    ids=["order cancelled", "line cancelled", "shipped by hand"],
)
def test_a_box_of_which_centra_wants_nothing_ends(shown: ShippingOrder) -> None:
    plan = found(box({FIRST: 2}, tracking_number="T1"), shown)

    assert (plan.step, plan.units, plan.unwanted) == (Step.END, {}, {FIRST: 2})


def test_an_open_shipment_with_other_units_stands_in_the_way() -> None:
    in_the_way = shipment(9, {FIRST: 2, SECOND: 1}, is_shipped=False, shipped_at=None)

    plan = found(box({FIRST: 2}), order({FIRST: 2, SECOND: 1}, in_the_way))

    assert (plan.step, plan.shipment, plan.unwanted) == (Step.BLOCKED, in_the_way, {FIRST: 2})


@pytest.mark.parametrize(
    ("allocated", "may_allocate", "step"),
    [
        ({FIRST: 2}, False, Step.CREATE),
        ({FIRST: 1}, False, Step.UNALLOCATED),
        ({}, False, Step.UNALLOCATED),
        ({FIRST: 1}, True, Step.CREATE),
        (None, False, Step.CREATE),
    ],
)
def test_units_without_stock_wait_unless_centra_may_allocate_them(
    allocated: dict[int, int] | None, may_allocate: bool, step: Step
) -> None:
    shown = order({FIRST: 2}, allocated=allocated)

    assert found(box({FIRST: 2}), shown, may_allocate=may_allocate).step is step


@pytest.mark.parametrize("counts_shipped", [True, False])
def test_units_are_not_taken_for_unallocated_because_others_were_shipped(
    counts_shipped: bool,
) -> None:
    allocated = {FIRST: 3 if counts_shipped else 1}
    before = shipment(9, {FIRST: 2}, tracking_number="T0")

    plan = found(
        box({FIRST: 1}, tracking_number="T1"), order({FIRST: 3}, before, allocated=allocated)
    )

    assert plan.step is Step.CREATE
