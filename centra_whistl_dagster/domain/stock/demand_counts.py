"""Counting demand over a whole catalogue.

Belongs here: turning order lines and pairs of snapshots into columns of
`domain.stock.velocity.Observed`, and their average. Does not belong here: what the counts mean
(`domain.stock.velocity`), or where they are kept (`history`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

import numpy as np

from centra_whistl_dagster.domain.stock.quantiles import Floats, Ints
from centra_whistl_dagster.domain.stock.velocity import HOURS_OF_WEEK, Observed, hour_of_week


def nothing_yet(skus: int) -> Observed:
    """Return the counts of that many SKUs before anything was counted."""

    def zeros() -> Floats:
        return np.zeros(skus)

    return Observed(
        hours=zeros(),
        seen_units=zeros(),
        seen_squares=zeros(),
        unseen_units=zeros(),
        unseen_squares=zeros(),
        unseen_intervals=zeros(),
    )


def with_lines(observed: Observed, positions: Ints, quantities: Ints) -> Observed:
    """Add order lines: the SKU's position and the units of each."""
    size = len(observed.hours)
    units = quantities.astype(np.float64)
    return replace(
        observed,
        seen_units=observed.seen_units + np.bincount(positions, units, size),
        seen_squares=observed.seen_squares + np.bincount(positions, units**2, size),
    )


def with_interval(
    observed: Observed, unseen: Ints, hours: float, where: Any = slice(None)
) -> Observed:
    """Add what went unseen between two snapshots, `hours` apart, of all SKUs that both named.

    Args:
        observed: the counts so far.
        unseen: units of each SKU picked by `where`, from `domain.stock.velocity.unexplained`.
        hours: between the two.
        where: an index; the others' intervals count as empty ones.
    """
    units, squares = observed.unseen_units.copy(), observed.unseen_squares.copy()
    units[where] += unseen
    squares[where] += unseen.astype(np.float64) ** 2
    return replace(
        observed,
        hours=observed.hours + hours,
        unseen_units=units,
        unseen_squares=squares,
        unseen_intervals=observed.unseen_intervals + 1,
    )


def average(observed: Observed) -> Observed:
    """Return the average SKU's counts, on which sparse ones lean."""
    if not len(observed.hours):
        return Observed()
    return Observed(
        hours=float(observed.hours.mean()),
        seen_units=float(observed.seen_units.mean()),
        seen_squares=float(observed.seen_squares.mean()),
        unseen_units=float(observed.unseen_units.mean()),
        unseen_squares=float(observed.unseen_squares.mean()),
        unseen_intervals=float(observed.unseen_intervals.mean()),
    )


def units_by_hour(sales: Iterable[tuple[datetime, float]], zone: tzinfo) -> list[float]:
    """Add up units by hour of the week, on the shoppers' clock."""
    units = [0.0] * HOURS_OF_WEEK
    for at, quantity in sales:
        units[hour_of_week(at, zone)] += quantity
    return units
