"""How often unseen demand exceeded the buffer that was to cover it, beside the risk stated for it.

An exposure of a SKU goes from a snapshot being taken until the figures of the next one are in
Centra. Only trading hours count: a shop's quiet nights would make any buffer look right.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints
from centra_whistl_dagster.domain.stock.exposure import (
    HEADS_KEPT,
    Exposure,
    measured_exposure,
)

TRADING = 0.5
"""Of the average hour's sales: hours with fewer are no trading hours."""
_GROUPS = 10


@dataclass(slots=True)
class MeasuredFeed:
    """What the product measures of Whistl's publishing and of its own writing."""

    _heads: deque[datetime] = field(default_factory=lambda: deque(maxlen=HEADS_KEPT))
    _ages: deque[float] = field(default_factory=lambda: deque(maxlen=20))

    def publish(self, taken_at: datetime) -> None:
        """Note a snapshot that Whistl shows as its newest."""
        if not self._heads or self._heads[-1] != taken_at:
            self._heads.append(taken_at)

    def write(self, taken_at: datetime, written_at: datetime) -> None:
        """Note that the last figures of a snapshot are in Centra."""
        self._ages.append((written_at - taken_at).total_seconds())

    def exposure(self) -> Exposure:
        """Return what was measured."""
        return measured_exposure(list(self._heads), list(self._ages))


class RealisedRisk:
    """Exposures of each SKU that have ended, and how many of them the buffer did not cover."""

    def __init__(self, skus: int) -> None:
        self.exposures, self.exceeded = np.zeros(skus, np.int64), np.zeros(skus, np.int64)
        self._unseen_before = np.zeros(skus, np.int64)
        self._buffer = np.zeros(skus, np.int64)
        self._counts = np.zeros(skus, dtype=bool)

    def end_exposures(self, covered: Ints, unseen: Ints) -> None:
        """Judge the exposures of SKUs that figures of a newer snapshot have just reached.

        Args:
            covered: the positions of those SKUs.
            unseen: units of each SKU, all of them, that other channels have taken up to now.
        """
        where = covered[self._counts[covered]]
        taken = unseen[where] - self._unseen_before[where]
        self.exposures[where] += 1
        self.exceeded[where] += taken > self._buffer[where]

    def begin_exposures(
        self, covered: Ints, unseen_at_snapshot: Ints, buffers: Ints, *, counts: bool
    ) -> None:
        """Note what is held back of SKUs from a snapshot on, whether or not it must be counted."""
        self._unseen_before[covered] = unseen_at_snapshot[covered]
        self._buffer[covered] = buffers
        self._counts[covered] = counts

    def by_velocity(self, units: Floats) -> tuple[float, ...]:
        """Return the share of exposures that were exceeded, from the slowest tenth to the fastest.

        Args:
            units: that each SKU sold. SKUs that sold none are left out.
        """
        sold = np.flatnonzero(units > 0)
        groups = np.array_split(sold[np.argsort(units[sold], kind="stable")], _GROUPS)
        return tuple(
            float(self.exceeded[group].sum() / max(1, self.exposures[group].sum()))
            for group in groups
        )
