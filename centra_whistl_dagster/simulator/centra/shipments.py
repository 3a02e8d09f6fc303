"""The mutations of shipments: create, update, capture, complete.

Does not belong here: what becomes of the order and its stock (`rules`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from graphql import GraphQLResolveInfo

from centra_whistl_dagster.simulator.centra.answers import (
    NotDone,
    answering,
    order_named,
    payload,
    require_unlocked,
)
from centra_whistl_dagster.simulator.centra.goods import Resolver
from centra_whistl_dagster.simulator.centra.rules import add_shipment, in_no_shipment, ship, touch
from centra_whistl_dagster.simulator.centra.search import shipment_by_id
from centra_whistl_dagster.simulator.centra.views import ShipmentOf
from centra_whistl_dagster.simulator.world.world import CentraOrder, CentraShipment, World


def create(_: object, info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, object]:  # noqa: A002 - Centra's name
    """Make a shipment; with `shippedAt` it has already left, and only then is a mail sent."""
    world: World = info.context.world
    order = order_named(world, input["order"], "input", "order")
    require_unlocked(info, order)
    _require_shippable(order)
    lines = _units(order, input.get("lines"))
    shipped_at = _past(world, input.get("shippedAt"))
    _allocate(world, order, lines, may_allocate=bool(input.get("allocateDemand")))
    shipment = add_shipment(
        world,
        order,
        lines,
        is_good_to_go=bool(input.get("isGoodToGo")),
        is_paid=bool(input.get("isPaid")) and not input.get("capture"),
    )
    shipment.created_at = input.get("createdAt") or shipment.created_at
    shipment.info = _given(input.get("shipmentInfo"))
    shipment.additional_message = input.get("additionalMessage")
    warnings = _capture(world, shipment) if input.get("capture") else []
    world.calls["centra shipments created"] += 1
    if shipped_at is not None and world.switch("centra_ships_on_create"):
        ship(world, order, shipment, shipped_at, send_email=bool(input.get("sendEmail")))
    warnings += _warnings(world)
    return payload(warnings=warnings, shipment=ShipmentOf(order, shipment))


def _require_shippable(order: CentraOrder) -> None:
    if order.status == "SHIPPED":
        raise NotDone("Order is already fully shipped", "input", "order")
    if order.status not in {"CONFIRMED", "PROCESSING"}:
        raise NotDone(f'Order status is "{order.status}"', "input", "order")
    if order.is_on_hold:
        raise NotDone("Order is on hold", "input", "order")


def _units(order: CentraOrder, wanted: list[dict[str, Any]] | None) -> dict[int, int]:
    """Return the units by line id, all that remain when no line is named."""
    free = in_no_shipment(order)
    units: dict[int, int] = defaultdict(int)
    for place, item in enumerate(wanted or ()):
        path = ("input", "lines", str(place))
        line_id, quantity = item["orderLine"]["id"], item["quantity"]
        if line_id not in {line.line_id for line in order.lines}:
            raise NotDone(f"Order line {line_id} does not belong to the order", *path, "orderLine")
        units[line_id] += quantity
        if quantity < 1 or units[line_id] > free.get(line_id, 0):
            raise NotDone(
                f"Quantity {quantity} is not available, {free.get(line_id, 0)} left to ship",
                *path,
                "quantity",
            )
    if not (units or free):
        raise NotDone("Order is already fully shipped", "input", "order")
    return dict(units) or free


def _allocate(
    world: World, order: CentraOrder, units: dict[int, int], *, may_allocate: bool
) -> None:
    """Find stock for the units that have none yet; all of them, or the shipment is refused."""
    free = in_no_shipment(order)
    short = [
        (line, units[line.line_id] - max(0, free[line.line_id] - line.demand))
        for line in order.lines
        if line.line_id in units
    ]
    is_forgiven = world.switch("centra_unallocated_in_shipment") == "allow"
    for line, missing in short:
        has_stock = may_allocate and world.centra_free(line.sku) >= missing
        if missing > 0 and not (is_forgiven or has_stock):
            raise NotDone(
                f"{missing} units of order line {line.line_id} are not allocated", "input"
            )
    for line, missing in short:
        line.demand -= max(0, missing)


def _capture(world: World, shipment: CentraShipment) -> list[str]:
    """Capture the payment; a failure leaves the shipment standing and warns."""
    if not world.switch("centra_capture_succeeds"):
        return ["Capture failed: refused by the payment provider"]
    shipment.is_captured = shipment.is_paid = True
    return []


def update(
    _: object,
    info: GraphQLResolveInfo,
    id: int,  # noqa: A002 - Centra's name
    input: dict[str, Any],  # noqa: A002 - Centra's name
) -> dict[str, object]:
    """Change a shipment; its information and good-to-go are frozen once it has left."""
    world: World = info.context.world
    of = _shipment(world, id)
    require_unlocked(info, of.order)
    shipment = of.shipment
    if shipment.shipped_at and (input.get("shipmentInfo") or "isGoodToGo" in input):
        raise NotDone("Shipment is shipped, it cannot be changed", "input")
    shipment.info |= _given(input.get("shipmentInfo"))
    shipment.is_good_to_go = input.get("isGoodToGo", shipment.is_good_to_go)
    shipment.is_paid = input.get("isPaid", shipment.is_paid)
    shipment.additional_message = input.get("additionalMessage", shipment.additional_message)
    shipment.updated_at = world.now()
    touch(world, of.order)
    world.calls["centra shipments updated"] += 1
    return payload(shipment=of)


def complete(
    _: object,
    info: GraphQLResolveInfo,
    id: int,  # noqa: A002 - Centra's name
    input: dict[str, Any],  # noqa: A002 - Centra's name
) -> dict[str, object]:
    """Say that a shipment has left."""
    world: World = info.context.world
    of = _shipment(world, id)
    require_unlocked(info, of.order)
    if of.shipment.shipped_at:
        if world.switch("centra_repeated_complete") == "no-op":
            return payload(shipment=of)
        raise NotDone("Shipment is already shipped", "id")
    is_ready = of.shipment.is_good_to_go and of.shipment.is_paid
    if not is_ready and world.switch("centra_complete_unreleased") == "refuse":
        raise NotDone("Shipment must be good to go and paid", "id")
    shipped_at = _past(world, input.get("shippedAt")) or world.now()
    of.shipment.info |= _given(input.get("shipmentInfo"))
    message = input.get("additionalMessage")
    of.shipment.additional_message = message or of.shipment.additional_message
    ship(world, of.order, of.shipment, shipped_at, send_email=bool(input.get("sendEmail")))
    return payload(warnings=_warnings(world), shipment=of)


def capture(
    _: object,
    info: GraphQLResolveInfo,
    id: int,  # noqa: A002 - Centra's name
) -> dict[str, object]:
    """Capture the payment of a shipment; here, a failure fails the mutation."""
    world: World = info.context.world
    of = _shipment(world, id)
    require_unlocked(info, of.order)
    if of.shipment.is_captured:
        raise NotDone("Shipment is already captured", "id")
    if failures := _capture(world, of.shipment):
        raise NotDone(failures[0], "id")
    return payload(shipment=of)


def _warnings(world: World) -> list[str]:
    warning: str | None = world.switch("centra_shipment_warning")
    return [warning] if warning else []


def _shipment(world: World, shipment_id: int) -> ShipmentOf:
    found = shipment_by_id(world, shipment_id)
    if found is None:
        raise NotDone(f"Shipment not found: {shipment_id}", "id")
    return found


def _past(world: World, shipped_at: datetime | None) -> datetime | None:
    if shipped_at is not None and shipped_at > world.centra_clock():
        raise NotDone("shippedAt cannot be in the future", "input", "shippedAt")
    return shipped_at


def _given(info: dict[str, Any] | None) -> dict[str, object]:
    return {name: value for name, value in (info or {}).items() if value is not None}


SHIPMENT_MUTATIONS: dict[str, Resolver] = {
    "createShipment": answering(create),
    "updateShipment": answering(update),
    "captureShipment": answering(capture),
    "completeShipment": answering(complete),
}
