"""Counting the demand of a catalogue: order lines and pairs of snapshots become `Observed`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime, tzinfo

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints, Rows
from centra_whistl_dagster.domain.stock.velocity import HOURS_OF_WEEK, Observed, hour_of_week

_COUNTS = fields(Observed)


def nothing_yet(skus: int) -> Observed:
    """Return the counts of that many SKUs before anything was counted."""
    return Observed(**{count.name: np.zeros(skus) for count in _COUNTS})


def with_lines(observed: Observed, positions: Ints, quantities: Ints) -> Observed:
    """Add order lines: the SKU's position and the units of each."""
    size = len(observed.hours)
    units = quantities.astype(np.float64)
    return replace(
        observed,
        seen_units=observed.seen_units + np.bincount(positions, units, size),
        seen_squares=observed.seen_squares + np.bincount(positions, units**2, size),
        seen_clumps=observed.seen_clumps + np.bincount(positions, minlength=size),
    )


def with_interval(
    observed: Observed, unseen: Ints, hours: float, where: Rows = slice(None)
) -> Observed:
    """Add the units that went unseen between two snapshots, of SKUs that both named.

    Args:
        observed: the counts so far.
        unseen: units of each SKU picked by `where`, from `domain.stock.velocity.unexplained`.
        hours: between the two.
        where: the SKUs that `unseen` is about; for the others nothing went unseen.
    """
    units = np.zeros_like(observed.hours)
    units[where] = unseen
    logs = np.log(np.maximum(units, 1.0))
    return replace(
        observed,
        hours=observed.hours + hours,
        unseen_units=observed.unseen_units + units,
        unseen_squares=observed.unseen_squares + units**2,
        unseen_intervals=observed.unseen_intervals + 1,
        unseen_clumps=observed.unseen_clumps + (units > 0),
        unseen_logs=observed.unseen_logs + logs,
        unseen_squared_logs=observed.unseen_squared_logs + logs**2,
    )


def with_clumps_of_units(observed: Observed) -> Observed:
    """Tell the clumps from units and squares, for counts of a release that kept only those."""
    clumps = _clumps_of(observed.unseen_units, observed.unseen_squares)
    logs = np.log(np.maximum(observed.unseen_units / np.maximum(clumps, 1e-9), 1.0))
    return replace(
        observed,
        seen_clumps=_clumps_of(observed.seen_units, observed.seen_squares),
        unseen_clumps=clumps,
        unseen_logs=clumps * logs,
        unseen_squared_logs=clumps * logs**2,
    )


def _clumps_of(units: Floats, squares: Floats) -> Floats:
    """Return how many clumps of one size have this sum and these squares."""
    return np.divide(units**2, squares, out=np.zeros_like(units), where=squares > 0)


def average(observed: Observed) -> Observed:
    """Return the average SKU's counts, as those of one SKU; zeros for an empty catalogue."""
    if not len(observed.hours):
        return nothing_yet(1)
    return Observed(
        **{count.name: np.mean(getattr(observed, count.name), keepdims=True) for count in _COUNTS}
    )


def units_by_hour(sales: Iterable[tuple[datetime, float]], zone: tzinfo) -> list[float]:
    """Add up units by hour of the week, on the shoppers' clock."""
    units = [0.0] * HOURS_OF_WEEK
    for at, quantity in sales:
        units[hour_of_week(at, zone)] += quantity
    return units
