"""A warehouse over days of trading, and the stock feeds it publishes: the truth of the feed tests.

Nothing of the product is used here, so that its reading of the world is not repeated by its test.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
_BY_HOUR = np.array([2, 1, 1, 1, 1, 2, 4, 6, 7, 8, 9, 9, 10, 9, 8, 8, 8, 9, 11, 13, 14, 12, 8, 4])


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One published snapshot. Arrays have one element a row, `skus` says whose."""

    taken_at: datetime
    skus: Ints
    """Numbers instead of names. Those of the shop are 0 upwards."""
    on_hand: Ints
    allocated: Ints
    quarantined: Ints
    on_order: Ints | None
    """None where this warehouse does not say."""
    is_complete: bool = True
    announced: int | None = None
    lost_rows: int = 0
    """Rows that cannot be read."""

    @property
    def available(self) -> Ints:
        """What the row says is free: the rows of a planted feed add up too."""
        return self.on_hand - self.allocated - self.quarantined

    def rows(self, where: npt.NDArray[np.bool_] | Ints) -> Feed:
        """Return the feed with some of its rows only."""
        return replace(
            self,
            skus=self.skus[where],
            on_hand=self.on_hand[where],
            allocated=self.allocated[where],
            quarantined=self.quarantined[where],
            on_order=None if self.on_order is None else self.on_order[where],
        )


@dataclass(frozen=True, kw_only=True)
class Ours:
    """What our ledger holds of our own orders at a moment, by SKU number."""

    taken: Ints
    """Units that Whistl allocated to our orders, ever, less those it gave back."""
    left: Ints
    """Units in our parcels that left, ever."""
    reserved: Ints
    """Allocated to our orders and still in the building."""


@dataclass(frozen=True, kw_only=True)
class ShopSettings:
    """What kind of shop it is."""

    name: str
    seed: int
    skus: int
    lines_a_day: float
    unseen_share: float = 0.1
    """Of the lines, those of other channels."""
    feed_minutes: int = 15
    cover_days: float = 30.0
    shows_on_order: bool = False
    returned_share: float = 0.2
    delivery_days: tuple[int, ...] = (1, 3)
    """Weekdays, Monday is 0."""
    late_share: float = 0.02
    """Of our despatches in the last feed's time, those that the ledger hears of after it."""


