"""The mutations of orders: confirm, lock, correct, hold, cancel."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLResolveInfo

from centra_whistl_dagster.simulator.centra.answers import (
    NotDone,
    answering,
    one_of,
    order_named,
    payload,
    require,
    require_unlocked,
)
from centra_whistl_dagster.simulator.centra.goods import Resolver
from centra_whistl_dagster.simulator.centra.permissions import PAYMENT_CANCEL
from centra_whistl_dagster.simulator.centra.rules import (
    cancel_order,
    cancel_units,
    in_no_shipment,
    note_if_free,
    release,
    touch,
)
from centra_whistl_dagster.simulator.world.world import WAREHOUSE_ID, CentraLine, CentraOrder, World


def confirm(_: object, info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, object]:  # noqa: A002 - Centra's name
    """Confirm a pending order."""
    world: World = info.context.world
    order = order_named(world, input["order"], "input", "order")
    require_unlocked(info, order)
    if order.status != "PENDING":
        raise NotDone(f'Order status is "{order.status}", expected "PENDING"', "input", "order")
    order.status = "CONFIRMED"
    touch(world, order)
    note_if_free(world, order)
    world.calls["centra orders updated"] += 1
    return payload(order=order)


def set_lock(_: object, info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, object]:  # noqa: A002 - Centra's name
    """Lock or unlock several orders; one that is not found does not stop the others."""
    world: World = info.context.world
    errors = []
    for place, reference in enumerate(input["orders"]):
        try:
            order = _lockable(world, reference, str(place))
        except NotDone as refusal:
            errors.append(refusal)
            continue
        order.is_locked = input["isLocked"]
        touch(world, order)
        world.calls["centra orders locked"] += input["isLocked"]
    return payload(errors=errors)


def _lockable(world: World, reference: dict[str, Any], place: str) -> CentraOrder:
    if world.switch("centra_refuses_locks"):
        raise NotDone("The order cannot be changed now", "input", "orders", place)
    return order_named(world, reference, "input", "orders", place)


def update(
    _: object,
    info: GraphQLResolveInfo,
    order: dict[str, Any],
    input: dict[str, Any],  # noqa: A002 - Centra's name
) -> dict[str, object]:
    """Correct an order: address, hold, comments, or units taken off its lines."""
    world: World = info.context.world
    found = order_named(world, order, "order")
    require_unlocked(info, found)
    if found.status in {"CANCELLED", "SHIPPED", "ARCHIVED"}:
        raise NotDone(f'Order status is "{found.status}"', "order")
    cancellations = _cancellations(found, input.get("cancelLines") or [])
    _set_members(found, input)
    if input.keys() - {"holdStatusChangeReason"} != {"isOnHold"} or input["isOnHold"]:
        touch(world, found)
    for line, units, goes_back in cancellations:
        cancel_units(world, found, line, units)
        if not goes_back and line.warehouse_id == WAREHOUSE_ID:
            world.shelves[line.sku].centra_physical -= units
    if input.get("isOnHold") is False:
        release(world, found)
    world.calls["centra orders updated"] += 1
    return payload(order=found)


def _set_members(order: CentraOrder, input: dict[str, Any]) -> None:  # noqa: A002 - Centra's name
    if "shippingAddress" in input:
        order.address = {**(order.address or {}), **(input["shippingAddress"] or {})}
    if input.get("isOnHold"):
        order.is_on_hold = True
        order.hold_reason = None
    order.is_internal = input.get("isInternal", order.is_internal)
    order.other_comment = input.get("otherComment", order.other_comment)
    order.internal_comment = input.get("internalComment", order.internal_comment)
    order.external_id = input.get("externalId", order.external_id)


def _cancellations(
    order: CentraOrder, wanted: list[dict[str, Any]]
) -> list[tuple[CentraLine, int, bool]]:
    """Check every line before any is touched: Centra takes an input whole or not at all."""
    free = in_no_shipment(order)
    checked = []
    for place, item in enumerate(wanted):
        path = ("input", "cancelLines", str(place))
        line_id, units = item["line"]["id"], item["quantity"]
        line = next((line for line in order.lines if line.line_id == line_id), None)
        if line is None:
            raise NotDone(f"Order line {line_id} does not belong to the order", *path, "line")
        if not 0 <= units <= free.get(line_id, 0):
            raise NotDone(
                "Quantity must be between 0 and the unshipped quantity", *path, "quantity"
            )
        action, _ = one_of(item["stockActionPolicy"], *path, "stockActionPolicy")
        checked.append((line, units, action == "releaseItemsBackToWarehouse"))
    return checked


def cancel(
    _: object,
    info: GraphQLResolveInfo,
    id: str,  # noqa: A002 - Centra's name
    input: dict[str, Any],  # noqa: A002 - Centra's name
) -> dict[str, object]:
    """Cancel a whole order that has no shipment."""
    world: World = info.context.world
    order = order_named(world, {"id": id}, "id")
    require_unlocked(info, order)
    if input.get("cancelAuthorization"):
        require(info, PAYMENT_CANCEL)
    if order.status not in {"PENDING", "CONFIRMED"}:
        raise NotDone(f'Order status is "{order.status}"', "id")
    action, _ = one_of(input["stockAction"], "input", "stockAction")
    cancel_order(world, order)
    if action != "releaseItemsBackToWarehouse":
        for line in order.lines:
            world.shelves[line.sku].centra_physical -= line.quantity
    world.calls["centra orders updated"] += 1
    return payload(order=order)


ORDER_MUTATIONS: dict[str, Resolver] = {
    "confirmOrder": answering(confirm),
    "setOrdersLock": answering(set_lock),
    "updateDirectToConsumerOrder": answering(update),
    "cancelDirectToConsumerOrder": answering(cancel),
}
