"""A simulated shop and warehouse that replay past orders, and the count of what went wrong.

The world is harder than most on purpose: every SKU is bought in for about four weeks, once a week,
and takes a week to arrive, so that it sells out often; a tenth of the orders take stock without the
shop hearing of it.

Does not belong here: any stock rule; those are the product's, driven by `run`.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from centra_whistl_dagster.backtest.demand import Demand
from centra_whistl_dagster.domain.stock.arrays import Bools, Ints

DAY = 86_400
TICK = 60
"""Seconds from one decision about stock to the next."""

Event = Callable[[int, int, int, int], None]
"""Takes the second, the SKU's position, its units, and how many of them were there when sold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSettings:
    """How the world behaves. The product chooses none of it."""

    seed: int = 7
    relay_seconds: int = 30
    """From an order in the shop to Whistl having it."""
    allocate_seconds: int = 60
    """From there to Whistl taking the order's units out of `available`."""
    blocked_share: float = 0.02
    """Of the orders, those that wait for a person first."""
    blocked_seconds: int = 4 * 3600
    fulfil_seconds: tuple[int, int] = (3 * 3600, 27 * 3600)
    """From allocation to the shipment being complete in Centra: shortest and longest."""
    write_seconds: int = 20
    """From a snapshot being taken to its numbers being in Centra."""
    publishes_each_seconds: int = 0
    """How often Whistl takes a snapshot; 0 when it takes one on request."""
    cover_days: float = 28.0
    """Stock is bought up to this many days of the SKU's average demand."""
    lead_days: float = 7.0
    review_days: int = 7


@dataclass(slots=True)
class Score:
    """What went wrong, in units, since counting began."""

    ordered: int = 0
    """Wanted by shoppers in the shop."""
    accepted: int = 0
    oversold: int = 0
    """Accepted, and not there when Whistl came to allocate them."""
    taken_first: int = 0
    """Of those, units that were there when the shop sold them: the other channel took them before
    Whistl had the order. No stock figure can prevent it, only a faster order."""
    taken_just_before: int = 0
    """Accepted, and gone already, but for so short a time that no snapshot showed it whose figures
    could be in Centra by then."""
    withheld: int = 0
    """Refused by the shop although they were there and promised to nobody."""
    lost: int = 0
    """Refused because there were none."""
    unseen: int = 0
    """Taken by the other channel."""


