"""Try the guards on planted and on correct feeds, and count what they make of them."""

from __future__ import annotations

import copy
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

import numpy as np

from centra_whistl_dagster.backtest.guarding import LATELY, FeedGuard
from centra_whistl_dagster.domain.stock.feed_movement import Compared, below_ours, measure
from centra_whistl_dagster.domain.stock.guard_policy import GuardPolicy
from centra_whistl_dagster.domain.stock.guards import Against, Outcome, SnapshotFacts, Verdict
from centra_whistl_dagster_tests.domain.stock.feeds.lawful import LARGE, LAWFUL
from centra_whistl_dagster_tests.domain.stock.feeds.planted import (
    LITTLE_BY_LITTLE,
    SINGLE,
    Drip,
    Scene,
)
from centra_whistl_dagster_tests.domain.stock.feeds.shops import Feed, Ints, Ours, Shop

READ_AFTER = timedelta(seconds=40)
"""From a snapshot being taken to its being judged."""


@dataclass
class Desk:
    """What our side remembers: the guard, the last good feed, and our own orders over time."""

    policy: GuardPolicy = field(default_factory=GuardPolicy)
    last: Feed | None = None
    shop_free: Ints | None = None
    """What Centra has for sale, by SKU number."""
    ours: list[tuple[datetime, Ours]] = field(default_factory=list)
    ours_at_last: Ours | None = None
    seen: int = 0
    clock: datetime | None = None
    """The time; that of each feed where None."""

    def __post_init__(self) -> None:
        self.guard = FeedGuard(self.policy)

    def see(self, feed: Feed, ours: Ours) -> tuple[Verdict, Feed]:
        """Judge a feed, and return the rows that would be used of it; remember nothing."""
        _, verdict, kept = self._judged(feed, ours)
        return verdict, kept

    def take(self, feed: Feed, ours: Ours, *, release: bool = False) -> Verdict:
        """Judge a feed, and use it if it may be used or a person releases it."""
        facts, verdict, kept = self._judged(feed, ours)
        is_refused = verdict.outcome is Outcome.QUARANTINE
        if is_refused and not release:
            return verdict
        self.guard.use(facts, is_released=is_refused)
        self.last, self.ours_at_last = kept, ours
        self.ours.append((feed.taken_at, ours))
        self.seen += 1
        if self.seen % 20 == 0:
            self.guard.learn()
        while len(self.ours) > 1 and self.ours[1][0] <= feed.taken_at - LATELY:
            self.ours.pop(0)
        return verdict

    def _judged(self, feed: Feed, ours: Ours) -> tuple[SnapshotFacts, Verdict, Feed]:
        fits = np.maximum(feed.on_hand, np.abs(feed.available)) <= self.policy.most_units_of_a_sku
        usable = feed.rows(fits)
        compared, numbers = self._compared(usable, ours)
        kept = usable.rows(~np.isin(usable.skus, numbers[below_ours(compared)]))
        last = self.last
        rows = len(feed.skus) + feed.lost_rows
        facts = SnapshotFacts(
            snapshot_id="S",
            taken_at=feed.taken_at,
            is_complete=feed.is_complete,
            rows_announced=rows if feed.announced is None else feed.announced,
            rows=rows,
            bad_rows=feed.lost_rows + int(np.count_nonzero(~fits)),
            against=Against(
                taken_at=last.taken_at if last else None,
                rows=len(last.skus) if last else 0,
                still_named=int(np.isin(last.skus, usable.skus).sum()) if last else 0,
                counts=measure(compared),
            ),
        )
        return facts, self.guard.verdict(facts, now=self._now(feed)), kept

    def _now(self, feed: Feed) -> datetime:
        return (self.clock or feed.taken_at) + READ_AFTER

    def _compared(self, feed: Feed, ours: Ours) -> tuple[Compared, Ints]:
        last, known = self.last, len(ours.taken)
        numbers = np.unique(np.concatenate([feed.skus, last.skus if last else feed.skus[:0]]))
        before = last or feed.rows(np.zeros(len(feed.skus), bool))
        at_last = self.ours_at_last or ours
        lately = self.ours[0][1] if self.ours else ours
        is_ours = numbers < known

        def of(side: Feed, values: Ints) -> Ints:
            found = np.zeros(len(numbers), np.int64)
            found[np.searchsorted(numbers, side.skus)] = values
            return found

        def our(values: Ints) -> Ints:
            found = np.zeros(len(numbers), np.int64)
            found[is_ours] = values[numbers[is_ours]]
            return found

        def on_order(side: Feed) -> Ints:
            return of(side, np.full(len(side.skus), -1) if side.on_order is None else side.on_order)

        nothing = np.zeros(known, np.int64)
        return Compared(
            in_now=np.isin(numbers, feed.skus),
            in_before=np.isin(numbers, before.skus),
            in_shop=is_ours & (self.shop_free is not None),
            available_now=of(feed, feed.available),
            available_before=of(before, before.available),
            on_hand_now=of(feed, feed.on_hand),
            on_hand_before=of(before, before.on_hand),
            on_order_now=on_order(feed),
            on_order_before=on_order(before),
            allocated_now=of(feed, feed.allocated),
            allocated_before=of(before, before.allocated),
            shop_free=our(nothing if self.shop_free is None else self.shop_free),
            taken=our(ours.taken - at_last.taken),
            taken_lately=our(ours.taken - lately.taken),
            left=our(ours.left - at_last.left),
            reserved=our(ours.reserved),
        ), numbers


