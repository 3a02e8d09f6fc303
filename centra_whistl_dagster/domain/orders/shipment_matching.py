"""Which of Centra's shipments, if any, a box that left the warehouse is.

Centra offers no key of ours on a shipment at creation, so a box is known again by what it is: its
contents under its tracking number, else at exactly its time. A tracking number alone is not enough:
carriers give several boxes of one consignment the same. Centra or a person may have made the
shipment before anybody knew of several boxes; such a one stands for all of them together, because
the lines of a shipment cannot be changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.orders.order import CentraShipment

Units = Mapping[int, int]
"""Units by Centra's order line id."""

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


class Step(StrEnum):
    """What Centra must be told of a box."""

    NOTHING = "nothing"  # it has the box: from an earlier attempt, or made by hand
    COMPLETE = "complete"  # it has an open shipment for it
    CREATE = "create"
    WAIT = "wait"  # an open shipment holds more than has left so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What to do about a box, and about which others with it."""

    step: Step
    shipment: CentraShipment | None
    boxes: tuple[Box, ...]
    """The box itself, and all others for which the shipment stands too."""


def match(
    box: Box,
    pending: Sequence[Box],
    shipments: Iterable[CentraShipment],
    *,
    is_all_gone: bool,
) -> Match:
    """Say what Centra must be told of a box.

    Args:
        box: the box.
        pending: every box of the order that Centra was not told of, this one among them.
        shipments: those of the order that stand for no other box.
        is_all_gone: no further box of the order will leave.
    """
    everything = _sum(pending)
    known = list(shipments)
    for shipment in (each for each in known if each.is_shipped):
        bearing = [other for other in pending if _bears_label_of(shipment, other)]
        if bearing and _units(shipment) == everything:
            return Match(step=Step.NOTHING, shipment=shipment, boxes=tuple(pending))
        for boxes in ([box], bearing):
            if box in bearing and _units(shipment) == _sum(boxes):
                return Match(step=Step.NOTHING, shipment=shipment, boxes=tuple(boxes))
    unshipped = [each for each in known if not each.is_shipped]
    for shipment in unshipped:
        if _units(shipment) == dict(box.units):
            return Match(step=Step.COMPLETE, shipment=shipment, boxes=(box,))
    for shipment in unshipped:
        if _units(shipment) == everything:
            return Match(step=Step.COMPLETE, shipment=shipment, boxes=tuple(pending))
        if not is_all_gone and _holds(shipment, box.units):
            return Match(step=Step.WAIT, shipment=shipment, boxes=(box,))
    return Match(step=Step.CREATE, shipment=None, boxes=(box,))


def _bears_label_of(shipment: CentraShipment, box: Box) -> bool:
    if box.tracking_number:
        return shipment.tracking_number == box.tracking_number
    return (
        shipment.shipped_at is not None
        and abs(shipment.shipped_at - box.shipped_at) <= _SAME_MOMENT
    )


def _holds(shipment: CentraShipment, units: Units) -> bool:
    held = _units(shipment)
    return all(held.get(line_id, 0) >= quantity for line_id, quantity in units.items())


def _units(shipment: CentraShipment) -> dict[int, int]:
    return {line.line_id: line.quantity for line in shipment.lines}


def _sum(boxes: Iterable[Box]) -> dict[int, int]:
    total = Counter[int]()
    for box in boxes:
        total.update(box.units)
    return dict(total)
