"""What must be done in Centra for a box that has left the warehouse.

A shipment cannot be given a reference of ours when it is created in Centra. A box whose answer was
lost is recognised by what was sent for it. A box that somebody else may have dealt with is
recognised by its contents together with its tracking number; a tracking number alone is not enough,
because carriers give all boxes of one consignment the same. Centra or a person may have created the
shipment before it was known that there are several boxes: it stands for all boxes together, because
the lines of a shipment cannot be changed.

Does not belong here: what Centra has of an order (`shipping`), and any call
(`workflows.shipments`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.orders.order import CentraShipment
from centra_whistl_dagster.domain.orders.shipping import (
    SentShipment,
    ShippingOrder,
    Units,
    sum_units,
    units_of,
)

_SAME_MOMENT = timedelta(seconds=1)
"""Centra writes times in whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box that has left."""

    despatch_id: str
    parcel_number: int
    units: Units
    tracking_number: str
    """Blank where the service gives none."""
    shipped_at: datetime
    sent: SentShipment | None = None
    """What Centra was sent for it, where that was tried."""


class Step(StrEnum):
    """What must be done in Centra for a box."""

    NOTHING = "nothing"  # Centra has it: from an earlier attempt, or created by hand
    COMPLETE = "complete"  # Centra has an open shipment for the box
    CREATE = "create"
    WAIT = "wait"  # an open shipment holds more than has left so far
    BLOCKED = "blocked"  # an open shipment holds units of the box, and other units than the box
    UNALLOCATED = "unallocated"  # Centra has no stock behind units of the box
    END = "end"  # Centra wants nothing of the box


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What to do about a box, and which other boxes are dealt with at the same time."""

    step: Step
    shipment: CentraShipment | None
    """The shipment that stands for the box, or stands in its way."""
    boxes: tuple[Box, ...]
    """The box itself, and all others that the shipment stands for."""
    units: Units
    """What Centra is to be sent, or has."""
    unwanted: Units
    """Units of the box that Centra does not want, or has in another shipment."""


def match(
    box: Box,
    pending: Sequence[Box],
    order: ShippingOrder,
    *,
    taken: Collection[int],
    is_all_gone: bool,
    may_allocate: bool,
) -> Match:
    """Decide what must be done in Centra for a box.

    Args:
        box: the box.
        pending: every box of the order that Centra does not have yet, this one included.
        order: the order as Centra shows it now.
        taken: ids of the shipments that stand for other boxes.
        is_all_gone: no further box of the order will leave.
        may_allocate: Centra may allocate stock to units that have none.
    """
    known = [shipment for shipment in order.shipments if shipment.shipment_id not in taken]
    return (
        _sent_before(box, pending, known)
        or _shipped(box, pending, known, has_room=_has_room(order, box))
        or (_ended(box) if order.is_cancelled else None)
        or _open(box, pending, known, is_all_gone=is_all_gone)
        or _new(box, order, known, may_allocate=may_allocate)
    )


def _sent_before(box: Box, pending: Sequence[Box], known: Sequence[CentraShipment]) -> Match | None:
    """Find the shipment that an earlier attempt made, whatever time Centra shows for it."""
    sent = box.sent
    if sent is None:
        return None
    if sent.completes is not None:
        boxes = [
            other for other in pending if other.sent and other.sent.completes == sent.completes
        ]
        found = next((one for one in known if one.shipment_id == sent.completes), None)
        return _match(Step.NOTHING, found, boxes) if found and found.is_shipped else None
    for shipment in known:
        is_new = shipment.shipment_id not in sent.known_shipments
        if not is_new or units_of(shipment) != dict(sent.lines):
            continue
        unwanted = _less(box.units, units_of(shipment))
        if not shipment.is_shipped:
            return _match(Step.COMPLETE, shipment, [box], unwanted=unwanted)
        if shipment.tracking_number == sent.tracking_number:
            return _match(Step.NOTHING, shipment, [box], unwanted=unwanted)
    return None


