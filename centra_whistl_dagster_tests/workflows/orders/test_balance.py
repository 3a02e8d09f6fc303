"""Each order that is open in Centra is open here, and the other way round, or it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import standings
from centra_whistl_dagster.simulator.centra.rules import (
    add_shipment,
    cancel_order,
    in_no_shipment,
    ship,
    touch,
)
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.orders.balance import compare_with_centra

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

BAD_POSTCODE = {**ADA, "zipCode": "YO1 7H"}


def ship_by_hand(desk: Desk, order: CentraOrder) -> None:
    """Complete all of an order in Centra, as customer service does."""
    shipment = add_shipment(desk.world, order, in_no_shipment(order))
    ship(desk.world, order, shipment, desk.clock(), send_email=True)
    assert order.status == "SHIPPED"


def test_a_lost_order_is_named_though_another_one_is_open_here_alone(desk: Desk) -> None:
    stays, gone = desk.order(address=BAD_POSTCODE), desk.order(address=BAD_POSTCODE)
    desk.relay_orders()
    lost = desk.order(is_locked=True)  # confirmed, and never handed to us
    gone.status = "PENDING"
    touch(desk.world, gone)
    desk.wait(600)

    seen = compare_with_centra(desk.link)

    assert (seen.in_centra, seen.in_ledger) == (2, 2)
    assert seen.missing == (lost.number,)
    assert seen.extra == (gone.number,)
    assert not seen.is_even
    assert desk.state(stays) == OrderState.BLOCKED


def test_orders_that_ended_just_now_mask_no_lost_order(desk: Desk) -> None:
    ending = [desk.order(address=BAD_POSTCODE) for _ in range(3)]
    desk.relay_orders()
    lost = desk.order(is_locked=True)
    desk.wait(600)
    for order in ending:
        cancel_order(desk.world, order)
    desk.wait(1)
    intake.take_in_orders(desk.link)

    seen = compare_with_centra(desk.link)

    assert desk.counts() == {OrderState.CANCELLED: 3}
    assert seen.missing == (lost.number,)
    assert seen.extra == ()


def test_what_changed_in_the_last_moments_is_not_missing(desk: Desk) -> None:
    desk.order()
    desk.wait(60)

    assert compare_with_centra(desk.link).is_even


def test_an_order_that_the_ledger_ended_and_centra_did_not_is_named(desk: Desk) -> None:
    order = desk.order(address=BAD_POSTCODE)
    desk.relay_orders()
    cancel_order(desk.world, order)
    desk.wait(1)
    intake.take_in_orders(desk.link)
    date = order.updated_at
    order.status, order.cancelled_at = "CONFIRMED", None
    order.is_locked = True
    order.updated_at = date
    at_once = compare_with_centra(desk.link)
    desk.wait(600)

    later = compare_with_centra(desk.link)

    assert at_once.is_even
    assert later.missing == (order.number,)


def test_a_cancellation_that_reading_by_time_missed_is_found_by_the_comparison(
    desk: Desk,
) -> None:
    order = desk.order(address=BAD_POSTCODE)
    desk.relay_orders()
    desk.wait(600)
    date = order.updated_at
    cancel_order(desk.world, order)
    order.updated_at = date

    seen = compare_with_centra(desk.link)

    assert seen.is_even
    assert desk.state(order) == OrderState.CANCELLED


# ---- shipped by hand
@pytest.mark.parametrize("state", ["waiting", "blocked", "ready", "received"])
@pytest.mark.parametrize("is_noticed_by", ["time of change", "sweep", "comparison"])
def test_an_order_shipped_by_hand_in_centra_before_it_was_sent_is_never_sent_and_ends(
    desk: Desk, state: str, is_noticed_by: str
) -> None:
    order = desk.order(
        is_on_hold=state == "waiting", address=BAD_POSTCODE if state == "blocked" else ADA
    )
    intake.take_in_orders(desk.link)
    if state == "blocked":
        desk.relay_orders()
    if state == "ready":
        desk.make_ready(order)
    assert desk.state(order) == state
    desk.wait(600)
    ship_by_hand(desk, order)
    desk.wait(300)

    if is_noticed_by == "sweep":
        intake.take_in_orders(desk.link, is_sweep=True)
    if is_noticed_by == "comparison":
        assert compare_with_centra(desk.link).is_even
    desk.relay(2)
    intake.take_in_orders(desk.link, is_sweep=True)

    assert desk.world.calls["whistl orders created"] == 0
    assert desk.state(order) == OrderState.COMPLETED
    assert desk.problems() == []
    assert compare_with_centra(desk.link).is_even


def test_an_order_shipped_by_hand_holds_no_stock_back(desk: Desk) -> None:
    order = desk.order(address=BAD_POSTCODE)
    desk.relay_orders()
    with desk.link.ledger.reading() as tx:
        before = standings.of_open_lines(tx, taken_at=tx.now)
    ship_by_hand(desk, order)
    desk.wait(1)
    intake.take_in_orders(desk.link, is_sweep=True)

    with desk.link.ledger.reading() as tx:
        after = standings.of_open_lines(tx, taken_at=tx.now)

    assert len(before) == 1
    assert after == []


def test_an_order_that_was_archived_in_centra_unsent_ends_as_cancelled(desk: Desk) -> None:
    order = desk.order(address=BAD_POSTCODE)
    desk.relay_orders()
    order.status = "ARCHIVED"
    touch(desk.world, order)
    desk.wait(1)

    intake.take_in_orders(desk.link, is_sweep=True)

    assert desk.state(order) == OrderState.CANCELLED
    assert desk.problems() == []
