"""For how long the shop sells on one snapshot of Whistl's stock, as measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints

_ASSUMED_PUBLISHING_MINUTES = 15.0
"""From one snapshot to the next, until two were seen."""
_ASSUMED_AGE_MINUTES = 2.0
"""Of a snapshot when its figures have reached Centra, until some have."""
_SHARE_COVERED = 0.9
"""Of the measurements, those that the exposure is no shorter than: what is rare does not count, and
what happens one time in five does."""
HEADS_KEPT = 40
"""Snapshots that tell how often Whistl publishes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """For how long the shop sells on one snapshot, beside the interval of a SKU."""

    publishing_minutes: float
    """From one snapshot of Whistl's to the next. No sync brings anything newer in between."""
    age_minutes: float
    """Of a snapshot when its figures have reached Centra."""

    def between(self, interval_minutes: Ints) -> Floats:
        """Return the minutes from one figure to the next of SKUs with these intervals."""
        minutes: Floats = np.maximum(interval_minutes, self.publishing_minutes)
        return minutes

    def minutes(self, interval_minutes: float) -> float:
        """Return how old a snapshot is when the next one's figures reach Centra.

        Args:
            interval_minutes: from one sync of the SKU to the next.
        """
        return max(interval_minutes, self.publishing_minutes) + self.age_minutes

    def minutes_of(self, interval_minutes: Ints) -> Floats:
        """Return the same for the intervals of several SKUs."""
        return self.between(interval_minutes) + self.age_minutes


def measured_exposure(taken_at: Sequence[datetime], ages_seconds: Sequence[float]) -> Exposure:
    """Return the exposure that was measured, or what is assumed of it until it was.

    Args:
        taken_at: of the last snapshots that Whistl was seen to have, used or not, in any order.
        ages_seconds: of snapshots when the last of their figures was in Centra.
    """
    gaps = [(later - sooner).total_seconds() / 60 for sooner, later in pairwise(sorted(taken_at))]
    return Exposure(
        publishing_minutes=_most(gaps, _ASSUMED_PUBLISHING_MINUTES),
        age_minutes=_most([seconds / 60 for seconds in ages_seconds], _ASSUMED_AGE_MINUTES),
    )


def _most(measured: Sequence[float], assumed: float) -> float:
    return float(np.quantile(measured, _SHARE_COVERED)) if measured else assumed
