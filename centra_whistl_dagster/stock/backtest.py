"""How a stock policy would have fared on real orders, with the code that runs in production.

Belongs here: driving the product's decisions through `replay`'s world, minute by minute. Does not
belong here: a rule of its own; where a comparison needs a wrong one, `strategies` says so.

The first part of the orders is lived through without counting: the product starts with no history
and learns from it, and from what follows, only what it could have known at the time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from centra_whistl_dagster.domain.availability import (
    CentraStock,
    OurUnits,
    Reconciled,
    WarehouseStock,
    reconcile,
)
from centra_whistl_dagster.domain.cadence import LEAST_REQUESTS, Decision, Feed, Pass, Quota, decide
from centra_whistl_dagster.domain.columns import positive_part
from centra_whistl_dagster.domain.guards import (
    Movement,
    Outcome,
    SnapshotFacts,
    judge,
    learn,
    movement,
)
from centra_whistl_dagster.domain.velocity import (
    HOURS_OF_WEEK,
    Observed,
    aged,
    estimate,
    hour_of_week,
    profile,
    unexplained,
)
from centra_whistl_dagster.stock.demand import Demand
from centra_whistl_dagster.stock.observed import average, nothing_yet, with_interval, with_lines
from centra_whistl_dagster.stock.outcomes import Calls, Outcomes
from centra_whistl_dagster.stock.plan import StockPlan, plan, policies
from centra_whistl_dagster.stock.quantiles import Ints
from centra_whistl_dagster.stock.replay import DAY, World, WorldSettings
from centra_whistl_dagster.stock.snapshots import against
from centra_whistl_dagster.stock.strategies import Strategy

LONDON = ZoneInfo("Europe/London")

CENTRA_PAGE, CENTRA_BATCH, WHISTL_PAGE = 200, 100, 500
"""SKUs in one read of Centra, in one of its mutations, and in one page of Whistl's snapshot."""