@dataclass(slots=True)
class World:
    """The true stock of both systems. Arrays have one element a SKU."""

    demand: Demand
    settings: WorldSettings
    counts_from: int
    """The second from which `score` counts."""
    score: Score = field(default_factory=Score)
    available: Ints = field(init=False)
    taken: Ints = field(init=False)
    """Units that Whistl has taken for our orders, ever."""
    completed: Ints = field(init=False)
    """Units in shipments that Centra holds as complete, ever."""
    physical: Ints = field(init=False)
    """Centra's."""
    allocated: Ints = field(init=False)
    """Centra's: sold and not complete."""
    untaken: Ints = field(init=False)
    """Of the allocated, what Whistl has not taken yet."""
    touched: set[int] = field(default_factory=set)
    """SKUs that something happened to since the product last read them."""
    unseen: Ints = field(init=False)
    """Units that the other channel has taken, ever."""
    sold: list[tuple[int, int, int]] = field(default_factory=list)
    """Second, SKU and units of each line accepted since the product last read them."""
    _lately: dict[int, deque[tuple[int, int]]] = field(default_factory=dict)
    """By SKU: the second and units of what the other channel has taken lately."""
    on_order: Ints = field(init=False)
    """Units bought in that have not arrived."""
    _target: Ints = field(init=False)
    _blocked: Bools = field(init=False)
    """By order: an exception keeps it for a while."""
    _backorders: dict[int, deque[list[int]]] = field(default_factory=dict)
    _agenda: list[tuple[int, int, Event, int, int, int]] = field(default_factory=list)
    _next_line: int = 0
    _ids: int = 0
    _rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        skus, demand = len(self.demand.skus), self.demand
        self._rng = np.random.default_rng(self.settings.seed)
        daily = np.bincount(demand.sku, demand.quantity, skus) / demand.days
        self._target = np.ceil(daily * self.settings.cover_days).astype(np.int64)
        self.available = self._target.copy()
        self.physical = self._target.copy()
        self.taken, self.completed = np.zeros(skus, np.int64), np.zeros(skus, np.int64)
        self.allocated, self.untaken = np.zeros(skus, np.int64), np.zeros(skus, np.int64)
        self.on_order, self.unseen = np.zeros(skus, np.int64), np.zeros(skus, np.int64)
        orders = int(demand.order.max()) + 1
        self._blocked = self._rng.random(orders) < self.settings.blocked_share
        for day in range(self.settings.review_days, demand.days, self.settings.review_days):
            self._later(day * DAY, self._review)

    def advance(self, until: int) -> None:
        """Let everything happen that happens before a second, in the order of time."""
        seconds, lines = self.demand.seconds, len(self.demand.seconds)
        while True:
            line_at = int(seconds[self._next_line]) if self._next_line < lines else until
            event_at = self._agenda[0][0] if self._agenda else until
            if min(line_at, event_at) >= until:
                return
            if event_at <= line_at:
                at, _, event, sku, units, covered = heapq.heappop(self._agenda)
                self.touched.add(sku)
                event(at, sku, units, covered)
            else:
                self._order_line(self._next_line, line_at)
                self._next_line += 1

    # ---- what happens
    def _order_line(self, line: int, at: int) -> None:
        sku, wanted = int(self.demand.sku[line]), int(self.demand.quantity[line])
        self.touched.add(sku)
        if self.demand.is_unseen[line]:
            sold = min(wanted, max(0, int(self.available[sku])))
            self.available[sku] -= sold
            self.unseen[sku] += sold
            self._lately.setdefault(sku, deque(maxlen=20)).append((at, sold))
            self.score.unseen += sold * (at >= self.counts_from)
            return
        free = max(0, int(self.physical[sku] - self.allocated[sku]))
        there = max(0, int(self.available[sku] - self.untaken[sku]))
        bought = min(wanted, free)
        if at >= self.counts_from:
            withheld = max(0, min(wanted, there) - bought)
            self.score.ordered += wanted
            self.score.accepted += bought
            self.score.withheld += withheld
            self.score.lost += wanted - bought - withheld
            if bought > there:
                self.score.taken_just_before += min(bought - there, self._too_late_to_tell(sku, at))
        if bought:
            self.allocated[sku] += bought
            self.untaken[sku] += bought
            self.sold.append((at, sku, bought))
            waits = self.settings.relay_seconds + self.settings.allocate_seconds
            waits += self.settings.blocked_seconds * bool(self._blocked[self.demand.order[line]])
            self._later(at + waits, self._allocate, sku, bought, min(bought, there))

    def _too_late_to_tell(self, sku: int, at: int) -> int:
        """Return the units taken since the newest snapshot whose figures could be in Centra."""
        each = self.settings.publishes_each_seconds or TICK
        taken_by = (at - self.settings.write_seconds) // each * each
        return sum(units for taken_at, units in self._lately.get(sku, ()) if taken_at >= taken_by)

    def _allocate(self, at: int, sku: int, units: int, covered: int) -> None:
        there = min(units, max(0, int(self.available[sku])))
        self._take(at, sku, there)
        if there < units:
            short = (units - there) * (at >= self.counts_from)
            self.score.oversold += short
            self.score.taken_first += max(0, short - (units - covered))
            self._backorders.setdefault(sku, deque()).append([units - there])

    def _take(self, at: int, sku: int, units: int) -> None:
        if units:
            self.available[sku] -= units
            self.taken[sku] += units
            self.untaken[sku] -= units
            shortest, longest = self.settings.fulfil_seconds
            completed_at = at + int(self._rng.integers(shortest, longest))
            self._later(completed_at, self._complete, sku, units)

    def _complete(self, _at: int, sku: int, units: int, _covered: int) -> None:
        self.physical[sku] -= units
        self.allocated[sku] -= units
        self.completed[sku] += units

    def _review(self, at: int, _sku: int, _units: int, _covered: int) -> None:
        short = self._target - (self.available - self.untaken + self.on_order)
        for sku in np.flatnonzero(short > 0):
            self.on_order[sku] += short[sku]
            arrives = (
                at + int(self.settings.lead_days * DAY) + int(self._rng.integers(8, 17)) * 3600
            )
            arrives += int(self._rng.integers(0, 3600))
            self._later(arrives, self._arrive, int(sku), int(short[sku]))

    def _arrive(self, at: int, sku: int, units: int, _covered: int) -> None:
        self.available[sku] += units
        self.on_order[sku] -= units
        waiting = self._backorders.get(sku, deque())
        while waiting and self.available[sku] > 0:
            now = min(waiting[0][0], int(self.available[sku]))
            waiting[0][0] -= now
            if not waiting[0][0]:
                waiting.popleft()
            self._take(at, sku, now)

    def _later(self, at: int, event: Event, sku: int = 0, units: int = 0, covered: int = 0) -> None:
        self._ids += 1
        heapq.heappush(self._agenda, (at, self._ids, event, sku, units, covered))
