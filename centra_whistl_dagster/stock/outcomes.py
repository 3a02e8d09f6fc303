"""What a backtest counts: units that went wrong, and calls that it took.

Belongs here: the figures. Does not belong here: living through orders (`backtest`), or showing them
(`frontier`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from centra_whistl_dagster.stock.replay import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How a strategy fared. Units and calls are counted after the warm-up."""

    strategy: str
    score: Score
    days: float
    passes: int
    refused_snapshots: int
    """Each a good one: the guards were too strict."""
    centra_requests_peak_hour: int
    centra_mutations_peak_hour: int
    centra_requests_peak_10s: int
    centra_mutations_peak_10s: int
    whistl_requests_peak_minute: int
    centra_requests: int
    centra_mutations: int

    @property
    def oversold_per_10k(self) -> float:
        """Per 10,000 units accepted."""
        return 10_000 * self.score.oversold / max(1, self.score.accepted)

    @property
    def withheld_per_10k(self) -> float:
        """Per 10,000 units ordered."""
        return 10_000 * self.score.withheld / max(1, self.score.ordered)

    @property
    def lost_per_10k(self) -> float:
        """Per 10,000 units ordered: there were none to sell, whatever the policy."""
        return 10_000 * self.score.lost / max(1, self.score.ordered)


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
        """Drop what has left the window."""
        while self._recent and self._recent[0][0] <= at - self.window_seconds:
            self.within -= self._recent.popleft()[1]
