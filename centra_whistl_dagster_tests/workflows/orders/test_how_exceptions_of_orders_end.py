"""What one event ends among an order's exceptions, and what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exceptions, orders
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.warehouse import cancel as cancel_in_the_warehouse
from centra_whistl_dagster.workflows.orders import handover, intake, screening, submission
from centra_whistl_dagster.workflows.orders.short_picks import note_not_sent

if TYPE_CHECKING:
    from centra_whistl_dagster.simulator.world.world import CentraOrder
    from centra_whistl_dagster_tests.workflows.conftest import Desk

ONLY_OTHERS_END = [ExceptionKind.STOPPED_ORDER_SENT, ExceptionKind.UNLOCK_REFUSED]
ENDED_BY_A_CANCELLATION = [ExceptionKind.CANCELLED_AT_WHISTL, ExceptionKind.WHISTL_REFUSED]


def open_all(desk: Desk, order: CentraOrder, kinds: list[ExceptionKind]) -> None:
    with desk.link.ledger.transaction() as tx:
        for kind in kinds:
            exceptions.about_order(tx, desk.row(order), kind, "It is so.")


@pytest.mark.parametrize("is_at_whistl", [False, True])
def test_a_cancellation_in_centra_leaves_open_what_it_does_not_end(
    desk: Desk, is_at_whistl: bool
) -> None:
    order = desk.order()
    if is_at_whistl:
        desk.relay_orders()
        cancel_in_the_warehouse(desk.world, desk.wait_for(order, "ALLOCATED"))
        desk.relay_despatches()
        assert desk.state(order) is OrderState.BLOCKED
    else:
        desk.make_ready(order)
    open_all(desk, order, [*ONLY_OTHERS_END, *ENDED_BY_A_CANCELLATION])
    desk.withdraw(order)

    intake.take_in_orders(desk.link)

    assert desk.state(order) is OrderState.CANCELLED
    assert desk.problems(str(order.number)) == sorted(ONLY_OTHERS_END)


def test_what_keeps_a_stopped_number_back_outlasts_the_obstacle(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    with desk.link.ledger.transaction() as tx:
        orders.update(tx, [order.order_id], former_active_at=tx.now)
    submission.submit_ready_orders(desk.link)
    desk.withdraw(order)

    intake.take_in_orders(desk.link)

    assert desk.at_whistl(order) == 0
    assert desk.problems(str(order.number)) == ["stopped_order_sent"]


def test_a_person_who_unlocks_an_order_ends_that_it_was_kept_locked(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    with desk.link.ledger.transaction() as tx:
        orders.update(tx, [order.order_id], locked_at=tx.now)
    open_all(desk, order, [ExceptionKind.UNLOCK_REFUSED])
    desk.wait(1)
    touch(desk.world, order)

    intake.take_in_orders(desk.link)

    assert desk.problems() == []


def test_an_order_shipped_without_whistl_leaves_nothing_about_its_lock(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    open_all(desk, order, ONLY_OTHERS_END)
    desk.wait(1)
    order.status = "SHIPPED"
    touch(desk.world, order)

    intake.take_in_orders(desk.link, is_sweep=True)

    assert desk.state(order) is OrderState.COMPLETED
    assert desk.problems() == ["stopped_order_sent"]


# ---- refused by Whistl
@pytest.fixture
def refused(desk: Desk) -> CentraOrder:
    """An order with advice, which Whistl has refused."""
    order = desk.order(address=ADA | {"email": "ada@"})
    desk.switch(whistl_order_number_length=3)
    desk.relay_orders()
    assert desk.state(order) is OrderState.BLOCKED
    return order


def test_a_refusal_by_whistl_leaves_advice_open(desk: Desk, refused: CentraOrder) -> None:
    assert desk.problems(str(refused.number)) == ["email_left_out", "whistl_refused"]


def test_a_refusal_stays_open_until_whistl_accepts_the_order(
    desk: Desk, refused: CentraOrder
) -> None:
    desk.switch(whistl_order_number_length=12)
    desk.wait(1)
    refused.address = ADA | {"address1": "7 The Shambles"}
    touch(desk.world, refused)
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)
    once_screened = (desk.state(refused), desk.problems())

    handover.hand_over(desk.link)

    assert once_screened == (OrderState.READY, ["whistl_refused"])
    assert desk.state(refused) is OrderState.SUBMITTED
    assert desk.problems() == []


# ---- stopped by Whistl because Centra cancelled it
def test_units_not_found_need_nobody_once_the_cancelled_order_is_stopped(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    open_all(desk, order, [ExceptionKind.HELD_AT_WHISTL])
    with desk.link.ledger.transaction() as tx:
        note_not_sent(tx, desk.row(order), {1: 1})
    before = desk.problems()
    desk.withdraw(order)

    desk.relay_orders()

    with desk.link.ledger.reading() as tx:
        read_again = orders.ids_with_units_not_found(tx)
    assert before == ["held_at_whistl", "short_pick"]
    assert desk.state(order) is OrderState.CANCELLED
    assert (desk.problems(), read_again) == ([], set())


# ---- a record that cannot be read when the order is sent
def test_a_ready_order_that_cannot_be_read_stays_ready_is_reported_and_goes_later(
    desk: Desk,
) -> None:
    order, other = desk.order(), desk.order()
    desk.make_ready(order, other)
    desk.switch(centra_failing_fields={order.number: "shippingAddress"})

    submission.submit_ready_orders(desk.link)
    while_broken = (desk.state(order), desk.problems(str(order.number)), desk.at_whistl(other))
    desk.switch(centra_failing_fields={})
    desk.wait(150)
    desk.relay_orders()

    assert while_broken == (OrderState.READY, ["unreadable_record"], 1)
    assert desk.at_whistl(order) == 1
    assert desk.problems() == []
