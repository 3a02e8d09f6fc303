"""Catalogues that cannot be read stop nothing for a day, then screening, with an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import cancel_order
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.due import orders_due
from centra_whistl_dagster.workflows.orders.screening import screen_waiting_orders

if TYPE_CHECKING:
    from centra_whistl_dagster.simulator.world.world import CentraOrder
    from centra_whistl_dagster_tests.workflows.conftest import Desk

AN_HOUR = 3600.0


@pytest.fixture
def sent(desk: Desk) -> CentraOrder:
    """An order that Whistl has, from before the catalogues became unreadable."""
    order = desk.order()
    desk.relay_orders()
    assert desk.at_whistl(order) == 1
    desk.world.settings.speed = 0.001  # nothing happens in the building meanwhile
    return order


def make_unreadable(desk: Desk) -> None:
    desk.fault("whistl", "list_products", FaultKind.ERROR_503_BEFORE)
    desk.fault("whistl", "list_services", FaultKind.ERROR_503_BEFORE)


def test_orders_are_screened_and_sent_against_what_was_read_last_and_its_age_is_stated(
    desk: Desk, sent: CentraOrder
) -> None:
    make_unreadable(desk)
    desk.wait(5 * AN_HOUR)
    order = desk.order()

    desk.relay_orders()
    age = screen_waiting_orders(desk.link).reference_age

    assert desk.at_whistl(order) == 1
    assert age is not None
    assert 5 <= age.total_seconds() / AN_HOUR < 6
    assert desk.problems() == []


def test_a_catalogue_that_cannot_be_read_is_not_tried_at_every_round(
    desk: Desk, sent: CentraOrder
) -> None:
    make_unreadable(desk)
    desk.wait(5 * AN_HOUR)
    screen_waiting_orders(desk.link)
    after_one = desk.world.faults.fired.total()

    for _ in range(10):
        screen_waiting_orders(desk.link)

    assert after_one > 0
    assert desk.world.faults.fired.total() == after_one


def test_past_the_policys_limit_orders_wait_their_owner_hears_and_cancellations_go(
    desk: Desk, sent: CentraOrder
) -> None:
    make_unreadable(desk)
    desk.wait(25 * AN_HOUR)
    order = desk.order()
    sent.is_locked = False
    cancel_order(desk.world, sent)

    desk.relay_orders()
    screened = screen_waiting_orders(desk.link)

    assert desk.state(order) is OrderState.RECEIVED
    assert screened.reference_age is None
    assert screened.tally.is_balanced
    assert desk.problems() == ["reference_stale"]
    assert "25 hours ago" in desk.messages()[0]
    assert desk.held(sent).status == "CANCELLED"


def test_once_they_can_be_read_again_the_exception_closes_and_orders_go(
    desk: Desk, sent: CentraOrder
) -> None:
    make_unreadable(desk)
    desk.wait(25 * AN_HOUR)
    order = desk.order()
    desk.relay_orders()
    desk.world.faults.clear()
    desk.wait(AN_HOUR)

    desk.relay_orders()

    assert desk.at_whistl(order) == 1
    assert desk.problems() == []


def test_catalogues_that_were_never_read_are_an_exception_and_no_order_is_screened(
    desk: Desk,
) -> None:
    make_unreadable(desk)
    order = desk.order()

    desk.relay_orders()

    assert desk.state(order) is OrderState.RECEIVED
    assert orders_due(desk.link).total == 0
    assert desk.problems() == ["reference_stale"]
    assert "never read" in desk.messages()[0]
