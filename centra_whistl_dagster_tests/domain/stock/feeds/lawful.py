"""Correct feeds after unusual days, and after changes so large that a person has to say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from centra_whistl_dagster_tests.domain.stock.feeds.shops import Feed, Ints, Shop

Day = Callable[[Shop, float], Iterator[Feed]]


def _steps(shop: Shop, hours: float) -> range:
    return range(max(2, int(hours * 60 / shop.settings.feed_minutes)))


def _trading(shop: Shop, boost: float) -> Iterator[Feed]:
    for _ in _steps(shop, 12):
        shop.step(boost=boost)
        yield shop.feed()


def _marketplace_rush(shop: Shop, share: float) -> Iterator[Feed]:
    for _ in _steps(shop, 6):
        shop.step(boost=2, unseen_share=share)
        yield shop.feed()


def _delivery(shop: Shop, share: float) -> Iterator[Feed]:
    some = shop.rng.permutation(shop.settings.skus)[: max(2, int(shop.settings.skus * share))]
    shop.order(some, np.maximum(shop.target[some] // 2, 2))
    for _ in _steps(shop, 6):
        shop.step()
        yield shop.feed()


def _gap(shop: Shop, hours: float) -> Iterator[Feed]:
    for _ in _steps(shop, hours):
        shop.step()
    yield shop.feed()
    for _ in range(3):
        shop.step()
        yield shop.feed()


def _returns_booked_in(shop: Shop, share: float) -> Iterator[Feed]:
    shop.step()
    back = shop.rng.permutation(shop.settings.skus)[: max(1, int(shop.settings.skus * share))]
    shop.on_hand[back] += 1
    yield shop.feed()


def _cycle_count(shop: Shop, share: float) -> Iterator[Feed]:
    shop.step()
    some = shop.rng.permutation(shop.settings.skus)[: max(1, int(shop.settings.skus * share))]
    found = shop.rng.choice([-1, 1], len(some))
    shop.on_hand[some] += np.where(shop.available[some] > 0, found, 1)
    yield shop.feed()


def _discontinued(shop: Shop, share: float) -> Iterator[Feed]:
    for _ in range(3):
        shop.step()
        gone = np.flatnonzero(shop.available == 0)
        gone = gone[: int(shop.settings.skus * share)]
        yield shop.feed().rows(np.delete(np.arange(shop.settings.skus), gone))


def _damaged_box(shop: Shop, share: float) -> Iterator[Feed]:
    shop.step()
    some = shop.rng.permutation(np.flatnonzero(shop.available > 2))
    some = some[: max(1, int(len(some) * share))]
    shop.quarantined[some] += shop.available[some] // 2
    yield shop.feed()


def _few_new_skus(shop: Shop, share: float) -> Iterator[Feed]:
    shop.step()
    yield _with_new(shop, _units_of_new(shop, int(shop.settings.skus * share)))


LAWFUL: dict[str, tuple[Day, tuple[float, ...]]] = {
    "usual trading": (_trading, (1, 1, 1, 1)),
    "a quiet day": (_trading, (0.2, 0.1)),
    "a sale": (_trading, (4, 3, 8, 6)),
    "a rush on another channel": (_marketplace_rush, (0.3, 0.4, 0.6, 0.5)),
    "goods in": (_delivery, (0.02, 0.04, 0.08, 0.06)),
    "no feed for hours": (_gap, (2, 3, 10, 6)),
    "returns booked in together": (_returns_booked_in, (0.01, 0.015, 0.03, 0.02)),
    "some SKUs counted": (_cycle_count, (0.01, 0.015, 0.03, 0.02)),
    "discontinued SKUs left out": (_discontinued, (0.01, 0.02, 0.04, 0.03)),
    "damaged goods set aside": (_damaged_box, (0.005, 0.01)),
    "some new SKUs": (_few_new_skus, (0.01, 0.02, 0.05, 0.04)),
}
"""Days whose feeds should be used without anybody being asked."""


# ---- changes that only a person can tell from a fault
def _units_of_new(shop: Shop, count: int) -> Ints:
    return shop.rng.integers(5, 80, max(1, count))


def _with_new(shop: Shop, units: Ints) -> Feed:
    feed, count = shop.feed(), len(units)
    zeros = np.zeros(count, np.int64)
    return Feed(
        taken_at=feed.taken_at,
        skus=np.concatenate([feed.skus, np.arange(500_000, 500_000 + count)]),
        on_hand=np.concatenate([feed.on_hand, units]),
        allocated=np.concatenate([feed.allocated, zeros]),
        quarantined=np.concatenate([feed.quarantined, zeros]),
        on_order=None if feed.on_order is None else np.concatenate([feed.on_order, zeros]),
    )


def _clear_out(shop: Shop, share: float) -> Iterator[Feed]:
    shop.step()
    some = shop.rng.permutation(shop.settings.skus)[: int(shop.settings.skus * share)]
    shop.on_hand[some] -= np.maximum(shop.available[some], 0)
    yield from _then(shop)


def _collection(shop: Shop, count: float) -> Iterator[Feed]:
    units = _units_of_new(shop, int(count))
    for _ in range(6):
        shop.step()
        yield _with_new(shop, units.copy())
        units -= shop.rng.random(len(units)) < 0.02


def _stock_take(shop: Shop, share: float) -> Iterator[Feed]:
    shop.step()
    some = shop.rng.random(shop.settings.skus) < share
    counted = shop.available + shop.rng.integers(-3, 4, shop.settings.skus)
    shop.on_hand += np.where(some, np.maximum(counted, 0) - shop.available, 0)
    yield from _then(shop)


def _move(shop: Shop, lost: float) -> Iterator[Feed]:
    """Move to another building: less is there, and where much was, more was lost."""
    shop.step()
    free = np.maximum(shop.available, 0)
    shop.on_hand -= shop.rng.binomial(free, lost)
    yield from _then(shop)


def _then(shop: Shop) -> Iterator[Feed]:
    yield shop.feed()
    for _ in range(6):
        shop.step()
        yield shop.feed()


LARGE: dict[str, tuple[Day, tuple[float, ...]]] = {
    "clear-out": (_clear_out, (0.6, 0.5, 0.95, 0.8)),
    "new collection": (_collection, (3000, 2000)),
    "stock-take": (_stock_take, (1.0, 0.8, 0.5, 0.6)),
    "warehouse move": (_move, (0.3, 0.5, 0.8, 0.6)),
}
"""True, and as large as a fault: one release with a preview, and then no more."""
