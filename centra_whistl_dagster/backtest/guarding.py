"""The product's guards without a ledger: what they have accepted, and what they learnt from it.

A backtest judges its snapshots with them, and so do the tests with planted feeds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.feed_limits import learn
from centra_whistl_dagster.domain.stock.feed_movement import Compared, Movement, measure
from centra_whistl_dagster.domain.stock.guard_policy import GuardPolicy
from centra_whistl_dagster.domain.stock.guards import (
    Against,
    Outcome,
    SnapshotFacts,
    Verdict,
    judge,
)

RELEASED_AFTER = timedelta(minutes=30)
"""How long a person takes to release a refused snapshot."""
LATELY = timedelta(days=2)
"""How far back our orders are compared with a snapshot that shows none of them."""
_MOVEMENTS = 1000


class FeedGuard:
    """Judges snapshots, and learns from those that were used."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._movements: deque[Movement] = deque(maxlen=_MOVEMENTS)
        self._since_release: deque[Movement] = deque(maxlen=20_000)
        self._released_at: datetime | None = None
        self._limits = learn((), policy)

    def learn(self) -> None:
        """Learn the limits again from the snapshots accepted so far."""
        self._limits = learn(self._movements, self._policy, released_at=self._released_at)

    def verdict(self, facts: SnapshotFacts, *, now: datetime) -> Verdict:
        """Judge a snapshot."""
        return judge(
            facts,
            now=now,
            recent=self._since_release,
            limits=self._limits,
            policy=self._policy,
        )

    def use(self, facts: SnapshotFacts, *, is_released: bool) -> None:
        """Remember a snapshot that is used, by itself or because a person has released it."""
        movement = facts.against.movement(facts.taken_at) if facts.against else None
        if is_released:
            self._since_release.clear()
            self._released_at = facts.taken_at
            self.learn()
        elif movement is not None:
            self._movements.append(movement)
            self._since_release.append(movement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Whistl's stock at one moment, SKU by SKU."""

    taken_at: datetime
    available: Ints
    taken: Ints
    """Units that Whistl had taken for our orders up to that moment, as its order histories show."""
    on_order: Ints
    """Announced goods-in that has not arrived."""
    unseen: Ints
    """Units that the other channel had taken up to that moment. The product does not know them."""


class Guard(FeedGuard):
    """Guards a backtest's snapshots, in which a person releases what stays refused."""

    def __init__(self, policy: GuardPolicy) -> None:
        super().__init__(policy)
        self._refused_since: datetime | None = None
        self._used: deque[Snapshot] = deque()
        self.is_released = False
        """A person had to release the snapshot that was accepted last."""

    def accepts(self, snapshot: Snapshot, last_good: Snapshot, *, now: datetime) -> bool:
        """Say whether a snapshot may be used, by itself or because a person has released it."""
        if snapshot.taken_at == last_good.taken_at:
            return False
        facts = self._facts(snapshot, last_good)
        self.is_released = self.verdict(facts, now=now).outcome is Outcome.QUARANTINE
        if self.is_released:
            self._refused_since = self._refused_since or now
            if now - self._refused_since < RELEASED_AFTER:
                return False
        self._refused_since = None
        self.use(facts, is_released=self.is_released)
        if not self._used or snapshot.taken_at - self._used[-1].taken_at >= timedelta(hours=1):
            self._used.append(snapshot)
        return True

    def _facts(self, snapshot: Snapshot, last_good: Snapshot) -> SnapshotFacts:
        while len(self._used) > 1 and self._used[1].taken_at <= last_good.taken_at - LATELY:
            self._used.popleft()
        count = len(snapshot.available)
        nothing, every = np.zeros(count, np.int64), np.ones(count, bool)
        lately = self._used[0].taken if self._used else last_good.taken
        compared = Compared(
            in_now=every,
            in_before=every,
            in_shop=~every,
            available_now=snapshot.available,
            available_before=last_good.available,
            on_hand_now=nothing,
            on_hand_before=nothing,
            on_order_now=snapshot.on_order,
            on_order_before=last_good.on_order,
            allocated_now=nothing,
            allocated_before=nothing,
            shop_free=nothing,
            taken=snapshot.taken - last_good.taken,
            taken_lately=snapshot.taken - lately,
            left=nothing,
            reserved=nothing,
        )
        return SnapshotFacts(
            snapshot_id=snapshot.taken_at.isoformat(),
            taken_at=snapshot.taken_at,
            is_complete=True,
            rows_announced=count,
            rows=count,
            bad_rows=0,
            against=Against(
                taken_at=last_good.taken_at,
                rows=count,
                still_named=count,
                counts=measure(compared),
            ),
        )