def damage(kept: Feed, true: Feed) -> tuple[float, float, int]:
    """Say how wrong the used rows are: share of SKUs, share of units, and SKUs."""
    numbers = np.intersect1d(kept.skus, true.skus)
    used = kept.available[np.searchsorted(kept.skus, numbers)] if len(numbers) else numbers
    real = true.available[np.searchsorted(true.skus, numbers)] if len(numbers) else numbers
    wrong = np.abs(np.maximum(used, 0) - np.maximum(real, 0))
    units = max(1, int(np.maximum(true.available, 0).sum()))
    count = int(np.count_nonzero(wrong))
    return count / max(1, len(true.skus)), float(wrong.sum()) / units, count


def is_material(kept: Feed, true: Feed) -> bool:
    """Say whether using the rows would be worse than a few slips in single rows."""
    share, units, count = damage(kept, true)
    missing = len(true.skus) - len(np.intersect1d(kept.skus, true.skus))
    extra = len(kept.skus) - len(np.intersect1d(kept.skus, true.skus))
    return (
        (count >= 10 and share >= 0.02)
        or units >= 0.05
        or max(missing, extra) >= 0.05 * len(true.skus)
        or kept.taken_at != true.taken_at
    )


def wrong_share(kept: Feed, true: Feed) -> float:
    """Return how far a slow fault has come: units wrong, or SKUs wrongly sold out, as a share."""
    _, units, _ = damage(kept, true)
    in_stock = np.isin(kept.skus, true.skus[true.available > 0])
    gone = int(np.count_nonzero(kept.available[in_stock] <= 0))
    return max(units, 2 * gone / max(1, int(np.count_nonzero(true.available > 0))))


MOST_WRONG = 0.35
"""Where a slow fault must have been refused: a third of the units, or a sixth of the SKUs."""


@dataclass
class Rates:
    """By kind: feeds or cases, and how many of them went the wrong way."""

    tried: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    notes: list[str] = field(default_factory=list)

    def add(self, kind: str, *, is_wrong: bool, note: str = "") -> None:
        """Count one."""
        self.tried[kind] += 1
        self.wrong[kind] += is_wrong
        if is_wrong:
            self.notes.append(f"{kind}: {note}")

    @property
    def share(self) -> float:
        """The share that went wrong."""
        return sum(self.wrong.values()) / max(1, sum(self.tried.values()))


@dataclass
class Results:
    """What came of all trials."""

    bad: Rates = field(default_factory=Rates)
    """Bad feeds, and those accepted."""
    ordinary: Rates = field(default_factory=Rates)
    """Correct feeds, and those refused."""
    lawful_days: Rates = field(default_factory=Rates)
    """Unusual days, and those on which any feed was refused."""
    large: Rates = field(default_factory=Rates)
    """Large changes, and those that took more than one release."""
    asked: Rates = field(default_factory=Rates)
    """Large changes, and those that took a release."""


def names(verdict: Verdict) -> str:
    """Return the reasons, for a failed test."""
    return ",".join(f"{each.reason}: {each.message}" for each in verdict.refusals)


@dataclass
class Moment:
    """A shop, our side and the feeds so far, to begin a trial from."""

    shop: Shop
    desk: Desk
    past: list[Feed]

    def copy(self) -> Moment:
        """Return one that may be changed."""
        held = [each for each in vars(self.desk.guard).values() if isinstance(each, deque)]
        frozen = [*chain(*held), *(ours for _, ours in self.desk.ours), *self.past]
        unchanged = {id(each): each for each in frozen}
        return Moment(
            copy.deepcopy(self.shop), copy.deepcopy(self.desk, unchanged), list(self.past)
        )


def live_through(shop: Shop, moments: Sequence[int], results: Results) -> Iterator[Moment]:
    """Let a shop trade and its feeds be judged, and stop after so many feeds."""
    desk, past = Desk(shop_free=np.maximum(shop.available, 0)), []
    for number in range(1, max(moments) + 1):
        shop.step()
        feed = shop.feed()
        verdict = desk.take(feed, shop.ours(), release=True)
        results.ordinary.add(
            "trading before the trials",
            is_wrong=bool(verdict.refusals),
            note=f"{shop.settings.name} feed {number}: {names(verdict)}",
        )
        past.append(feed)
        if number in moments:
            yield Moment(shop, desk, past)


