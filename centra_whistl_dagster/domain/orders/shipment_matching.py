"""Which of Centra's shipments, if any, stands for a box that has left the warehouse.

A shipment cannot be given a reference of ours when it is created in Centra, so a box is recognised
by its contents together with its tracking number, or, without one, with the exact time it left. A
tracking number alone is not enough: carriers give all boxes of one consignment the same. Centra or
a person may have created the shipment before it was known that there are several boxes. Such a
shipment stands for all boxes together, because the lines of a shipment cannot be changed.
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
    """What must be done in Centra for a box."""

    NOTHING = "nothing"  # Centra has it: from an earlier attempt, or created by hand
    COMPLETE = "complete"  # Centra has an open shipment for the box
    CREATE = "create"
    WAIT = "wait"  # an open shipment holds more than has left so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What to do about a box, and which other boxes are dealt with at the same time."""

    step: Step
    shipment: CentraShipment | None
    boxes: tuple[Box, ...]
    """The box itself, and all others that the shipment stands for."""


def match(
    box: Box,
    pending: Sequence[Box],
    shipments: Iterable[CentraShipment],
    *,
    is_all_gone: bool,
) -> Match:
    """Decide what must be done in Centra for a box.

    Args:
        box: the box.
        pending: every box of the order that was not sent to Centra yet, this one included.
        shipments: the order's shipments that stand for no other box.
        is_all_gone: no further box of the order will leave.
    """
    everything = _sum(pending)
    known = list(shipments)
    for shipment in (one for one in known if one.is_shipped):
        labelled = [other for other in pending if _has_label_of(shipment, other)]
        if labelled and _units(shipment) == everything:
            return Match(step=Step.NOTHING, shipment=shipment, boxes=tuple(pending))
        for boxes in ([box], labelled):
            if box in labelled and _units(shipment) == _sum(boxes):
                return Match(step=Step.NOTHING, shipment=shipment, boxes=tuple(boxes))
    unshipped = [shipment for shipment in known if not shipment.is_shipped]
    for shipment in unshipped:
        if _units(shipment) == dict(box.units):
            return Match(step=Step.COMPLETE, shipment=shipment, boxes=(box,))
    for shipment in unshipped:
        if _units(shipment) == everything:
            return Match(step=Step.COMPLETE, shipment=shipment, boxes=tuple(pending))
        if not is_all_gone and _holds(shipment, box.units):
            return Match(step=Step.WAIT, shipment=shipment, boxes=(box,))
    return Match(step=Step.CREATE, shipment=None, boxes=(box,))


def _has_label_of(shipment: CentraShipment, box: Box) -> bool:
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