@dataclass
class Shop:
    """The warehouse's truth, moved on by `step`."""

    settings: ShopSettings
    demand: npt.NDArray[np.float64] | None = None
    """The SKUs' shares of demand, where it comes from real invoices."""
    now: datetime = MONDAY
    on_hand: Ints = field(init=False)
    ours_in: Ints = field(init=False)
    """Allocated to our orders, still in the building."""
    others_in: Ints = field(init=False)
    quarantined: Ints = field(init=False)
    on_order: Ints = field(init=False)
    taken: Ints = field(init=False)
    left: Ints = field(init=False)

    def __post_init__(self) -> None:
        count = self.settings.skus
        self.rng = np.random.default_rng(self.settings.seed)
        if self.demand is None:
            weights = 1 / np.arange(1, count + 1) ** 0.8
            self.demand = self.rng.permutation(weights / weights.sum())
        daily = self.demand * self.settings.lines_a_day * 1.3
        cover = self.settings.cover_days * self.rng.uniform(0.1, 1.6, count)
        self.target = np.ceil(daily * self.settings.cover_days).astype(np.int64) + 3
        self.on_hand = np.floor(daily * cover).astype(np.int64) + self.rng.integers(0, 8, count)
        self.on_hand[self.rng.random(count) < 0.12] = 0
        self.quarantined = np.minimum(self.on_hand, self.rng.random(count) < 0.03).astype(np.int64)
        self.ours_in, self.others_in = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.on_order = np.zeros(count, np.int64)
        self.taken, self.left = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._leaving: dict[int, list[tuple[Ints, Ints, bool]]] = defaultdict(list)
        self._arriving: dict[int, list[tuple[Ints, Ints]]] = defaultdict(list)
        self._late = np.zeros(count, np.int64)
        self._step = 0

    # ---- what happens
    def step(self, *, boost: float = 1.0, unseen_share: float | None = None) -> None:
        """Let one feed's time of trading pass."""
        minutes = self.settings.feed_minutes
        self._step += 1
        self.now += timedelta(minutes=minutes)
        unseen = self.settings.unseen_share if unseen_share is None else unseen_share
        by_hour = _BY_HOUR[self.now.hour] / _BY_HOUR.mean()
        lines = self.settings.lines_a_day * by_hour * minutes / 1440 * boost
        self._sell(lines * (1 - unseen), is_ours=True)
        self._sell(lines * unseen, is_ours=False)
        self._despatch()
        self._warehouse_work(self.settings.lines_a_day * minutes / 1440)
        self._deliveries(minutes)

    def _sell(self, lines: float, *, is_ours: bool) -> None:
        count = self.rng.poisson(lines)
        skus = self.rng.choice(self.settings.skus, count, p=self.demand)
        wanted = np.bincount(
            skus, np.minimum(self.rng.geometric(0.8, count), 6), self.settings.skus
        ).astype(np.int64)
        sold = np.minimum(wanted, np.maximum(self.available, 0))
        (where,) = np.nonzero(sold)
        if not len(where):
            return
        if is_ours:
            self.ours_in += sold
            self.taken += sold
        else:
            self.others_in += sold
        hours = self.rng.integers(2, 26, 3)
        for part in range(3):
            mine = where[part::3]
            at = self._step + 1 + int(hours[part] * 60 // self.settings.feed_minutes)
            self._leaving[at].append((mine, sold[mine], is_ours))

    def _despatch(self) -> None:
        self.left += self._late
        self._late[:] = 0
        for where, units, is_ours in self._leaving.pop(self._step, []):
            self.on_hand[where] -= units
            if not is_ours:
                self.others_in[where] -= units
                continue
            self.ours_in[where] -= units
            late = self.rng.random(len(where)) < self.settings.late_share
            self.left[where] += np.where(late, 0, units)
            self._late[where] += np.where(late, units, 0)

    def _warehouse_work(self, lines: float) -> None:
        back = self.rng.choice(
            self.settings.skus,
            self.rng.poisson(lines * self.settings.returned_share),
            p=self.demand,
        )
        np.add.at(self.on_hand, back, 1)
        for sku in self.rng.choice(self.settings.skus, self.rng.poisson(lines * 0.01)):
            lost = min(1, int(self.available[sku]))
            self.on_hand[sku] -= lost
        for sku in self.rng.choice(self.settings.skus, self.rng.poisson(lines * 0.01)):
            self.quarantined[sku] += min(1, max(0, int(self.available[sku])))
        for sku in self.rng.choice(self.settings.skus, self.rng.poisson(lines * 0.01)):
            if self._given_back(int(sku)):
                self.taken[sku] -= 1

    def _given_back(self, sku: int) -> bool:
        """Cancel one unit of ours that is still in the building."""
        for parcels in self._leaving.values():
            for where, units, is_ours in parcels:
                at = np.flatnonzero(where == sku)
                if is_ours and len(at) and units[at[0]] > 0:
                    units[at[0]] -= 1
                    self.ours_in[sku] -= 1
                    return True
        return False

    def _deliveries(self, minutes: int) -> None:
        is_first_at_seven = self.now.hour == 7 and self.now.minute < minutes
        if is_first_at_seven and self.now.weekday() in self.settings.delivery_days:
            short = np.flatnonzero(self.available + self.on_order < self.target * 0.3)
            some = self.rng.permutation(short)[: max(2, self.settings.skus // 40)]
            self.order(some, self.target[some] - np.maximum(self.available[some], 0))
        for where, units in self._arriving.pop(self._step, []):
            self.on_hand[where] += units
            self.on_order[where] -= units

    def order(self, skus: Ints, units: Ints) -> None:
        """Announce goods in; the warehouse puts them away during the coming hours."""
        self.on_order[skus] += units
        steps = max(1, 240 // self.settings.feed_minutes)
        for part, sku in enumerate(skus.tolist()):
            at = self._step + 2 + part % steps
            self._arriving[at].append((np.array([sku]), units[part : part + 1]))

    # ---- what is published
    @property
    def available(self) -> Ints:
        """Units that may be sold."""
        return self.on_hand - self.ours_in - self.others_in - self.quarantined

    def feed(self) -> Feed:
        """Return the correct feed of this moment."""
        return Feed(
            taken_at=self.now,
            skus=np.arange(self.settings.skus),
            on_hand=self.on_hand.copy(),
            allocated=self.ours_in + self.others_in,
            quarantined=self.quarantined.copy(),
            on_order=self.on_order.copy() if self.settings.shows_on_order else None,
        )

    def ours(self) -> Ours:
        """Return what our ledger knows at this moment."""
        return Ours(
            taken=self.taken.copy(), left=self.left.copy(), reserved=self.ours_in + self._late
        )
