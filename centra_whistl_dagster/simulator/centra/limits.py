"""Centra's three pairs of token buckets, shared by every caller of one environment.

Source: https://centra.dev/integration-api/api-rate-limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.simulator.world.settings import CentraLimits

TEN_SECONDS = 10.0
HOUR = 3600.0
_TYPES = {
    "requests": "REQUEST_COUNT",
    "mutations": "MUTATION_COUNT",
    "complexity": "QUERY_COMPLEXITY",
}
_INTERVALS = {TEN_SECONDS: "TEN_SECONDS", HOUR: "ONE_HOUR"}


@dataclass(slots=True)
class Bucket:
    """Holds at most `capacity` tokens and fills from empty within `window_seconds`."""

    capacity: float
    window_seconds: float
    tokens: float
    filled_at: datetime

    def fill(self, now: datetime) -> None:
        """Add what has dripped in since it was last filled."""
        elapsed = (now - self.filled_at).total_seconds()
        gained = elapsed * self.capacity / self.window_seconds
        self.tokens = min(self.capacity, self.tokens + gained)
        self.filled_at = now

    def wait_seconds(self, cost: float) -> float:
        """Return how long until `cost` tokens are there; 0 when they are."""
        return max(0.0, (cost - self.tokens) * self.window_seconds / self.capacity)


class Quota:
    """The buckets of one environment. `None` for limits means there are none."""

    def __init__(self, limits: CentraLimits | None, now: Callable[[], datetime]) -> None:
        self._now = now
        self._buckets: dict[str, tuple[Bucket, ...]] = {}
        if limits is not None:
            self._buckets = {
                "requests": self._pair(limits.requests_per_10_seconds, limits.requests_per_hour),
                "mutations": self._pair(limits.mutations_per_10_seconds, limits.mutations_per_hour),
                "complexity": self._pair(
                    limits.complexity_per_10_seconds, limits.complexity_per_hour
                ),
            }

    def take(self, **costs: float) -> float:
        """Take the costs from their buckets and return 0, or take nothing and return the wait in s.

        Keys are `requests`, `mutations` and `complexity`.
        """
        wanted = [
            (bucket, cost) for kind, cost in costs.items() for bucket in self._buckets.get(kind, ())
        ]
        now = self._now()
        for bucket, _ in wanted:
            bucket.fill(now)
        wait = max((bucket.wait_seconds(cost) for bucket, cost in wanted), default=0.0)
        if wait == 0.0:
            for bucket, cost in wanted:
                bucket.tokens -= cost
        return wait

    def shown(self) -> list[dict[str, object]]:
        """Return the windows as the query `rateLimits` has them; none where nothing is limited."""
        now = self._now()
        rows: list[dict[str, object]] = []
        for kind, buckets in self._buckets.items():
            for bucket in buckets:
                bucket.fill(now)
                left = math.floor(bucket.tokens)
                rows.append(
                    {
                        "type": _TYPES[kind],
                        "intervalSeconds": _INTERVALS[bucket.window_seconds],
                        "quota": math.floor(bucket.capacity),
                        "usedQuota": math.floor(bucket.capacity) - left,
                        "remainingQuota": left,
                    }
                )
        return rows

    def _pair(self, per_10_seconds: float, per_hour: float) -> tuple[Bucket, ...]:
        now = self._now()
        return (
            Bucket(per_10_seconds, TEN_SECONDS, per_10_seconds, now),
            Bucket(per_hour, HOUR, per_hour, now),
        )
