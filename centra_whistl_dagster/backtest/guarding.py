"""A backtest's snapshots, judged as the product judges them.

Belongs here: carrying the guards' limits from snapshot to snapshot. Does not belong here: the
judgement (`domain.stock.guards`).
"""

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
"""How long a person takes to release a refused snapshot. Here every one is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Whistl's stock at one moment, SKU by SKU."""

    taken_at: datetime
    available: Ints
    taken: Ints
    """Units of ours that Whistl had taken, ever: what its order histories tell for that moment."""


class Guard:
    """Believes snapshots or not, and learns from those that it believed."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._movements: deque[Movement] = deque(maxlen=2000)
        self._limits = learn((), policy)
        self._refused_since: datetime | None = None

    def learn(self) -> None:
        """Draw the limits anew from what was believed so far."""
        self._limits = learn(self._movements, self._policy)

    def believes(self, picture: Picture, last_good: Picture, *, now: datetime) -> bool:
        """Say whether a snapshot may be used, by itself or because a person has released it."""
        measured = against(
            taken_at=last_good.taken_at,
            rows_before=len(picture.available),
            is_in_both=slice(None),
            available_before=last_good.available,
            available_now=picture.available,
            ours_taken=picture.taken - last_good.taken,
        )
        facts = SnapshotFacts(
            snapshot_id=picture.taken_at.isoformat(),
            taken_at=picture.taken_at,
            is_complete=True,
            rows_announced=len(picture.available),
            rows=len(picture.available),
            bad_rows=0,
            against=measured,
        )
        verdict = judge(facts, now=now, limits=self._limits, policy=self._policy)
        if verdict.outcome is Outcome.QUARANTINE:
            self._refused_since = self._refused_since or now
            if now - self._refused_since < RELEASED_AFTER:
                return False
        self._refused_since = None
        self._movements.append(movement(measured, picture.taken_at))
        return verdict.outcome is not Outcome.NOTHING_NEW
