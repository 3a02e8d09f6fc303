"""How an order changes in Centra, whether through the API, customer service or the shop itself."""

from __future__ import annotations

from datetime import datetime

from centra_whistl_dagster.simulator.world.world import (
    WAREHOUSE_ID,
    CentraLine,
    CentraOrder,
    CentraShipment,
    World,
)


def touch(world: World, order: CentraOrder) -> None:
    """Note that an order changed."""
    order.updated_at = world.now()
    world.announce(order, "update")


def note_if_free(world: World, order: CentraOrder) -> None:
    """Start an order's clock once nothing holds it back any more."""
    is_held = order.is_on_hold or order.is_waiting_for_payment or order.status != "CONFIRMED"
    if is_held or order.confirmed_at is not None:
        return
    order.confirmed_at = world.now()
    if world.switch("centra_direct_to_shipment"):
        add_shipment(world, order, in_no_shipment(order), is_good_to_go=True, is_paid=True)


def release(world: World, order: CentraOrder) -> None:
    """Take an order off hold and count it as paid."""
    order.is_on_hold = False
    order.is_waiting_for_payment = False
    order.hold_reason = None
    if world.switch("centra_resume_touches_updated_at"):
        touch(world, order)
    note_if_free(world, order)


def cancel_order(world: World, order: CentraOrder) -> None:
    """Cancel a whole order; its lines keep their quantities, its stock is free again."""
    order.status = "CANCELLED"
    order.cancelled_at = world.now()
    touch(world, order)


def cancel_units(world: World, order: CentraOrder, line: CentraLine, units: int) -> None:
    """Take units off a line, and close the order if that was all that was still to come."""
    line.quantity -= units
    line.cancelled += units
    line.demand = min(line.demand, line.quantity)
    touch(world, order)
    if not any(kept.quantity for kept in order.lines):
        cancel_order(world, order)
    else:
        close_if_all_shipped(order)


def in_no_shipment(order: CentraOrder) -> dict[int, int]:
    """Return the units by line id that no shipment has yet; lines with none are left out."""
    left = {line.line_id: line.quantity for line in order.lines}
    for shipment in order.shipments:
        for line_id, units in shipment.lines.items():
            left[line_id] -= units
    return {line_id: units for line_id, units in left.items() if units > 0}


def add_shipment(
    world: World,
    order: CentraOrder,
    lines: dict[int, int],
    *,
    is_good_to_go: bool = False,
    is_paid: bool = False,
) -> CentraShipment:
    """Make a shipment of some units, which sets the order to PROCESSING."""
    now = world.now()
    shipment = CentraShipment(
        shipment_id=next(world.ids),
        number=f"{order.number}-{len(order.shipments) + 1}",
        created_at=now,
        updated_at=now,
        lines=lines,
        is_good_to_go=is_good_to_go,
        is_paid=is_paid,
    )
    order.shipments.append(shipment)
    order.status = "PROCESSING"
    _touch_for_shipment(world, order)
    return shipment


def ship(
    world: World,
    order: CentraOrder,
    shipment: CentraShipment,
    shipped_at: datetime,
    *,
    send_email: bool,
) -> None:
    """Complete a shipment: its units leave the stock, and the customer may get a mail."""
    shipment.shipped_at = shipped_at
    shipment.is_good_to_go = True
    shipment.send_email = send_email
    shipment.updated_at = world.now()
    for line in order.lines:
        units = shipment.lines.get(line.line_id, 0)
        line.shipped += units
        if line.warehouse_id == WAREHOUSE_ID:
            world.shelves[line.sku].centra_physical -= units
    _touch_for_shipment(world, order)
    close_if_all_shipped(order)
    world.calls["centra shipments completed"] += 1
    world.calls["centra mails sent"] += send_email


def _touch_for_shipment(world: World, order: CentraOrder) -> None:
    if world.switch("centra_shipments_touch_updated_at"):
        touch(world, order)


def close_if_all_shipped(order: CentraOrder) -> None:
    """Set an order to SHIPPED when nothing of it remains."""
    if order.shipments and all(line.shipped >= line.quantity for line in order.lines):
        order.status = "SHIPPED"