def _shipped(
    box: Box, pending: Sequence[Box], known: Sequence[CentraShipment], *, has_room: bool
) -> Match | None:
    """Find a shipped shipment that somebody else made for the box."""
    everything = sum_units(other.units for other in pending)
    for shipment in (one for one in known if one.is_shipped):
        labelled = [other for other in pending if _has_label_of(shipment, other)]
        if labelled and units_of(shipment) == everything:
            return _match(Step.NOTHING, shipment, pending)
        for boxes in ([box], labelled):
            if box in labelled and units_of(shipment) == sum_units(one.units for one in boxes):
                return _match(Step.NOTHING, shipment, boxes)
        has_no_label = not (box.tracking_number or shipment.tracking_number)
        if has_no_label and not has_room and units_of(shipment) == dict(box.units):
            return _match(Step.NOTHING, shipment, [box])
    return None


def _open(
    box: Box, pending: Sequence[Box], known: Sequence[CentraShipment], *, is_all_gone: bool
) -> Match | None:
    """Find a shipment that was made before the box left, and is to be completed."""
    everything = sum_units(other.units for other in pending)
    unshipped = [shipment for shipment in known if not shipment.is_shipped]
    for shipment in unshipped:
        if units_of(shipment) == dict(box.units):
            return _match(Step.COMPLETE, shipment, [box])
    for shipment in unshipped:
        if units_of(shipment) == everything:
            return _match(Step.COMPLETE, shipment, pending)
        if not is_all_gone and _holds(shipment, box.units):
            return _match(Step.WAIT, shipment, [box])
    return None


def _new(
    box: Box, order: ShippingOrder, known: Sequence[CentraShipment], *, may_allocate: bool
) -> Match:
    """Plan a shipment of what Centra still wants of the box."""
    room = order.room()
    unwanted = _less(box.units, room)
    units = _less(box.units, unwanted)
    for shipment in known:
        if not shipment.is_shipped and units_of(shipment).keys() & unwanted.keys():
            return _match(Step.BLOCKED, shipment, [box], units=units, unwanted=unwanted)
    if not units:
        return _ended(box)
    without_stock = order.unallocated()
    is_short = any(count > room[line] - without_stock.get(line, 0) for line, count in units.items())
    step = Step.UNALLOCATED if is_short and not may_allocate else Step.CREATE
    return _match(step, None, [box], units=units, unwanted=unwanted)


def _ended(box: Box) -> Match:
    return _match(Step.END, None, [box], units={}, unwanted=box.units)


def _match(
    step: Step,
    shipment: CentraShipment | None,
    boxes: Sequence[Box],
    *,
    units: Units | None = None,
    unwanted: Units | None = None,
) -> Match:
    has = units_of(shipment) if shipment else {}
    return Match(
        step=step,
        shipment=shipment,
        boxes=tuple(boxes),
        units=has if units is None else units,
        unwanted=unwanted or {},
    )


def _less(units: Units, others: Units) -> dict[int, int]:
    """Return the units of each line beyond the others; lines with none are left out."""
    return {
        line: count - others.get(line, 0)
        for line, count in units.items()
        if count > others.get(line, 0)
    }


def _has_room(order: ShippingOrder, box: Box) -> bool:
    room = order.room()
    return all(room.get(line, 0) >= units for line, units in box.units.items())


def _has_label_of(shipment: CentraShipment, box: Box) -> bool:
    if box.tracking_number:
        return shipment.tracking_number == box.tracking_number
    return (
        shipment.shipped_at is not None
        and abs(shipment.shipped_at - box.shipped_at) <= _SAME_MOMENT
    )


def _holds(shipment: CentraShipment, units: Units) -> bool:
    held = units_of(shipment)
    return all(held.get(line_id, 0) >= quantity for line_id, quantity in units.items())
