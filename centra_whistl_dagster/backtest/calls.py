"""Calls that a backtest would have made: how many a sync takes, and Centra's sliding windows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from centra_whistl_dagster.domain.stock.cadence import SKUS_OF_A_BATCH, Quota

CENTRA_PAGE, WHISTL_PAGE = 200, 500
"""SKUs in one read of Centra, and in one page of Whistl's snapshot."""

OUR_SHARE = 0.5
"""Of the plan, the default in `.env.example`: the rest is for the client's other integrations."""


@dataclass(slots=True, kw_only=True)
class Calls:
    """Calls of one kind in one sliding window, and the most there ever were."""

    window_seconds: int
    total: int = 0
    peak: int = 0
    within: int = 0
    _recent: deque[tuple[int, int]] = field(default_factory=deque)

    def add(self, at: int, calls: int) -> None:
        """Count calls made at a second."""
        self.forget(at)
        self._recent.append((at, calls))
        self.total += calls
        self.within += calls
        self.peak = max(self.peak, self.within)

    def forget(self, at: int) -> None:
        """Drop calls that are older than the window."""
        while self._recent and self._recent[0][0] <= at - self.window_seconds:
            self.within -= self._recent.popleft()[1]


class _Window:
    """One of Centra's windows: its limits, and the calls in it."""

    def __init__(self, seconds: int, *, requests: int, mutations: int) -> None:
        self.limits = requests, mutations
        self.requests = Calls(window_seconds=seconds)
        self.mutations = Calls(window_seconds=seconds)

    def quota(self, at: int, for_stock: float) -> Quota:
        self.requests.forget(at)
        self.mutations.forget(at)
        requests, mutations = (int(OUR_SHARE * limit) for limit in self.limits)
        return Quota(
            requests_left=requests - self.requests.within,
            requests_left_for_stock=int(for_stock * requests) - self.requests.within,
            mutations_left=mutations - self.mutations.within,
            mutations_left_for_stock=int(for_stock * mutations) - self.mutations.within,
        )


class CentraCalls:
    """What one strategy uses of Centra's default plan, Growth.

    Limits: https://centra.dev/integration-api/api-rate-limits
    """

    def __init__(self) -> None:
        self.ten_seconds = _Window(10, requests=60, mutations=20)
        self.hour = _Window(3600, requests=5000, mutations=1800)

    def read(self, at: int, skus: int) -> None:
        """Count reading the stock of so many SKUs."""
        for window in (self.ten_seconds, self.hour):
            window.requests.add(at, -(-skus // CENTRA_PAGE))

    def write(self, at: int, skus: int) -> None:
        """Count writing the stock of so many SKUs, and reading it back."""
        batches = -(-skus // SKUS_OF_A_BATCH)
        for window in (self.ten_seconds, self.hour):
            window.requests.add(at, 2 * batches)
            window.mutations.add(at, batches)

    def quota(self, at: int, for_stock: float) -> Quota:
        """Return what is left of our share of the longest window; stock may take a part of it."""
        return self.hour.quota(at, for_stock)
