"""What Centra has of an order whose parcels are leaving: units it wants, and its shipments.

What is done about a parcel is decided in `shipment_matching`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.domain.orders.order import CANCELLED, CentraShipment

Units = Mapping[int, int]
"""Units by Centra's order line id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentShipment:
    """What Centra was sent for a box, kept until it is known what became of it."""

    lines: tuple[tuple[int, int], ...]
    """Pairs of order line id and units, as sent."""
    shipped_at: datetime
    tracking_number: str
    """Blank where the service gives none."""
    completes: int | None
    """The shipment of Centra's that was to be completed; None when one was to be created."""
    known_shipments: tuple[int, ...]
    """The shipments Centra had before the first attempt: none of them is the one created."""
    captures: int = 0
    """Times that Centra did not capture the payment when it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingOrder:
    """One order as Centra shows it when a parcel of it has left."""

    centra_id: str
    number: int
    status: str
    wanted: Units
    """Units still wanted of each line, shipped ones included; a cancelled line is absent."""
    allocated: Units | None
    """Units of each line that have stock; None where Centra does not say."""
    shipments: tuple[CentraShipment, ...]

    @property
    def is_cancelled(self) -> bool:
        """The order is cancelled as a whole; its lines keep their quantities."""
        return self.status == CANCELLED

    def room(self) -> dict[int, int]:
        """Return the units of each line that are wanted and in no shipment."""
        held = sum_units(units_of(shipment) for shipment in self.shipments)
        return {
            line_id: max(0, units - held.get(line_id, 0)) for line_id, units in self.wanted.items()
        }

    def unallocated(self) -> dict[int, int]:
        """Return the units of each line that certainly have no stock.

        Whether Centra counts shipped units as allocated is not documented: they are taken as
        allocated only once, so a unit may pass here and be refused by Centra, never the reverse.
        """
        if self.allocated is None:
            return {}
        shipped = sum_units(
            units_of(shipment) for shipment in self.shipments if shipment.is_shipped
        )
        return {
            line_id: max(0, units - shipped.get(line_id, 0) - self.allocated.get(line_id, 0))
            for line_id, units in self.wanted.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableShippingOrder:
    """An order that Centra does not show, or not as documented. Only its own parcels wait."""

    field: str
    detail: str


def units_of(shipment: CentraShipment) -> dict[int, int]:
    """Return a shipment's units by line; a line that is named twice is added up."""
    units = Counter[int]()
    for line in shipment.lines:
        units[line.line_id] += line.quantity
    return dict(units)


def sum_units(parts: Iterable[Units]) -> dict[int, int]:
    """Add units up by line."""
    total = Counter[int]()
    for units in parts:
        total.update(units)
    return dict(total)
