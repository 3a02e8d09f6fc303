"""How fast SKUs sell, split into what Centra sees and what it does not, and how clumped sales are.

Seen demand is Centra's order lines. Unseen demand is every fall of Whistl's `available` that our
orders do not explain: other channels, loss, quarantine. A rise that nothing explains is goods-in.
Rates are per hour of a week's average hour; `profile` says how far an hour of the week is from it.

Does not belong here: what is done about demand (`buffer`, `cadence`), or counting it over a
catalogue (`domain.stock.demand_counts`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta, tzinfo

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Floats, Ints
from centra_whistl_dagster.domain.stock.clumps import Clumps, clumps_of_intervals

HOURS_OF_WEEK = 168

_FLAT_WEEK_UNITS = 500.0
"""What a flat week weighs beside the sales that were counted."""

_ASSUMED_LOG_VARIANCE = 0.5
"""Of a clump's units, until measured: two of three are between half and twice the usual."""

_USUAL_DEVIATIONS = 4.0
"""From the mean logarithm of a clump to that of the largest usual one."""
_LARGEST_LOG = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was counted of each SKU, recent counts weighing more.

    A clump is an order line's units, or one interval's unseen units. Squares are the sums of
    squared clumps, logs the sums of their natural logarithms.
    """

    hours: Floats
    seen_units: Floats
    seen_squares: Floats
    seen_clumps: Floats
    unseen_units: Floats
    unseen_squares: Floats
    unseen_intervals: Floats
    """Intervals between two snapshots that were compared, those without unseen demand too."""
    unseen_clumps: Floats
    """Of the intervals, those with unseen demand."""
    unseen_logs: Floats
    unseen_squared_logs: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How much a SKU borrows from the whole, and what is assumed before anything was counted."""

    half_life_days: float = 14.0
    hours: float = 72.0
    """A SKU's own counts weigh as much as the average SKU's after this many hours."""
    clumps: float = 10.0
    """Its own share and clumping weigh as much as the whole's after this many sales."""
    assumed_unseen_share: float = 0.10
    """Of all demand, until measured."""
    assumed_dispersion: float = 3.0
    """Variance over mean, until measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """Demand of each SKU: units in the week's average hour, and variance over mean."""

    seen_per_hour: Floats
    unseen_per_hour: Floats
    dispersion: Floats
    unseen_clumps: Clumps
    """How unseen demand comes."""
    is_measured: Bools
    """Anything was ever counted. Where not, demand is unknown, which is not the same as none."""

    @property
    def per_hour(self) -> Floats:
        """All demand."""
        return self.seen_per_hour + self.unseen_per_hour


def unexplained(before: Ints, after: Ints, ours_taken: Ints) -> tuple[Ints, Ints]:
    """Split what happened to `available` between two snapshots into unseen demand and goods-in.

    Args:
        before: `available` in the earlier one.
        after: `available` in the later one.
        ours_taken: units Whistl took for our orders in between, less those it gave back.

    Returns:
        Unseen units and arrived units. Within one interval they offset each other: what arrived and
        was sold elsewhere between two snapshots cannot be told apart from nothing at all.
    """
    missing = before - ours_taken - after
    return np.maximum(missing, 0), np.maximum(-missing, 0)


def aged(observed: Observed, elapsed_hours: float, half_life_days: float) -> Observed:
    """Let old counts weigh less, by half in each half-life."""
    kept = 0.5 ** (elapsed_hours / (24 * half_life_days))
    return Observed(
        **{count.name: getattr(observed, count.name) * kept for count in fields(Observed)}
    )


