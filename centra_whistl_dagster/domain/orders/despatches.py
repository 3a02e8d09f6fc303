"""What Whistl says has left the warehouse."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLine:
    """Units of one order line inside one parcel."""

    line_number: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One box with a label of its own and two tracking numbers, both kept as they were sent."""

    parcel_number: int
    carrier_name: str
    """Blank when Whistl sent none: such a parcel is never written to Centra."""
    carrier_code: str
    delivery_method: str
    service_name: str
    courier_tracking_number: str
    whistl_tracking_number: str
    tracking_url: str
    lines: tuple[ParcelLine, ...]

    @property
    def tracking_number(self) -> str:
        """The number a customer can use: the courier's, else Whistl's own, else blank."""
        return self.courier_tracking_number.strip() or self.whistl_tracking_number.strip()

    @property
    def units(self) -> dict[int, int]:
        """Units by line number; a line that is named twice, as from two bins, is added up."""
        total = Counter[int]()
        for line in self.lines:
            total[line.line_number] += line.quantity
        return dict(total)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortLine:
    """Units that the warehouse could not find and will not send."""

    line_number: int
    sku: str
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Despatch:
    """One despatch message. It may come twice; a correction is a new one that names the old one."""

    despatch_id: str
    sequence: int
    version: int
    supersedes: str | None
    order_number: str
    despatched_at: datetime
    is_order_complete: bool
    parcels: tuple[Parcel, ...]
    short_lines: tuple[ShortLine, ...] = ()