def plant(moment: Moment, seed: int, halves: Iterable[int], results: Results) -> None:
    """Plant every kind of bad feed at the same moment, each with one strength of each half."""
    rng = np.random.default_rng(seed)
    for half in halves:
        here = moment.copy()
        here.shop.step()
        for kind, (make, strengths) in SINGLE.items():
            scene = _scene(here, rng)
            strength = _one_of(strengths[half::2], rng)
            feed = make(scene, strength)
            if not is_material(feed, scene.true):
                continue
            here.desk.clock = scene.true.taken_at
            verdict, kept = here.desk.see(feed, here.shop.ours())
            is_used = not verdict.refusals and is_material(kept, scene.true)
            note = f"{here.shop.settings.name} after {len(here.past)}, {strength}"
            results.bad.add(kind, is_wrong=is_used, note=note)
        for kind, (drip, strengths) in LITTLE_BY_LITTLE.items():
            here = moment.copy()
            strength = _one_of(strengths[half::2], rng)
            furthest = _let_drip(here, drip, strength, rng)
            note = f"{here.shop.settings.name} after {len(here.past)}, {strength}: {furthest:.0%}"
            results.bad.add(kind, is_wrong=furthest > MOST_WRONG, note=note)


def _let_drip(here: Moment, drip: Drip, strength: float, rng: np.random.Generator) -> float:
    """Use feeds that go wrong little by little until one is refused; say how far they came."""
    trues: list[Feed] = []

    def coming() -> Iterator[Feed]:
        for _ in range(_FEEDS_OF_A_DRIP):
            here.shop.step()
            trues.append(here.shop.feed())
            yield trues[-1]

    furthest = 0.0
    for feed in drip(_scene(here, rng), coming(), strength):
        if here.desk.take(feed, here.shop.ours()).refusals or furthest > MOST_WRONG:
            return furthest
        furthest = max(furthest, wrong_share(feed, trues[-1]))
    # Never refused: what is wrong by then is wrong for good.
    return 1.0 if is_material(feed, trues[-1]) else furthest


_FEEDS_OF_A_DRIP = 300


def plant_first(shop: Shop, seed: int, halves: Iterable[int], results: Results) -> None:
    """Begin with a bad feed, and with a correct one: only Centra's stock is known."""
    rng = np.random.default_rng(seed)
    for half in halves:
        here = Moment(copy.deepcopy(shop), Desk(shop_free=np.maximum(shop.available, 0)), [])
        here.past.append(here.shop.feed())
        here.shop.step()
        verdict, _ = here.desk.see(here.shop.feed(), here.shop.ours())
        results.lawful_days.add(
            "the first feed of all", is_wrong=bool(verdict.refusals), note=names(verdict)
        )
        for kind in FIRST:
            make, strengths = SINGLE[kind]
            strength = _one_of(strengths[half::2], rng)
            scene = _scene(here, rng)
            feed = make(scene, strength)
            verdict, _ = here.desk.see(feed, here.shop.ours())
            results.bad.add(
                "the first feed of all",
                is_wrong=not verdict.refusals and is_material(feed, scene.true),
                note=f"{shop.settings.name}: {kind} {strength}",
            )


FIRST = (
    "units on hand multiplied",
    "figures shifted by rows",
    "pages of nothing",
    "SKUs sold out that are not",
    "another site's stock",
    "one figure in each row",
    "everything in quarantine",
)
"""Kinds that Centra's figures alone must show."""


def live_lawfully(moment: Moment, seed: int, halves: Iterable[int], results: Results) -> None:
    """Let unusual days and large changes follow the same moment."""
    rng = np.random.default_rng(seed)
    for half in halves:
        for kind, (day, strengths) in LAWFUL.items():
            here = moment.copy()
            strength = _one_of(strengths[half::2], rng)
            refused = []
            for feed in day(here.shop, strength):
                verdict = here.desk.take(feed, here.shop.ours(), release=True)
                results.ordinary.add(kind, is_wrong=bool(verdict.refusals))
                refused += [names(verdict)] if verdict.refusals else []
            note = f"{here.shop.settings.name} after {len(here.past)}, {strength}: {refused}"
            results.lawful_days.add(kind, is_wrong=bool(refused), note=note)
        for kind, (day, strengths) in LARGE.items():
            here = moment.copy()
            strength = _one_of(strengths[half::2], rng)
            releases = []
            for feed in day(here.shop, strength):
                verdict = here.desk.take(feed, here.shop.ours(), release=True)
                releases += [names(verdict)] if verdict.refusals else []
            note = f"{here.shop.settings.name} after {len(here.past)}, {strength}: {releases}"
            results.large.add(kind, is_wrong=len(releases) > 1, note=note)
            results.asked.add(kind, is_wrong=len(releases) == 1)


def _scene(moment: Moment, rng: np.random.Generator) -> Scene:
    return Scene(
        true=moment.shop.feed(),
        past=moment.past,
        feed_minutes=moment.shop.settings.feed_minutes,
        rng=rng,
    )


def _one_of(strengths: Sequence[float], rng: np.random.Generator) -> float:
    return float(strengths[int(rng.integers(len(strengths)))])
