"""What a backtest's product has counted so far, by the rules that production counts with."""

from __future__ import annotations

from collections import deque
from datetime import datetime

import numpy as np

from centra_whistl_dagster.backtest.guarding import Snapshot
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.demand_counts import (
    average,
    nothing_yet,
    with_interval,
    with_lines,
)
from centra_whistl_dagster.domain.stock.movements import INTERVALS_KEPT, demand_of, is_bulk
from centra_whistl_dagster.domain.stock.velocity import (
    HOURS_OF_WEEK,
    Observed,
    Pooling,
    Velocity,
    aged,
    estimate,
    hour_of_week,
    most_usual,
    profile,
    unexplained,
)


class Learning:
    """The counts of every SKU, and of the hours of the week."""

    def __init__(self, skus: int, pooling: Pooling) -> None:
        self._pooling, self._observed = pooling, nothing_yet(skus)
        self._sold_by_hour, self._hours_seen = [0.0] * HOURS_OF_WEEK, [0.0] * HOURS_OF_WEEK
        self._fallen: deque[int] = deque(maxlen=INTERVALS_KEPT)
        self._most_usual = most_usual(*self._known())

    def count_hour(self, ended_at: datetime, sold: list[tuple[int, int, int]]) -> None:
        """Count an hour's order lines: the second, the SKU's position and the units of each."""
        hour = hour_of_week(ended_at, LONDON)
        self._hours_seen[hour] += 1.0
        if sold:
            lines = np.array(sold, dtype=np.int64)
            self._observed = with_lines(self._observed, lines[:, 1], lines[:, 2])
            self._sold_by_hour[hour] += float(lines[:, 2].sum())
        self._observed = aged(self._observed, 1.0, self._pooling.half_life_days)

    def count_unseen(
        self, last: Snapshot, snapshot: Snapshot, where: Ints, *, is_released: bool
    ) -> None:
        """Count what went unseen between two snapshots.

        Args:
            last: the earlier one.
            snapshot: the later one.
            where: SKUs to which anything has happened in between.
            is_released: a person had to release the later one.
        """
        unseen, _ = unexplained(
            last.available[where],
            snapshot.available[where],
            snapshot.taken[where] - last.taken[where],
        )
        hours = (snapshot.taken_at - last.taken_at).total_seconds() / 3600
        fell = int(np.count_nonzero(unseen))
        if is_released or is_bulk(fell, len(snapshot.available), self._fallen):
            unseen = np.zeros_like(unseen)
        else:
            unseen = demand_of(unseen, snapshot.available[where], self._most_usual[where])
        self._fallen.append(fell)
        self._observed = with_interval(self._observed, unseen, hours, where)

    def busyness(self, at: datetime) -> float:
        """Return how much busier than average the hour is."""
        return profile(self._sold_by_hour, self._hours_seen)[hour_of_week(at, LONDON)]

    def velocity(self) -> Velocity:
        """Return what is known of demand now."""
        self._most_usual = most_usual(*self._known())
        return estimate(*self._known())

    def _known(self) -> tuple[Observed, Observed, Pooling]:
        return self._observed, average(self._observed), self._pooling
