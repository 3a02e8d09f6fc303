"""What Whistl says has left the warehouse."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DespatchPolicy:
    """What the business decides about despatch messages (`[despatches]` of `policy.toml`)."""

    missing_after_minutes: float = 15.0
    """After Whistl said that units have left, until a message that names them is missing."""

    @property
    def missing_after(self) -> timedelta:
        """The same as a length of time."""
        return timedelta(minutes=self.missing_after_minutes)


def content_hash(despatch: Despatch) -> str:
    """Return a fingerprint of what a message says.

    Not of its sequence: a repeat comes under a new one. Ids and versions do not tell messages
    apart, because Whistl may fill in a carrier without changing either.
    """
    contents = {**asdict(despatch), "sequence": None}
    return sha256(json.dumps(contents, sort_keys=True, default=str).encode()).hexdigest()


def units_gone(status: str, *, ordered: int, despatched: int, cancelled: int) -> int:
    """Return the units of a line that Whistl's order view says have left.

    Some systems show the status of the order and no counts.
    """
    by_status = ordered - cancelled if status == "DESPATCHED" else 0
    return max(despatched, by_status)


def units_awaited(gone: Mapping[int, int], in_parcels: Mapping[int, int]) -> dict[int, int]:
    """Return, by line number, units that have left, as Whistl shows, and that no message named."""
    missing = {line: units - in_parcels.get(line, 0) for line, units in gone.items()}
    return {line: units for line, units in missing.items() if units > 0}
