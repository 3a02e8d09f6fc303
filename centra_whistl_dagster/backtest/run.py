"""A backtest: the product's decisions, driven through the world of `replay` minute by minute.

The first part of the orders is replayed without counting: the product starts with no history and
learns from it, and from what follows, only what it could have known at the time.

Does not belong here: a stock rule; where a comparison needs a wrong one, `strategies` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from centra_whistl_dagster.backtest.calls import WHISTL_PAGE, Calls, CentraCalls
from centra_whistl_dagster.backtest.demand import Demand
from centra_whistl_dagster.backtest.guarding import Guard, Snapshot
from centra_whistl_dagster.backtest.known import Known
from centra_whistl_dagster.backtest.learning import Learning
from centra_whistl_dagster.backtest.outcomes import Outcomes
from centra_whistl_dagster.backtest.realised import TRADING, MeasuredFeed, RealisedRisk
from centra_whistl_dagster.backtest.replay import DAY, TICK, World, WorldSettings
from centra_whistl_dagster.backtest.strategies import Strategy
from centra_whistl_dagster.domain.stock.arrays import Floats, Ints, Rows
from centra_whistl_dagster.domain.stock.availability import (
    CentraStock,
    OurUnits,
    Reconciled,
    WarehouseStock,
    reconcile,
)
from centra_whistl_dagster.domain.stock.cadence import (
    SKUS_OF_A_BATCH,
    Allowance,
    Decision,
    Feed,
    Rung,
    StockSync,
    allowance,
    decide,
)
from centra_whistl_dagster.domain.stock.plan import (
    StockPlan,
    hottest_first,
    in_short,
    plan,
    policies,
)
from centra_whistl_dagster.domain.stock.policy import sale_begun


class Backtest:
    """One strategy under test. `run` creates it; nothing is left running afterwards."""

    def __init__(
        self, demand: Demand, strategy: Strategy, settings: WorldSettings, warm_up_share: float
    ) -> None:
        self.demand, self.strategy, self.settings = demand, strategy, settings
        self.policy = strategy.policy
        self.counts_from = int(demand.days * warm_up_share) * DAY
        self.world = World(demand=demand, settings=settings, counts_from=self.counts_from)
        self.learning = Learning(len(demand.skus), self.policy.pooling)
        self.guard = Guard(self.policy.guard)
        self.feed, self.realised = MeasuredFeed(), RealisedRisk(len(demand.skus))
        self.last_good = self._take_snapshot(0)
        self.published = self.last_read = self.last_good
        self.plan: StockPlan = self._planned(0)
        count, longest = len(demand.skus), self.policy.cadence.ladder_minutes[-1]
        self.minutes: Ints = np.full(count, longest, dtype=np.int64)
        self.looked_at = np.zeros(count)
        self.rungs: tuple[Rung, ...] = ()
        self.is_uncounted = np.zeros(count, dtype=bool)
        """Something happened to the SKU since the last snapshot that was used."""
        self.is_pending = np.ones(count, dtype=bool)
        """Something happened to the SKU since it was last synced."""
        self.known = Known(self.last_good.available)
        self.unfinished = 0
        self.last_full: int | None = None
        self.syncs = self.refused = 0
        self.centra, self.whistl = CentraCalls(), Calls(window_seconds=60)

    def run(self, on_day: Callable[[], object]) -> Outcomes:
        """Replay all orders, a tick a minute; `on_day` is called at the end of each day."""
        for tick in range(0, self.demand.days * DAY, TICK):
            self.world.advance(tick)
            if tick % 3600 == 0:
                self._learn(tick)
            self._publish(tick)
            self._notice(np.fromiter(self.world.touched, dtype=np.int64))
            self.world.touched.clear()
            decision = self._decide(tick)
            if decision.does is not StockSync.NONE:
                self._sync(tick, decision)
            if tick % DAY == DAY - TICK:
                on_day()
        return Outcomes(
            strategy=self.strategy.name,
            score=self.world.score,
            days=(self.demand.days * DAY - self.counts_from) / DAY,
            syncs=self.syncs,
            refused_snapshots=self.refused,
            centra_requests_peak_hour=self.centra.hour.requests.peak,
            centra_mutations_peak_hour=self.centra.hour.mutations.peak,
            centra_requests_peak_10s=self.centra.ten_seconds.requests.peak,
            centra_mutations_peak_10s=self.centra.ten_seconds.mutations.peak,
            whistl_requests_peak_minute=self.whistl.peak,
            centra_requests=self.centra.hour.requests.total,
            centra_mutations=self.centra.hour.mutations.total,
            stated_risk=self.policy.buffer.risk,
            realised_risk=self.realised.by_velocity(self._units_ordered()),
        )

    # ---- what the product learns
    def _learn(self, tick: int) -> None:
        sold, self.world.sold = self.world.sold, []
        if tick:
            self.learning.count_hour(self._moment(tick - 1), sold)
        if tick % DAY == 0:
            self.guard.learn()
        busyness = self.learning.busyness(self._moment(tick))
        if sold or not 0.9 < busyness / self.planned_for < 1.1:
            self.plan = self._planned(tick)
            self.is_pending[:] = True

    def _planned(self, tick: int) -> StockPlan:
        self.planned_for = self.learning.busyness(self._moment(tick))
        return plan(
            self.learning.velocity(),
            busyness=self.planned_for,
            exposure=self.feed.exposure(),
            groups=policies(self.demand.skus, self._moment(tick), self.policy),
            policy=self.policy,
        )

    # ---- what the product decides
    def _notice(self, where: Rows) -> None:
        self.is_uncounted[where] = self.is_pending[where] = True

    def _allowed(self, at: int) -> Allowance:
        for_stock = 1 - self.policy.cadence.reserved_for_orders
        return allowance(self.centra.quota(at, for_stock))

    def _decide(self, tick: int) -> Decision:
        now = self._moment(tick)
        last_full_at = None if self.last_full is None else self._moment(self.last_full)
        return decide(
            now,
            last_full_at=last_full_at,
            rungs=self.rungs,
            unfinished=self.unfinished,
            sale_begun=sale_begun(self.policy, last_full_at, now),
            feed=Feed(
                last_used_taken_at=self.last_good.taken_at,
                has_newer=self.published is not self.last_read,
            ),
            allowed=self._allowed(tick),
            policy=self.policy.cadence,
        )

    def _sync(self, tick: int, decision: Decision) -> None:
        self._read_snapshot(tick)
        at = tick + self.settings.write_seconds
        is_full = decision.does is StockSync.FULL
        if is_full:
            self.last_full = tick
        fell = self.last_good.available < self.known.available
        is_covered = is_full | (self.minutes <= decision.minutes) | fell
        where = np.flatnonzero(is_covered & self.is_pending)
        self.is_pending[where] = False
        if is_full:
            self.centra.read(tick, len(self.demand.skus))
        self.world.advance(at)
        self.looked_at[is_covered] = self._moment(tick).timestamp()
        self._write(at, where, is_full=is_full)
        self._judge_buffers(at, np.flatnonzero(is_covered))
        self.rungs = in_short(
            self.minutes,
            self.looked_at,
            self.plan.per_hour,
            self.demand.skus,
            self.policy.cadence.ladder_minutes[-1],
        )
        if is_full:
            self.centra.read(at, len(self.demand.skus))  # both systems are compared

    def _judge_buffers(self, at: int, covered: Ints) -> None:
        ladder = self.policy.cadence.ladder_minutes
        rungs = np.searchsorted(ladder, self.minutes[covered])
        self.realised.end_exposures(covered, self.world.unseen)
        self.realised.begin_exposures(
            covered,
            self.last_good.unseen,
            self.plan.buffers_at(rungs, covered),
            counts=at >= self.counts_from and self.planned_for >= TRADING,
        )

    def _read_snapshot(self, tick: int) -> None:
        snapshot, counts = self.published, tick >= self.counts_from
        self.syncs += counts
        if snapshot is self.last_read:
            return
        self.last_read = snapshot
        self.whistl.add(tick, 1 + -(-len(self.demand.skus) // WHISTL_PAGE))
        if self.guard.accepts(snapshot, self.last_good, now=self._moment(tick)):
            where = np.flatnonzero(self.is_uncounted)
            self.is_uncounted[:] = False
            self.learning.count_unseen(
                self.last_good, snapshot, where, is_released=self.guard.is_released
            )
            self.last_good = snapshot
            self.feed.write(snapshot.taken_at, self._moment(tick + self.settings.write_seconds))
        else:
            self.refused += counts

    def _write(self, at: int, where: Ints, *, is_full: bool) -> None:
        """Write what differs of some SKUs, by the last good snapshot."""
        snapshot = self.last_good
        rungs = self.plan.rungs(
            self._steps(snapshot, where, buffer=np.zeros_like(where)).room, where
        )
        ladder = self.policy.cadence.ladder_minutes
        self.minutes[where] = np.asarray(ladder, dtype=np.int64)[rungs]
        steps = self._steps(snapshot, where, buffer=self.plan.buffers_at(rungs, where))
        is_asked = self.known.may_differ(where, steps) | is_full
        if not is_full:
            self.centra.read(at, int(is_asked.sum()))
        self.known.note(where, steps, snapshot.available, is_asked)
        differing = np.flatnonzero(steps.needs_write & is_asked)
        order = hottest_first(self.plan.per_hour[where[differing]], steps.change[differing])
        most = self._allowed(at).batches * SKUS_OF_A_BATCH
        written, left = differing[order[:most]], where[differing[order[most:]]]
        self.is_pending[left], self.minutes[left] = True, ladder[0]
        self.unfinished = len(left)
        self.world.physical[where[written]] = np.maximum(
            steps.physical[written], self.world.allocated[where[written]]
        )
        self.centra.write(at, len(written))

    def _steps(self, snapshot: Snapshot, where: Ints, *, buffer: Ints) -> Reconciled:
        """Reconcile SKUs with a snapshot, by the product's own rule."""
        available, allocated = snapshot.available[where], self.world.allocated[where]
        zero = np.zeros_like(available)
        outside = snapshot.taken[where] - self.world.completed[where]
        held, left = np.maximum(outside, 0), np.maximum(-outside, 0)
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
            self.published = self._take_snapshot(tick)
            self.feed.publish(self.published.taken_at)
        if each and tick % each == 0:
            self._notice(slice(None))  # older events are in it only now

    def _take_snapshot(self, tick: int) -> Snapshot:
        return Snapshot(
            taken_at=self._moment(tick),
            available=self.world.available.copy(),
            taken=self.world.taken.copy(),
            on_order=self.world.on_order.copy(),
            unseen=self.world.unseen.copy(),
        )

    def _units_ordered(self) -> Floats:
        units: Floats = np.zeros(len(self.demand.skus))
        np.add.at(units, self.demand.sku, self.demand.quantity)
        return units

    def _moment(self, second: int) -> datetime:
        return self.demand.starts_at.to_pydatetime() + timedelta(seconds=second)


def run(
    demand: Demand,
    strategy: Strategy,
    settings: WorldSettings | None = None,
    *,
    warm_up_share: float = 0.25,
    on_day: Callable[[], object] = lambda: None,
) -> Outcomes:
    """Replay orders with one strategy and return how it performed.

    Args:
        demand: the orders.
        strategy: what to try.
        settings: the world's; the same for every strategy that is to be compared.
        warm_up_share: of the time, replayed before counting begins.
        on_day: called whenever a day of orders has been replayed.
    """
    return Backtest(demand, strategy, settings or WorldSettings(), warm_up_share).run(on_day)
