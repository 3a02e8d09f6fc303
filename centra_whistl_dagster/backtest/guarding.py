"""A backtest's snapshots, judged by the product's guards, whose limits are learnt as it goes on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.guards import (
    GuardPolicy,
    Movement,
    Outcome,
    SnapshotFacts,
    judge,
    learn,
    movement,
)
from centra_whistl_dagster.domain.stock.snapshot_rows import against

RELEASED_AFTER = timedelta(minutes=30)
"""How long a person takes to release a refused snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Whistl's stock at one moment, SKU by SKU."""

    taken_at: datetime
    available: Ints
    taken: Ints
    """Units that Whistl had taken for our orders up to that moment, as its order histories show."""
    unseen: Ints
    """Units that the other channel had taken up to that moment. The product does not know them."""


class Guard:
    """Accepts or refuses snapshots, and learns from those it accepted."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._movements: deque[Movement] = deque(maxlen=2000)
        self._limits = learn((), policy)
        self._refused_since: datetime | None = None
        self.is_released = False
        """A person had to release the snapshot that was accepted last."""

    def learn(self) -> None:
        """Learn the limits again from the snapshots accepted so far."""
        self._limits = learn(self._movements, self._policy)

    def accepts(self, snapshot: Snapshot, last_good: Snapshot, *, now: datetime) -> bool:
        """Say whether a snapshot may be used, by itself or because a person has released it."""
        if snapshot.taken_at == last_good.taken_at:
            return False
        measured = against(
            taken_at=last_good.taken_at,
            rows_before=len(snapshot.available),
            is_in_both=slice(None),
            available_before=last_good.available,
            available_now=snapshot.available,
            ours_taken=snapshot.taken - last_good.taken,
        )
        facts = SnapshotFacts(
            snapshot_id=snapshot.taken_at.isoformat(),
            taken_at=snapshot.taken_at,
            is_complete=True,
            rows_announced=len(snapshot.available),
            rows=len(snapshot.available),
            bad_rows=0,
            against=measured,
        )
        verdict = judge(facts, now=now, limits=self._limits, policy=self._policy)
        self.is_released = verdict.outcome is Outcome.QUARANTINE
        if self.is_released:
            self._refused_since = self._refused_since or now
            if now - self._refused_since < RELEASED_AFTER:
                return False
        self._refused_since = None
        self._movements.append(movement(measured, snapshot.taken_at))
        return True
