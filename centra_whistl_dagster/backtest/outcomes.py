"""What a backtest counts: units that went wrong, and calls that were made."""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.backtest.replay import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How a strategy performed. Units and calls are counted after the warm-up."""

    strategy: str
    score: Score
    days: float
    syncs: int
    """Syncs, full and partial."""
    refused_snapshots: int
    """Every snapshot of a backtest is good: these the guards refused without need."""
    centra_requests_peak_hour: int
    centra_mutations_peak_hour: int
    centra_requests_peak_10s: int
    centra_mutations_peak_10s: int
    whistl_requests_peak_minute: int
    centra_requests: int
    centra_mutations: int
    stated_risk: float
    """That unseen demand over one exposure exceeds the buffer."""
    realised_risk: tuple[float, ...]
    """How often it did in trading hours, from the slowest tenth of the SKUs to the fastest."""

    @property
    def oversold_per_10k(self) -> float:
        """Per 10,000 units accepted."""
        return 10_000 * self.score.oversold / max(1, self.score.accepted)

    @property
    def gone_when_sold_per_10k(self) -> float:
        """Of the oversold, those that were gone when the shop sold them.

        The rest were in stock then, and the other channel took them before Whistl had the order: no
        stock figure prevents that.
        """
        return 10_000 * self._gone_when_sold / max(1, self.score.accepted)

    @property
    def preventable_per_10k(self) -> float:
        """Of those, the ones that a snapshot showed whose figures could have been in Centra."""
        gone = max(0, self._gone_when_sold - self.score.taken_just_before)
        return 10_000 * gone / max(1, self.score.accepted)

    @property
    def _gone_when_sold(self) -> int:
        return self.score.oversold - self.score.taken_first

    @property
    def withheld_per_10k(self) -> float:
        """Per 10,000 units ordered."""
        return 10_000 * self.score.withheld / max(1, self.score.ordered)

    @property
    def lost_per_10k(self) -> float:
        """Per 10,000 units ordered: there were none to sell, under any policy."""
        return 10_000 * self.score.lost / max(1, self.score.ordered)
