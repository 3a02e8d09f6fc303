"""What a mutation of orders does to the simulated Centra, and what it refuses, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import World

Do = Callable[..., Any]
Message = Callable[[Any], str]

SKU = "TEE001-BLK-M"
UPDATE_ORDER = """
mutation ($order: OrderInput!, $input: DirectToConsumerOrderUpdateInput!) {
  updateDirectToConsumerOrder(order: $order, input: $input) {
    userErrors { message path } order { status isOnHold shippingAddress { zipCode city } } } }
"""
LOCK = """
mutation ($input: OrdersLockInput!) { setOrdersLock(input: $input) { userErrors { message path } } }
"""


def test_a_batch_of_orders_is_locked_but_for_the_unknown_one(world: World, do: Do) -> None:
    first, second = (place_order(world, [(SKU, 1)]) for _ in range(2))
    named = [{"id": first.order_id}, {"number": 5}, {"number": second.number}]

    payload = do(LOCK, input={"orders": named, "isLocked": True})

    assert payload["userErrors"] == [
        {"message": "Order not found: 5", "path": ["input", "orders", "1"]}
    ]
    assert first.is_locked
    assert second.is_locked


def test_an_order_is_corrected_held_and_released(world: World, clock: ManualClock, do: Do) -> None:
    order = place_order(world, [(SKU, 1)], is_on_hold=True)
    reference = {"number": order.number}
    clock.advance(30)

    address = {"shippingAddress": {"zipCode": "LS6 2AB"}}
    corrected = do(UPDATE_ORDER, order=reference, input=address)
    assert corrected["order"]["shippingAddress"] == {"zipCode": "LS6 2AB", "city": "York"}
    assert order.updated_at == clock()
    assert order.confirmed_at is None

    clock.advance(30)
    released = do(UPDATE_ORDER, order=reference, input={"isOnHold": False})
    assert released["order"]["isOnHold"] is False
    assert order.confirmed_at == clock()


def test_a_released_hold_may_leave_no_trace_in_updated_at(
    world: World, clock: ManualClock, do: Do
) -> None:
    world.settings.switches["centra_resume_touches_updated_at"] = False
    order = place_order(world, [(SKU, 1)], is_on_hold=True)
    before = order.updated_at
    clock.advance(30)

    do(UPDATE_ORDER, order={"number": order.number}, input={"isOnHold": False})

    assert not order.is_on_hold
    assert order.updated_at == before


def test_units_taken_off_a_line_are_free_again_unless_removed(
    world: World, do: Do, message: Message
) -> None:
    order = place_order(world, [(SKU, 3)])
    free = world.centra_free(SKU)

    def cancel(quantity: int, policy: str) -> Any:
        item = {
            "line": {"id": order.lines[0].line_id},
            "quantity": quantity,
            "stockActionPolicy": {policy: True},
        }
        reference = {"id": order.order_id}
        return do(UPDATE_ORDER, order=reference, input={"cancelLines": [item]})

    cancel(1, "releaseItemsBackToWarehouse")
    assert world.centra_free(SKU) == free + 1
    cancel(1, "removeItemsFromStock")
    assert world.centra_free(SKU) == free + 1
    assert (order.lines[0].quantity, order.lines[0].cancelled) == (1, 2)
    assert "unshipped quantity" in message(cancel(2, "releaseItemsBackToWarehouse"))
    assert cancel(1, "releaseItemsBackToWarehouse")["order"]["status"] == "CANCELLED"


def test_a_cancelled_order_frees_its_stock_and_is_final(
    world: World, do: Do, message: Message
) -> None:
    order = place_order(world, [(SKU, 2)])
    free = world.centra_free(SKU)
    query = """
      mutation ($id: String!, $input: DirectToConsumerOrderCancelInput!) {
        cancelDirectToConsumerOrder(id: $id, input: $input) {
          userErrors { message } order { status lines { quantity } } } }
    """
    how = {"emailOptions": {}, "stockAction": {"releaseItemsBackToWarehouse": True}}

    payload = do(query, id=order.order_id, input=how)

    assert payload["order"] == {"status": "CANCELLED", "lines": [{"quantity": 2}]}
    assert world.centra_free(SKU) == free + 2
    assert "CANCELLED" in message(do(query, id=order.order_id, input=how))


def test_only_a_pending_order_can_be_confirmed(world: World, do: Do, message: Message) -> None:
    order = place_order(world, [(SKU, 1)], status="PENDING")
    query = """
      mutation ($n: Int!) { confirmOrder(input: {order: {number: $n}}) {
        userErrors { message } order { status } } }
    """

    assert do(query, n=order.number)["order"] == {"status": "CONFIRMED"}
    assert order.confirmed_at == world.now()
    assert "CONFIRMED" in message(do(query, n=order.number))
