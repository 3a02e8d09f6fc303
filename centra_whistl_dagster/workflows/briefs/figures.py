"""The figures of a brief that are of the past: their shapes and units.

Does not belong here: reading them (`past`), or what waits now (`register`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from centra_whistl_dagster.domain.service_targets import ErrorBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How one target was met in a period."""

    target: str
    within_seconds: int
    budget: ErrorBudget
    is_final: bool
    """False while some of what was measured still has time."""

    @property
    def percent(self) -> float | None:
        """How many of 100 met it; None where nothing was measured."""
        budget = self.budget
        return 100 * budget.met / budget.measured if budget.measured else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBar:
    """One day of a plot: two parts of a whole, or nothing known."""

    day: date
    good: float | None
    bad: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WentOut:
    """Orders of which everything had left by a day, and the parcels of that day."""

    orders: int
    units: int
    within_target: int
    p50_hours: float | None
    within_seconds: int
    wanted_percent: int
    parcels: int
    carriers: Sequence[Mapping[str, Any]]
    """Rows of `carrier_performance`."""
    days: Sequence[DayBar]
    """Orders by day: within the target, and later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why the two systems' stock differs, in units without their signs."""

    name: str
    units: float
    skus: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the two systems' stock agreed on a day, averaged over its comparisons."""

    comparisons: int
    units: float | None
    differing_units: float
    unexplained_units: float
    share_alike_or_explained: float | None
    causes: Sequence[Cause]
    days: Sequence[DayBar]
    """Units that differ, by day: explained, and unexplained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Units in one of two troubles, and what they are worth."""

    units: float
    by_currency: Mapping[str, Decimal]
    without_price: float = 0
    """Units of SKUs that were never sold, which have no price."""
    skus: Sequence[Mapping[str, Any]] = ()
    """Rows of the view, the most valuable first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that changed, and how many times."""

    what: str
    number: int
    kinds: Mapping[str, int]
    """By kind of exception; empty for everything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOfDay:
    """What the history says of a day."""

    as_of: datetime | None
    went_out: WentOut
    levels: Sequence[Level]
    agreement: Agreement | None
    """None where the two systems were not compared on that day."""
    oversold: Money
    withheld: Money
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A cause of exceptions that came several times in four weeks."""

    owner: str
    kind: str
    field: str
    times: int
    subjects: int
    subjects_again: int
    open: int
    prevention: str
    """What would remove the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferCost:
    """What buffers cost over four weeks."""

    withheld: Money
    not_sold: Money
    hours_sold_out: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOfWeek:
    """What the history says of a week."""

    as_of: datetime | None
    levels: Sequence[Level]
    repeats: Sequence[Repeat]
    more_repeats: int
    options_resolved: Sequence[Mapping[str, Any]]
    """Rows of `shipping_options_resolved`."""
    buffers: BufferCost
