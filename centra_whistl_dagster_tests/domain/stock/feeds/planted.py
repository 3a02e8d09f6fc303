"""Feeds that are wrong, of many kinds, each made from a correct one.

Each kind has its strengths in a row. Those at even places were looked at while the guards were
written; those at odd places were held out until they were done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from centra_whistl_dagster_tests.domain.stock.feeds.shops import Feed, Ints

Make = Callable[["Scene", float], Feed]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a planted feed is made from."""

    true: Feed
    """The correct feed of this moment."""
    past: Sequence[Feed]
    """The correct feeds before it, oldest first."""
    feed_minutes: int
    rng: np.random.Generator

    def ago(self, minutes: float) -> Feed:
        """Return the correct feed of some time ago."""
        steps = max(1, round(minutes / self.feed_minutes))
        return self.past[-min(steps, len(self.past))]

    def page(self, share: float) -> slice:
        """Return a run of rows, as pages hold them."""
        count = len(self.true.skus)
        size = max(1, int(share * count))
        start = int(self.rng.integers(0, count - size + 1))
        return slice(start, start + size)


def _with(feed: Feed, at: slice | Ints, other: Feed, source: slice | Ints | None = None) -> Feed:
    """Return a feed with the figures of another one in some rows."""
    taken = at if source is None else source
    columns = {}
    for name in ("on_hand", "allocated", "quarantined"):
        figures = getattr(feed, name).copy()
        figures[at] = getattr(other, name)[taken]
        columns[name] = figures
    return replace(feed, **columns)


def _free(feed: Feed, available: Ints) -> Feed:
    """Return a feed with other units on hand, so that as many are available."""
    on_hand = np.maximum(available + feed.allocated + feed.quarantined, 0)
    allocated = np.minimum(feed.allocated, on_hand)
    return replace(
        feed,
        on_hand=on_hand,
        allocated=allocated,
        quarantined=np.minimum(feed.quarantined, on_hand - allocated),
    )


def _times(scene: Scene, factor: float) -> Feed:
    true = scene.true
    return replace(
        true,
        on_hand=np.floor(true.on_hand * factor).astype(np.int64),
        allocated=np.floor(true.allocated * min(factor, 1)).astype(np.int64),
        quarantined=np.floor(true.quarantined * min(factor, 1)).astype(np.int64),
    )


def _times_all_columns(scene: Scene, factor: float) -> Feed:
    true = scene.true
    return replace(
        true,
        on_hand=(true.on_hand * int(factor)),
        allocated=(true.allocated * int(factor)),
        quarantined=(true.quarantined * int(factor)),
    )


def _plus(scene: Scene, units: float) -> Feed:
    return replace(scene.true, on_hand=scene.true.on_hand + int(units))


def _plus_where_in_stock(scene: Scene, units: float) -> Feed:
    more = np.where(scene.true.available > 0, int(units), 0)
    return replace(scene.true, on_hand=scene.true.on_hand + more)


def _replayed(scene: Scene, hours: float) -> Feed:
    return replace(scene.ago(hours * 60), taken_at=scene.true.taken_at)


def _pages_replayed(scene: Scene, share: float) -> Feed:
    return _with(scene.true, scene.page(share), scene.ago(24 * 60))


