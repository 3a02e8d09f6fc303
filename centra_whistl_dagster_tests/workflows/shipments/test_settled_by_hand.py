"""What people settle in Centra by hand is seen: parcels and orders end, nothing is sold twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches as inbox
from centra_whistl_dagster.ledger import exceptions, standings
from centra_whistl_dagster.ledger.rows import ParcelRow
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.simulator.centra.rules import add_shipment, cancel_order, ship
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.due import parcels_due
from centra_whistl_dagster.workflows.shipments import completion, despatches
from centra_whistl_dagster.workflows.shipments.parcel_problems import not_shipped
from centra_whistl_dagster.workflows.stock.reconciliation import our_units

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

Say: TypeAlias = Callable[..., Despatch]
Pack: TypeAlias = Callable[..., Parcel]
A_QUARTER_OF_AN_HOUR = 15 * 60.0 + 1


def leave(desk: Desk, say: Say, order: CentraOrder, *boxes: Parcel) -> None:
    say(order, *boxes)
    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)


def ship_by_hand(desk: Desk, order: CentraOrder, units: dict[int, int]) -> None:
    made = add_shipment(desk.world, order, units, is_good_to_go=True, is_paid=True)
    made.info = {"carrier": "A van", "trackingNumber": "by hand"}
    ship(desk.world, order, made, desk.clock(), send_email=True)


def a_while_later(desk: Desk) -> None:
    desk.wait(A_QUARTER_OF_AN_HOUR)
    completion.complete_shipments(desk.link)


def parcels(desk: Desk, order: CentraOrder) -> list[ParcelRow]:
    with desk.link.ledger.reading() as tx:
        return inbox.parcels_of_order(tx, order.order_id)


def held(desk: Desk) -> dict[str, int]:
    """Units by SKU that are added to what Whistl has available, as long as Centra reserves them."""
    with desk.link.ledger.reading() as tx:
        lines = standings.of_open_lines(tx, taken_at=tx.now + timedelta(days=1))
    levels = pd.DataFrame({"sku": [], "read_at": pd.to_datetime([], utc=True)})
    table = our_units(lines, levels)
    return {sku: units for sku, units in zip(table["sku"], table["held"], strict=True) if units}


@pytest.fixture
def boxes(desk: Desk, accepted: CentraOrder, box: Pack, request: pytest.FixtureRequest) -> Parcel:
    """One box with all of the order, which cannot be written because of its fault."""
    first, second = accepted.lines
    if request.param == "without a carrier":
        return box(1, (1, first.sku, 2), (2, second.sku, 1), carrier=" ")
    return box(1, (1, first.sku, 5), (2, second.sku, 1))


@pytest.mark.parametrize("boxes", ["without a carrier", "too many units"], indirect=True)
def test_a_parcel_held_for_its_fault_ends_once_somebody_ships_its_units_in_centra(
    desk: Desk, accepted: CentraOrder, say: Say, boxes: Parcel
) -> None:
    first, second = accepted.lines
    leave(desk, say, accepted, boxes)
    before = (held(desk), desk.state(accepted), len(desk.problems()))
    ship_by_hand(desk, accepted, {first.line_id: 2, second.line_id: 1})
    desk.wait(A_QUARTER_OF_AN_HOUR)
    is_due = parcels_due(desk.link).to_check

    completion.complete_shipments(desk.link)

    assert before == ({first.sku: 2, second.sku: 1}, OrderState.DESPATCHED, 1)
    assert is_due == 1
    assert [parcel.state for parcel in parcels(desk, accepted)] == [ParcelState.ENDED]
    assert held(desk) == {}
    assert desk.state(accepted) == OrderState.COMPLETED
    assert desk.problems() == []
    assert len(accepted.shipments) == 1, "ours would be the second"


@pytest.mark.parametrize("boxes", ["without a carrier"], indirect=True)
def test_a_parcel_of_which_a_part_was_shipped_by_hand_is_checked_again_until_all_of_it_is(
    desk: Desk, accepted: CentraOrder, say: Say, boxes: Parcel
) -> None:
    first, second = accepted.lines
    leave(desk, say, accepted, boxes)
    ship_by_hand(desk, accepted, {first.line_id: 2})
    a_while_later(desk)
    half = ([parcel.state for parcel in parcels(desk, accepted)], desk.problems())
    idle = parcels_due(desk.link).to_check
    ship_by_hand(desk, accepted, {second.line_id: 1})

    a_while_later(desk)

    assert half == ([ParcelState.HELD], ["despatch_without_carrier"])
    assert idle == 0, "each order is read once in a quarter of an hour"
    assert desk.state(accepted) == OrderState.COMPLETED
    assert desk.problems() == []


def test_a_shipment_by_hand_ends_one_of_two_equal_parcels(desk: Desk, say: Say, box: Pack) -> None:
    desk.world.settings.speed = 1e-6
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    (line,) = order.lines
    both = [box(number, (1, line.sku, 1), carrier="") for number in (1, 2)]
    leave(desk, say, order, *both)
    ship_by_hand(desk, order, {line.line_id: 1})

    a_while_later(desk)
    a_while_later(desk)

    assert sorted(parcel.state for parcel in parcels(desk, order)) == ["ended", "held"]
    assert desk.problems() == ["despatch_without_carrier"]
    assert held(desk) == {line.sku: 1}


def test_units_that_nobody_ordered_stay_their_owners_case_though_the_order_ends(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, second = accepted.lines
    right = box(1, (1, first.sku, 2), (2, second.sku, 1))
    leave(desk, say, accepted, right, box(2, (1, first.sku, 1)))

    a_while_later(desk)

    assert desk.problems() == ["despatch_differs"]
    assert desk.state(accepted) == OrderState.COMPLETED
    assert held(desk) == {}


@pytest.mark.parametrize("boxes", ["without a carrier"], indirect=True)
def test_a_faulty_parcel_of_an_order_cancelled_too_late_becomes_a_case_for_customer_service(
    desk: Desk, accepted: CentraOrder, say: Say, boxes: Parcel
) -> None:
    cancel_order(desk.world, accepted)
    leave(desk, say, accepted, boxes)

    a_while_later(desk)

    assert desk.problems() == ["parcel_not_wanted"]
    assert desk.state(accepted) == OrderState.COMPLETED


@pytest.mark.parametrize("boxes", ["without a carrier"], indirect=True)
def test_units_that_nobody_shipped_stay_a_case_though_others_of_their_parcel_were_shipped_by_hand(
    desk: Desk, accepted: CentraOrder, say: Say, boxes: Parcel
) -> None:
    first, second = accepted.lines
    leave(desk, say, accepted, boxes)
    ship_by_hand(desk, accepted, {first.line_id: 1})
    cancel_order(desk.world, accepted)

    a_while_later(desk)

    assert desk.problems() == ["parcel_not_wanted"]
    assert f"has left with 1 of {first.sku}, 1 of {second.sku}, and" in desk.messages()[0]
    assert desk.state(accepted) == OrderState.COMPLETED


def test_what_was_open_about_a_parcel_that_a_correction_took_away_ends(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, second = accepted.lines
    whole = box(1, (1, first.sku, 2), (2, second.sku, 1))
    say(accepted, whole, despatch_id="D-9", version=3, supersedes="D-8")
    despatches.apply_despatches(desk.link)
    (early,) = parcels(desk, accepted)
    with desk.link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [not_shipped(early, "100-1")])
    say(accepted, whole, despatch_id="D-8", version=2, supersedes="D-7")

    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert early.despatch_id == "D-8"
    assert [parcel.despatch_id for parcel in parcels(desk, accepted)] == ["D-7"]
    assert desk.problems() == []