RELEASE_AFTER_SECONDS = 1800
"""How long a person takes to release a refused snapshot. Here every one is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    taken_at: int
    available: Ints
    taken: Ints
    """Units of ours that Whistl had taken, ever: what its order histories tell for that moment."""


class Backtest:
    """One strategy's life. `run` makes it; nothing is left running afterwards."""

    def __init__(
        self, demand: Demand, strategy: Strategy, settings: WorldSettings, warm_up_share: float
    ) -> None:
        self.demand, self.strategy, self.settings = demand, strategy, settings
        self.policy = strategy.policy
        self.counts_from = int(demand.days * warm_up_share) * DAY
        self.world = World(demand=demand, settings=settings, counts_from=self.counts_from)
        self.observed: Observed = nothing_yet(len(demand.skus))
        self.sold_by_hour = [0.0] * HOURS_OF_WEEK
        self.movements: deque[Movement] = deque(maxlen=2000)
        self.limits = learn((), self.policy.guard)
        self.last_good = self._photograph(0)
        self.published = self.last_good
        self.plan: StockPlan = self._planned(0)
        self.everything = np.arange(len(demand.skus))
        self.rungs: Ints = np.zeros_like(self.everything)
        self.pending: set[int] = set()
        """SKUs that something happened to since the last pass."""
        self._look(self.everything)
        self.last_full: int | None = None
        self.refused_since: int | None = None
        self.passes = self.refused = 0
        self.hour = {
            "requests": Calls(window_seconds=3600),
            "mutations": Calls(window_seconds=3600),
        }
        self.ten = {"requests": Calls(window_seconds=10), "mutations": Calls(window_seconds=10)}
        self.whistl = Calls(window_seconds=60)

    def run(self) -> Outcomes:
        """Live through all orders, a tick a minute."""
        for tick in range(0, self.demand.days * DAY, 60):
            self.world.advance(tick)
            if tick % 3600 == 0:
                self._learn(tick)
            self._publish(tick)
            decision = self._decide(tick)
            if decision.does is not Pass.NONE:
                self._pass_over(tick, decision)
        return Outcomes(
            strategy=self.strategy.name,
            score=self.world.score,
            days=(self.demand.days * DAY - self.counts_from) / DAY,
            passes=self.passes,
            refused_snapshots=self.refused,
            centra_requests_peak_hour=self.hour["requests"].peak,
            centra_mutations_peak_hour=self.hour["mutations"].peak,
            centra_requests_peak_10s=self.ten["requests"].peak,
            centra_mutations_peak_10s=self.ten["mutations"].peak,
            whistl_requests_peak_minute=self.whistl.peak,
            centra_requests=self.hour["requests"].total,
            centra_mutations=self.hour["mutations"].total,
        )

    # ---- what the product learns
    def _learn(self, tick: int) -> None:
        sold, self.world.sold = self.world.sold, []
        if sold:
            lines = np.array(sold, dtype=np.int64)
            self.observed = with_lines(self.observed, lines[:, 1], lines[:, 2])
            self.sold_by_hour[self._hour_of_week(tick - 1)] += float(lines[:, 2].sum())
        self.observed = aged(self.observed, 1.0, self.policy.pooling.half_life_days)
        if tick % DAY == 0:
            self.limits = learn(self.movements, self.policy.guard)
        busyness = profile(self.sold_by_hour)[self._hour_of_week(tick)]
        if sold or not 0.9 < busyness / self.planned_for < 1.1:
            self.plan = self._planned(tick)
            self._look(self.everything)

    def _planned(self, tick: int) -> StockPlan:
        self.planned_for = profile(self.sold_by_hour)[self._hour_of_week(tick)]
        velocity = estimate(self.observed, average(self.observed), self.policy.pooling)
        return plan(
            velocity,
            busyness=self.planned_for,
            write_minutes=self.settings.write_seconds / 60,
            groups=policies(self.demand.skus, self._moment(tick), self.policy),
            policy=self.policy,
        )

    # ---- what the product decides
    def _decide(self, tick: int) -> Decision:
        last = None if self.last_full is None else self._moment(self.last_full)
        self._look(np.array(sorted(self.world.touched), dtype=np.int64))
        self.world.touched.clear()
        return decide(
            self._moment(tick),
            last_full_at=last,
            last_pass_at=last,
            need=self.plan.need(self.rungs, self.demand.skus),
            feed=Feed(
                last_used_taken_at=self._moment(self.last_good.taken_at),
                latest_taken_at=self._moment(self.published.taken_at),
            ),
            quotas=self._quotas(tick),
            policy=self.policy.cadence,
        )

    def _look(self, where: Ints) -> None:
        """Judge how long SKUs can be left alone, by Centra's own numbers: all there is by now."""
        if len(where):
            free = positive_part(self.world.physical[where] - self.world.allocated[where])
            self.rungs[where] = self.plan.rungs(free, where)
            self.pending.update(where.tolist())

    def _pass_over(self, tick: int, decision: Decision) -> None:
        snapshot = self.published
        pages = -(-len(self.demand.skus) // WHISTL_PAGE)
        self.whistl.add(tick, 1 + pages)
        counts = tick >= self.counts_from
        self.passes += counts
        if not self._is_believed(snapshot, tick):
            self.refused += counts
            return
        last, self.last_good, self.last_full = self.last_good, snapshot, tick
        where = np.array(sorted(self.pending), dtype=np.int64)
        self.pending.clear()
        unseen, _ = unexplained(
            last.available[where],
            snapshot.available[where],
            snapshot.taken[where] - last.taken[where],
        )
        hours = (snapshot.taken_at - last.taken_at) / 3600
        self.observed = with_interval(self.observed, unseen, hours, where)
        self.world.advance(tick + self.settings.write_seconds)
        self._write(tick + self.settings.write_seconds, snapshot, where, decision)

    def _is_believed(self, snapshot: _Snapshot, tick: int) -> bool:
        measured = against(
            taken_at=self._moment(self.last_good.taken_at),
            rows_before=len(snapshot.available),
            is_in_both=slice(None),
            available_before=self.last_good.available,
            available_now=snapshot.available,
            ours_taken=snapshot.taken - self.last_good.taken,
        )
        facts = SnapshotFacts(
            snapshot_id=str(snapshot.taken_at),
            taken_at=self._moment(snapshot.taken_at),
            is_complete=True,
            rows_announced=len(snapshot.available),
            rows=len(snapshot.available),
            bad_rows=0,
            against=measured,
        )
        verdict = judge(facts, now=self._moment(tick), limits=self.limits, policy=self.policy.guard)
        if verdict.outcome is Outcome.QUARANTINE:
            self.refused_since = tick if self.refused_since is None else self.refused_since
            if tick - self.refused_since < RELEASE_AFTER_SECONDS:
                return False
        self.refused_since = None
        self.movements.append(movement(measured, facts.taken_at))
        return verdict.outcome is not Outcome.NOTHING_NEW

    def _write(self, at: int, snapshot: _Snapshot, where: Ints, decision: Decision) -> None:
        room = self._steps(snapshot, where, buffer=0).room
        buffer = self.plan.buffers_at(self.plan.rungs(room, where), where)
        steps = self._steps(snapshot, where, buffer=buffer)
        written = np.flatnonzero(steps.needs_write)
        written = written[self.plan.hottest_first(where[written], steps.change[written])]
        batches = min(decision.most_mutations, decision.most_requests // LEAST_REQUESTS)
        self.pending.update(where[written[batches * CENTRA_BATCH :]].tolist())
        written = written[: batches * CENTRA_BATCH]
        changed = where[written]
        self.world.physical[changed] = np.maximum(
            steps.physical[written], self.world.allocated[changed]
        )
        reads, writes = self._centra_calls(len(changed))
        for window in (self.hour, self.ten):
            window["requests"].add(at, reads + writes)
            window["mutations"].add(at, writes)

    def _steps(self, snapshot: _Snapshot, where: Ints, *, buffer: Any) -> Reconciled:
        """Reconcile SKUs with a snapshot, by the product's own rule."""
        available, allocated = snapshot.available[where], self.world.allocated[where]
        zero = np.zeros_like(available)
        outside = snapshot.taken[where] - self.world.completed[where]
        held, left = positive_part(outside), positive_part(-outside)
        if self.strategy.ignores_in_flight:
            held, left = allocated, zero
        return reconcile(
            WarehouseStock(
                on_hand=available, allocated=zero, quarantined=zero, available=available
            ),
            OurUnits(held=held, left=left, reserved=zero, in_flight=zero, blocked=zero),
            CentraStock(physical=self.world.physical[where], allocated=allocated),
            buffer,
        )

    # ---- the systems around it
    def _publish(self, tick: int) -> None:
        each = self.settings.publishes_each_seconds
        if each == 0 or tick % each == 0:
            self.published = self._photograph(tick)
        if each and tick % each == 0:
            self.pending.update(self.everything.tolist())  # older events are in it only now

    def _photograph(self, tick: int) -> _Snapshot:
        return _Snapshot(
            taken_at=tick, available=self.world.available.copy(), taken=self.world.taken.copy()
        )

    @staticmethod
    def _centra_calls(changed: int) -> tuple[int, int]:
        """Reads before and after, and writes, that so many changed SKUs take."""
        return 2 * -(-changed // CENTRA_PAGE), -(-changed // CENTRA_BATCH)

    def _quotas(self, tick: int) -> list[Quota]:
        """Centra's default plan, and what of it this strategy has left."""
        quotas = []
        for window, requests, mutations in ((self.ten, 60, 20), (self.hour, 5000, 1800)):
            for calls in window.values():
                calls.forget(tick)
            quotas.append(
                Quota(
                    requests_limit=requests,
                    requests_left=requests - window["requests"].within,
                    mutations_limit=mutations,
                    mutations_left=mutations - window["mutations"].within,
                )
            )
        return quotas

    def _moment(self, second: int) -> datetime:
        return self.demand.starts_at.to_pydatetime() + timedelta(seconds=second)

    def _hour_of_week(self, second: int) -> int:
        return hour_of_week(self._moment(second), LONDON)


def run(
    demand: Demand,
    strategy: Strategy,
    settings: WorldSettings | None = None,
    *,
    warm_up_share: float = 0.25,
) -> Outcomes:
    """Live through orders with one strategy and return how it fared.

    Args:
        demand: the orders.
        strategy: what to try.
        settings: the world's; the same for every strategy that is to be compared.
        warm_up_share: of the time, lived through before counting begins.
    """
    return Backtest(demand, strategy, settings or WorldSettings(), warm_up_share).run()