def _replayed_with_noise(scene: Scene, hours: float) -> Feed:
    old = scene.ago(hours * 60)
    some = scene.rng.permutation(len(old.skus))[: len(old.skus) // 20]
    return replace(_with(old, some, scene.true), taken_at=scene.true.taken_at)


def _shifted(scene: Scene, rows: float) -> Feed:
    count = len(scene.true.skus)
    return _with(scene.true, slice(None), scene.true, np.roll(np.arange(count), int(rows)))


def _pages_shifted(scene: Scene, share: float) -> Feed:
    page = scene.page(share)
    where = np.arange(page.start, page.stop)
    return _with(scene.true, where, scene.true, np.roll(where, 1))


def _shuffled(scene: Scene, share: float) -> Feed:
    where = scene.rng.permutation(len(scene.true.skus))
    where = where[: max(2, int(share * len(where)))]
    return _with(scene.true, where, scene.true, scene.rng.permutation(where))


def _pages_zero(scene: Scene, share: float) -> Feed:
    nothing = np.zeros_like(scene.true.on_hand)
    zero = replace(scene.true, on_hand=nothing, allocated=nothing, quarantined=nothing)
    return _with(scene.true, scene.page(share), zero)


def _sold_out(scene: Scene, share: float) -> Feed:
    in_stock = scene.rng.permutation(np.flatnonzero(scene.true.available > 0))
    available = scene.true.available.copy()
    available[in_stock[: int(np.ceil(share * len(in_stock)))]] = 0
    return _free(scene.true, available)


def _another_site(scene: Scene, share: float) -> Feed:
    true = scene.true
    there = np.where(
        scene.rng.random(len(true.skus)) < share,
        scene.rng.permutation(np.maximum(true.available, 0)),
        true.available,
    )
    return replace(
        true,
        on_hand=np.maximum(there, 0),
        allocated=np.zeros_like(there),
        quarantined=np.zeros_like(there),
    )


def _digits_cut(scene: Scene, most: float) -> Feed:
    return _free(
        scene.true,
        np.where(scene.true.available >= 0, scene.true.available % int(most), scene.true.available),
    )


def _capped(scene: Scene, most: float) -> Feed:
    return _free(scene.true, np.minimum(scene.true.available, int(most)))


def _constant(scene: Scene, units: float) -> Feed:
    return _free(scene.true, np.full_like(scene.true.on_hand, int(units)))


def _in_packs(scene: Scene, of: float) -> Feed:
    available = scene.true.available
    return _free(scene.true, np.where(available > 0, available // int(of), available))


def _unallocated(scene: Scene, share: float) -> Feed:
    where = scene.rng.random(len(scene.true.skus)) < share
    return replace(scene.true, allocated=np.where(where, 0, scene.true.allocated))


def _allocated_again(scene: Scene, times: float) -> Feed:
    return replace(scene.true, allocated=(scene.true.allocated * times).astype(np.int64))


def _all_quarantined(scene: Scene, share: float) -> Feed:
    where = scene.rng.random(len(scene.true.skus)) < share
    free = np.maximum(scene.true.available, 0)
    more = np.where(where, free, 0)
    return replace(scene.true, quarantined=scene.true.quarantined + more)


def _shortened(scene: Scene, share: float) -> Feed:
    return scene.true.rows(np.arange(int(len(scene.true.skus) * share)))


def _rows_lost_at_random(scene: Scene, share: float) -> Feed:
    return scene.true.rows(scene.rng.random(len(scene.true.skus)) >= share)


def _another_clients_rows(scene: Scene, share: float) -> Feed:
    true, count = scene.true, len(scene.true.skus)
    more = max(1, int(share * count))
    units = scene.rng.integers(1, 60, more)

    def longer(column: Ints, new: Ints) -> Ints:
        return np.concatenate([column, new])

    zeros = np.zeros(more, np.int64)
    return replace(
        true,
        skus=longer(true.skus, np.arange(1_000_000, 1_000_000 + more)),
        on_hand=longer(true.on_hand, units),
        allocated=longer(true.allocated, zeros),
        quarantined=longer(true.quarantined, zeros),
        on_order=None if true.on_order is None else longer(true.on_order, zeros),
    )


def _renamed(scene: Scene, share: float) -> Feed:
    hit = scene.rng.random(len(scene.true.skus)) < share
    return replace(scene.true, skus=np.where(hit, scene.true.skus + 2_000_000, scene.true.skus))


def _best_sellers_times(scene: Scene, factor: float) -> Feed:
    """Spoil the SKUs that move most: few, and the ones that matter."""
    moved = np.zeros(len(scene.true.skus), np.int64)
    for old, new in zip(scene.past[-60:-1], scene.past[-59:], strict=True):
        moved += new.available != old.available
    hot = np.argsort(-moved, kind="stable")[: max(12, len(moved) // 12)]
    available = scene.true.available.copy()
    available[hot] = np.floor(np.maximum(available[hot], 1) * factor).astype(np.int64)
    return _free(scene.true, available)


def _one_row_huge(scene: Scene, units: float) -> Feed:
    on_hand = scene.true.on_hand.copy()
    on_hand[int(scene.rng.integers(len(on_hand)))] += int(units)
    return replace(scene.true, on_hand=on_hand)


def _dated(scene: Scene, minutes: float) -> Feed:
    return replace(scene.true, taken_at=scene.true.taken_at + timedelta(minutes=minutes))


def _unreadable_rows(scene: Scene, share: float) -> Feed:
    kept = scene.rng.random(len(scene.true.skus)) >= share
    lost = int(np.count_nonzero(~kept))
    return replace(scene.true.rows(kept), lost_rows=lost, announced=len(kept))


def _pages_missing(scene: Scene, share: float) -> Feed:
    kept = np.arange(len(scene.true.skus))
    page = scene.page(share)
    return replace(scene.true.rows(np.delete(kept, page)), announced=len(kept))


def _unfinished(scene: Scene, share: float) -> Feed:
    return replace(_shortened(scene, share), is_complete=False)


SINGLE: dict[str, tuple[Make, tuple[float, ...]]] = {
    "units on hand multiplied": (_times, (10, 100, 2, 3, 0.5, 0.1, 1.5, 0.7)),
    "every column multiplied": (_times_all_columns, (10, 100, 2, 3)),
    "units added to each row": (_plus, (1_000_000, 1_000, 1, 5, 50, 20)),
    "units added where there are some": (_plus_where_in_stock, (1_000, 100, 2, 10)),
    "old stock under a new date": (_replayed, (24, 48, 12, 18, 36, 30)),
    "old stock with some new rows": (_replayed_with_noise, (24, 36, 48, 30)),
    "old pages among new ones": (_pages_replayed, (0.5, 0.75, 0.34, 0.4)),
    "figures shifted by rows": (_shifted, (1, 2, -1, 37, 200, 5)),
    "pages shifted by a row": (_pages_shifted, (0.5, 0.75, 0.2, 0.3, 0.12, 0.15)),
    "figures shuffled": (_shuffled, (1.0, 0.6, 0.25, 0.4)),
    "pages of nothing": (_pages_zero, (0.5, 0.9, 0.2, 0.35, 0.1, 0.15, 1.0, 0.7)),
    "SKUs sold out that are not": (_sold_out, (1.0, 0.7, 0.3, 0.5, 0.12, 0.2)),
    "another site's stock": (_another_site, (1.0, 0.9, 0.5, 0.7)),
    "digits cut off": (_digits_cut, (10, 8, 5, 6)),
    "figures capped": (_capped, (3, 4, 1, 2)),
    "one figure in each row": (_constant, (1, 5, 99, 10)),
    "counted in packs": (_in_packs, (6, 12, 2, 10)),
    "nothing allocated": (_unallocated, (1.0, 0.9, 0.5, 0.75)),
    "allocated twice and more": (_allocated_again, (3, 4, 2, 2.5)),
    "everything in quarantine": (_all_quarantined, (1.0, 0.9, 0.4, 0.6)),
    "rows cut off": (_shortened, (0.5, 0.7, 0.9, 0.8)),
    "rows left out": (_rows_lost_at_random, (0.5, 0.3, 0.1, 0.2)),
    "another client's rows": (_another_clients_rows, (1.0, 0.7, 0.3, 0.5)),
    "SKUs renamed": (_renamed, (1.0, 0.6, 0.15, 0.3)),
    "best sellers multiplied": (_best_sellers_times, (10, 20, 0, 5, 3, 4)),
    "one row far too large": (_one_row_huge, (1_000_000, 5_000_000)),
    "another date": (_dated, (45, 120, 2000, 400, -400, -2000)),
    "rows that cannot be read": (_unreadable_rows, (0.3, 0.5, 0.04, 0.1)),
    "pages missing": (_pages_missing, (0.3, 0.5, 0.02, 0.1)),
    "not finished": (_unfinished, (0.5, 0.8, 1.0, 0.95)),
}
"""By kind: how a feed is spoiled, and the strengths."""


# ---- feeds that go wrong little by little
def _drip_to_zero(scene: Scene, feeds: Iterable[Feed], share: float) -> Iterator[Feed]:
    order = scene.rng.permutation(np.flatnonzero(scene.true.available > 0))
    for number, true in enumerate(feeds, start=1):
        gone = order[: int(len(order) * share * number)]
        available = true.available.copy()
        available[gone] = np.minimum(available[gone], 0)
        yield _free(true, available)


def _drip_of_units(scene: Scene, feeds: Iterable[Feed], share: float) -> Iterator[Feed]:
    for number, true in enumerate(feeds, start=1):
        left = (1 - share) ** number
        free = np.where(true.available > 0, np.ceil(true.available * left), true.available)
        yield _free(true, free.astype(np.int64))


def _swelling(scene: Scene, feeds: Iterable[Feed], share: float) -> Iterator[Feed]:
    for number, true in enumerate(feeds, start=1):
        more = (1 + share) ** number
        free = np.where(true.available > 0, np.floor(true.available * more), true.available)
        yield _free(true, free.astype(np.int64))


def _swelling_sku_by_sku(scene: Scene, feeds: Iterable[Feed], share: float) -> Iterator[Feed]:
    order = scene.rng.permutation(len(scene.true.skus))
    for number, true in enumerate(feeds, start=1):
        hit = order[: int(len(order) * share * number)]
        available = true.available.copy()
        available[hit] += 10
        yield _free(true, available)


def _standing_still(scene: Scene, feeds: Iterable[Feed], _strength: float) -> Iterator[Feed]:
    frozen = scene.past[-1]
    for true in feeds:
        yield replace(frozen, taken_at=true.taken_at)


Drip = Callable[[Scene, Iterable[Feed], float], Iterator[Feed]]

LITTLE_BY_LITTLE: dict[str, tuple[Drip, tuple[float, ...]]] = {
    "SKUs drip to zero": (_drip_to_zero, (0.019, 0.015, 0.005, 0.01, 0.002, 0.003)),
    "units drip away": (_drip_of_units, (0.019, 0.03, 0.005, 0.01)),
    "units swell": (_swelling, (0.02, 0.03, 0.005, 0.01)),
    "SKUs swell one by one": (_swelling_sku_by_sku, (0.015, 0.01, 0.004, 0.006)),
    "the same stock under each new date": (_standing_still, (1, 1)),
}
