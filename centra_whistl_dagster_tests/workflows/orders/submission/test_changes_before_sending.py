"""What changes in Centra between screening and sending is heeded, and no part is sent as whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.centra.client import CentraClient, UnreadableOrder
from centra_whistl_dagster.domain.orders.order import CONFIRMED, Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import add_shipment, cancel_order, ship, touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.records import CentraOrder
from centra_whistl_dagster.workflows.orders import submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


class CentraThatChangesMeanwhile:
    """Centra, in which something happens right after the first reading of orders."""

    def __init__(self, client: CentraClient, meanwhile: Callable[[], None]) -> None:
        self._client, self._meanwhile = client, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def orders_with_ids(self, ids: Sequence[str]) -> list[Order | UnreadableOrder]:
        found = list(self._client.orders_with_ids(ids))
        while self._meanwhile:
            self._meanwhile.pop()()
        return found


def test_an_order_cancelled_while_many_before_it_are_sent_is_not_sent(desk: Desk) -> None:
    placed = [desk.order() for _ in range(50)]
    desk.make_ready(*placed)
    last = placed[-1]
    centra = CentraThatChangesMeanwhile(desk.link.centra, lambda: cancel_order(desk.world, last))

    tally = submission.submit_ready_orders(
        dataclasses.replace(desk.link, centra=cast("Any", centra))
    )

    assert (tally.read, tally.written) == (50, 49)
    assert (desk.at_whistl(last), desk.state(last)) == (0, OrderState.CANCELLED)


# ---- what changes in Centra between screening and sending
def hold(desk: Desk, order: CentraOrder) -> None:
    order.is_on_hold = True


def await_payment(desk: Desk, order: CentraOrder) -> None:
    order.is_waiting_for_payment = True


def lock(desk: Desk, order: CentraOrder) -> None:
    order.is_locked = True


def cancel(desk: Desk, order: CentraOrder) -> None:
    cancel_order(desk.world, order)


def hide(desk: Desk, order: CentraOrder) -> None:
    order.status = "PENDING"


def give_to_another_warehouse(desk: Desk, order: CentraOrder) -> None:
    for line in order.lines:
        line.warehouse_id = 2


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (hold, OrderState.WAITING),
        (await_payment, OrderState.WAITING),
        (lock, OrderState.WAITING),
        (hide, OrderState.WAITING),
        (give_to_another_warehouse, OrderState.WAITING),
        (cancel, OrderState.CANCELLED),
    ],
)
def test_an_order_stopped_in_centra_after_it_was_screened_is_not_sent(
    desk: Desk, change: Any, state: OrderState
) -> None:
    stopped, other = desk.order(), desk.order()
    desk.make_ready(stopped, other)
    change(desk, stopped)  # and Centra's updatedAt stays as it was: only a look at the order tells

    submission.submit_ready_orders(desk.link)

    assert desk.at_whistl(stopped) == 0
    assert desk.at_whistl(other) == 1
    assert desk.state(stopped) == state


def test_an_order_edited_after_it_was_screened_goes_in_its_new_form(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    order.address = {**ADA, "address1": "7 The Shambles"}

    submission.submit_ready_orders(desk.link)
    after_one_round = (desk.at_whistl(order), desk.state(order))
    desk.settle(order)

    assert after_one_round == (0, OrderState.RECEIVED)
    assert desk.at_whistl(order) == 1
    sent = desk.world.whistl_orders[f"C{order.number}"].body["delivery_address"]
    assert sent["line1"] == "7 The Shambles"


def test_a_resumed_order_goes_once_and_is_not_stopped_at_whistl_for_its_old_cancellation(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.make_ready(order)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE, nth=1)
    submission.submit_ready_orders(desk.link)
    assert desk.state(order) == OrderState.IN_DOUBT
    desk.wait(5)
    cancel_order(desk.world, order)
    desk.settle(order, rounds=3)
    assert desk.state(order) == OrderState.CANCELLED
    assert desk.at_whistl(order) == 0

    order.status = CONFIRMED
    touch(desk.world, order)
    desk.settle(order)
    desk.wait(5)
    desk.relay_orders()

    assert desk.at_whistl(order) == 1
    assert desk.world.whistl_orders[f"C{order.number}"].status != "CANCELLED"
    assert desk.state(order) == OrderState.SUBMITTED


# ---- what may not go whole
def ship_a_part(desk: Desk, order: CentraOrder) -> None:
    """Somebody completes a shipment of one unit in Centra's own screens."""
    with desk.world.lock:
        shipment = add_shipment(desk.world, order, {order.lines[0].line_id: 1})
        ship(desk.world, order, shipment, desk.clock(), send_email=False)


def share_with_another_warehouse(desk: Desk, order: CentraOrder) -> None:
    order.lines[0].warehouse_id = 2
    touch(desk.world, order)


@pytest.mark.parametrize("is_screened", [False, True])
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (ship_a_part, "partly_shipped_already"),
        (share_with_another_warehouse, "shared_with_another_warehouse"),
    ],
)
def test_an_order_of_which_a_part_is_not_ours_to_send_is_kept_for_a_person(
    desk: Desk, change: Any, kind: str, is_screened: bool
) -> None:
    order, other = desk.order((desk.skus[0], 2), (desk.skus[1], 1)), desk.order()
    if is_screened:
        desk.make_ready(order, other)
    change(desk, order)
    if is_screened:
        submission.submit_ready_orders(desk.link)

    desk.relay(3)

    assert desk.at_whistl(order) == 0
    assert desk.at_whistl(other) == 1
    assert desk.state(order) == OrderState.BLOCKED
    assert desk.problems(str(order.number)) == [kind]


def test_an_order_shared_with_another_warehouse_goes_once_all_of_it_is_ours(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    share_with_another_warehouse(desk, order)
    desk.relay_orders()
    before = desk.at_whistl(order)
    desk.wait(5)
    order.lines[0].warehouse_id = 1
    touch(desk.world, order)

    desk.relay_orders()

    assert (before, desk.at_whistl(order)) == (0, 1)
    assert desk.problems() == []
