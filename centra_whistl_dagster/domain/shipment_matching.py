"""Which of Centra's shipments, if any, is a given parcel.

Centra offers no key of ours on a shipment at creation, so a parcel is known again by what it is:
its tracking number, else exactly its contents at exactly its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.orders import CentraShipment

Units = Mapping[int, int]
"""Units by Centra's order line id."""

_SAME_MOMENT = timedelta(seconds=1)
"""Centra writes times in whole seconds."""


def already_there(
    shipments: Iterable[CentraShipment],
    *,
    units: Units,
    tracking_number: str,
    shipped_at: datetime,
) -> CentraShipment | None:
    """Return the shipped shipment that is this parcel: made by an earlier attempt, or by hand."""
    for shipment in shipments:
        if not shipment.is_shipped:
            continue
        if tracking_number:
            if shipment.tracking_number == tracking_number:
                return shipment
        elif (
            _units(shipment) == dict(units)
            and shipment.shipped_at is not None
            and abs(shipment.shipped_at - shipped_at) <= _SAME_MOMENT
        ):
            return shipment
    return None


def to_complete(shipments: Iterable[CentraShipment], *, units: Units) -> CentraShipment | None:
    """Return the open shipment with exactly these contents: one that Centra made by itself."""
    for shipment in shipments:
        if not shipment.is_shipped and _units(shipment) == dict(units):
            return shipment
    return None


def _units(shipment: CentraShipment) -> dict[int, int]:
    return {line.line_id: line.quantity for line in shipment.lines}