def estimate(observed: Observed, average: Observed, pooling: Pooling) -> Velocity:
    """Estimate rates from counts, leaning on the average SKU where there are few.

    Args:
        observed: the counts of each SKU.
        average: the mean of all SKUs' counts, as those of one SKU (`demand_counts.average`).
        pooling: how hard to lean.
    """
    whole = _shape(average, pooling)
    clump_units = pooling.clumps * whole.dispersion
    units = observed.seen_units + observed.unseen_units
    average_units = average.seen_units + average.unseen_units
    average_rate = np.divide(
        average_units, average.hours, out=np.zeros_like(average_units), where=average.hours > 0
    )
    rate = (units + average_rate * pooling.hours) / (observed.hours + pooling.hours)
    share = (observed.unseen_units + whole.unseen_share * clump_units) / (units + clump_units)
    return Velocity(
        seen_per_hour=rate * (1 - share),
        unseen_per_hour=rate * share,
        dispersion=_leaning(
            observed.seen_squares + _unseen_spread(observed), units, whole.dispersion, pooling
        ),
        unseen_clumps=_unseen_clumps(observed, average, pooling),
        is_measured=observed.hours > 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What all SKUs together show of unseen demand and of clumping, as for one SKU."""

    unseen_share: Floats
    dispersion: Floats


def _shape(average: Observed, pooling: Pooling) -> _Shape:
    assumed = pooling.assumed_dispersion
    weight = pooling.clumps * assumed
    units = average.seen_units + average.unseen_units
    spread = _unseen_spread(average)
    return _Shape(
        unseen_share=(average.unseen_units + pooling.assumed_unseen_share * weight)
        / (units + weight),
        dispersion=_leaning(average.seen_squares + spread, units, assumed, pooling),
    )


def _unseen_clumps(observed: Observed, average: Observed, pooling: Pooling) -> Clumps:
    """Estimate how often clumps go unseen and how large they are, with the weights of `estimate`.

    How often is told from all clumps of the SKU and the share of them that goes unseen: of a SKU
    that sells each hour in the shop, other channels may have taken none yet.
    """
    weight = pooling.clumps
    clumps = observed.seen_clumps + observed.unseen_clumps
    average_clumps = average.seen_clumps + average.unseen_clumps
    usual = average_clumps / np.maximum(average.hours, 1e-9)
    rate = (clumps + usual * pooling.hours) / (observed.hours + pooling.hours)
    whole_share = (average.unseen_clumps + pooling.assumed_unseen_share * weight) / (
        average_clumps + weight
    )
    share = (observed.unseen_clumps + whole_share * weight) / (clumps + weight)
    mean, variance = _logs(observed, average, pooling)
    intervals = np.maximum(observed.unseen_intervals, 1e-9)
    hours = np.where(observed.hours > 0, observed.hours / intervals, 0.0)
    return clumps_of_intervals(rate * share, mean, variance, hours)


def most_usual(observed: Observed, average: Observed, pooling: Pooling) -> Ints:
    """Return the units of each SKU above which a clump is no usual order."""
    mean, variance = _logs(observed, average, pooling)
    largest = np.exp(np.minimum(mean + _USUAL_DEVIATIONS * np.sqrt(variance), _LARGEST_LOG))
    units: Ints = np.ceil(largest).astype(np.int64)
    return units


def _logs(observed: Observed, average: Observed, pooling: Pooling) -> tuple[Floats, Floats]:
    """Return the mean and variance of the logarithm of each SKU's clumps."""
    mean, variance = _assumed_logs(pooling)
    mean, variance = _log_shape(average, mean, variance, pooling.clumps)
    return _log_shape(observed, mean, variance, pooling.clumps)


def _assumed_logs(pooling: Pooling) -> tuple[Floats, Floats]:
    """Return the assumed mean and variance of a clump's logarithm."""
    mean = np.log(pooling.assumed_dispersion) - 1.5 * _ASSUMED_LOG_VARIANCE
    return np.array([max(mean, 0.0)]), np.array([_ASSUMED_LOG_VARIANCE])


def _log_shape(
    counts: Observed, mean: Floats, variance: Floats, weight: float
) -> tuple[Floats, Floats]:
    """Return the mean and variance of a clump's logarithm, leaning on what is usual."""
    number = counts.unseen_clumps + weight
    own_mean = (counts.unseen_logs + mean * weight) / number
    own_variance = (counts.unseen_squared_logs + (variance + mean**2) * weight) / number
    return own_mean, np.maximum(own_variance - own_mean**2, 0.0)


def _unseen_spread(observed: Observed) -> Floats:
    """Variance times units: squares less what a steady flow of the same size would give."""
    intervals = np.maximum(observed.unseen_intervals, 1.0)
    spread: Floats = observed.unseen_squares - observed.unseen_units**2 / intervals
    return np.maximum(spread, 0.0)


def _leaning(squares: Floats, units: Floats, whole: Floats | float, pooling: Pooling) -> Floats:
    """Variance over mean, never below 1: no sales are steadier than chance for long."""
    weight = pooling.clumps * whole
    return np.maximum((squares + whole * weight) / (units + weight), 1.0)


def hour_of_week(at: datetime, zone: tzinfo) -> int:
    """Return 0 for Monday's first hour to 167 for Sunday's last, by the shoppers' clock."""
    local = at.astimezone(zone)
    return 24 * local.weekday() + local.hour


def profile(units_by_hour: Sequence[float], hours_seen: Sequence[float]) -> tuple[float, ...]:
    """Return how much busier each hour of the week is than the average of those that were seen.

    All SKUs share one profile: no single one has the sales to fill 168 hours. Each hour leans on a
    flat week as if that had been seen with some hundreds of units in all. An hour of the week that
    has not come yet is unknown, not quiet: in its first week a shop would seem many times as busy
    in each hour that has.

    Args:
        units_by_hour: units sold in each hour of the week, ever.
        hours_seen: how much of each hour of the week those were sold in, in hours.
    """
    if not len(units_by_hour) == len(hours_seen) == HOURS_OF_WEEK:
        raise ValueError(f"a week has {HOURS_OF_WEEK} hours, not {len(units_by_hour)}")
    flat = _FLAT_WEEK_UNITS / HOURS_OF_WEEK
    average = math.fsum(units_by_hour) / max(math.fsum(hours_seen), 1e-9)
    return tuple(
        (units + flat) / (seen * average + flat)
        for units, seen in zip(units_by_hour, hours_seen, strict=True)
    )


def hours_of_week_between(since: datetime, until: datetime, zone: tzinfo) -> list[float]:
    """Return how much of each hour of the week lies between two moments, in hours."""
    seen = [0.0] * HOURS_OF_WEEK
    at = since
    while at < until:
        ends = min(until, at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
        seen[hour_of_week(at, zone)] += (ends - at).total_seconds() / 3600
        at = ends
    return seen
