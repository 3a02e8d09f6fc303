"""Unseen demand as it comes: now and then a clump of units, an order of another channel.

A quantile of single units answers the wrong question: with one unseen order a day, of 20 units, the
mean of a quarter of an hour is a fifth of a unit, and a curve through that mean and its variance
puts nearly all chance on no demand at all. So how often clumps come and how large they are is
measured apart. Sizes are measured by their logarithms: one clump of ten thousand would otherwise
decide them for months.

Does not belong here: what is counted (`velocity`), or what is held back (`buffer`).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints

_NORMAL_CURVE = NormalDist()
_QUANTILES = np.linspace(0.0, 1.0, 2001)[1:-1]
_SCORES = np.array([_NORMAL_CURVE.inv_cdf(quantile) for quantile in _QUANTILES.tolist()])
_LEAST_SPREAD = 1e-6
_LEAST_NUMBER = 1e-12
NEARLY = 0.1
"""Units above a whole number that are no further unit: clumps of one must not need two."""
_MOST_OCCUPIED = 0.999
"""Share of intervals with a clump, above which the number of clumps cannot be told from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clumps:
    """How unseen demand comes, one element a SKU."""

    per_hour: Floats
    """Clumps in the week's average hour."""
    units: Floats
    """Mean units of a clump."""
    spread: Floats
    """Variance of a clump's units over their mean squared. 0: all are of one size."""

    def at(self, where: Ints) -> Clumps:
        """Return those of some SKUs."""
        return Clumps(
            per_hour=self.per_hour[where], units=self.units[where], spread=self.spread[where]
        )

    def within(self, hours: Floats) -> tuple[Floats, Floats, Floats]:
        """Return how demand within so many hours is distributed.

        That any clump comes has the Poisson chance; what then comes in all is lognormal, with the
        mean and variance that the clumps give it.

        Returns:
            the chance that any comes, then of what comes in all the mean and the standard deviation
            of its logarithm.
        """
        number = np.maximum(self.per_hour * hours, _LEAST_NUMBER)
        any_comes = -np.expm1(-number)
        mean = number * self.units
        # The second moment over the mean squared, of the times when any comes.
        moment = (1 + (1 + self.spread) / number) * any_comes
        log_spread = np.sqrt(np.log(np.maximum(moment, 1 + _LEAST_SPREAD)))
        return any_comes, mean / any_comes, log_spread

    def covering(self, hours: float, risk: float, most: int) -> Ints:
        """Return the smallest number of units that demand exceeds with at most this risk.

        Args:
            hours: of the exposure, busy ones counted as more.
            risk: between 0 and 1, both excluded.
            most: the answer is never above it.

        Raises:
            ValueError: the risk is not between 0 and 1.
        """
        if not 0 < risk < 1:
            raise ValueError(f"a risk lies between 0 and 1, not at {risk}")
        any_comes, mean, spread = self.within(np.full(len(self.units), hours))
        is_risky = (any_comes > risk) & (self.units > 0)
        covering = np.zeros(len(mean), dtype=np.int64)
        if is_risky.any():
            mean, spread = mean[is_risky], spread[is_risky]
            score = np.interp(1 - risk / any_comes[is_risky], _QUANTILES, _SCORES)
            units = mean * np.exp(spread * score - spread**2 / 2)
            covering[is_risky] = np.ceil(np.minimum(units, most) - NEARLY).astype(np.int64)
        return covering.clip(min=0, max=most)


def clumps_of_intervals(
    occupied_per_hour: Floats, log_mean: Floats, log_variance: Floats, interval_hours: Floats
) -> Clumps:
    """Return the clumps behind what was counted between snapshots.

    Several clumps between two snapshots are counted as one. How often none came, and how little the
    totals differ, say how many there must have been: a steady flow is many small clumps, not a
    large one in each interval.

    Args:
        occupied_per_hour: intervals with unseen demand, by hour.
        log_mean: mean of the logarithm of such an interval's units.
        log_variance: its variance.
        interval_hours: mean length of an interval.
    """
    occupied = np.clip(occupied_per_hour * interval_hours, 1e-12, _MOST_OCCUPIED)
    total, spread = np.exp(log_mean + log_variance / 2), np.expm1(log_variance)
    all_spread = np.maximum((1 + spread) / occupied - 1, _LEAST_SPREAD)
    number = np.maximum(-np.log1p(-occupied), 1 / all_spread)
    number = np.clip(number, occupied, np.maximum(occupied * total, occupied))
    return Clumps(
        per_hour=occupied_per_hour * number / occupied,
        units=total * occupied / number,
        spread=np.maximum(number * all_spread - 1, 0.0),
    )
