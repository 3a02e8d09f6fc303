"""How often stock must be read and written, and whether this minute is one of those times.

Between two syncs the shop sells on an old number. That is safe as long as all demand until the next
sync, seen or not, stays within what there is: a SKU with stock for days can wait, one about to sell
out needs a sync each minute. So the interval of a SKU is the longest rung of the ladder over which
demand exceeds its room with no more than the stated risk, and it shortens by itself as cover
shrinks and in busy hours. A partial sync covers only the SKUs that are due, so that Centra's quota
goes to where it matters; the longest rung is that of the full sync, over every SKU. The risk is
stated for a day and each interval has its share of it: a risk for each sync would grow with their
number.

Does not belong here: when ticks come (`defs`), or what a sync does (`workflows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints

_EARLY = timedelta(seconds=30)
"""Ticks come once a minute and a sync begins some seconds after its tick: waiting for the full
interval would make each interval a minute longer than the one its risk was worked out for."""
SKUS_OF_A_BATCH = 100
"""Centra publishes no limit for setStock; this is the documented cap of another batch mutation."""
_REQUESTS_OF_A_BATCH = 2
"""The write itself, and a read after it. The read before it is made whatever is written."""
_MOST_BATCHES = 25
"""A sync ends within a minute or two: meanwhile no shipment can be completed."""


def needed_rung(room: Ints, reaches: Ints) -> Ints:
    """Return the index of the longest rung that each SKU can wait for.

    A SKU with nothing to sell cannot be oversold: it takes the longest.

    Args:
        room: units of each SKU that the shop could sell now, buffer aside.
        reaches: shape (rungs, SKUs), shortest rung first: the units that demand exceeds with the
            stated risk.
    """
    needed = np.zeros_like(room)
    for rung, reach in enumerate(reaches):
        # Not every longer rung reaches further: each has its own share of the risk.
        needed[room >= reach] = rung
    needed[room <= 0] = len(reaches) - 1
    return needed


def may_differ(
    *,
    wanted: Ints,
    shown: Ints,
    held: Ints,
    left: Ints,
    wanted_before: Ints,
    held_before: Ints,
    left_before: Ints,
) -> Bools:
    """Say of which SKUs Centra's level must be read, since it may have to be written.

    A figure is known to stand where nothing of its sum has moved since it was synced. That what is
    wanted is what was shown is not enough: it may have been written in between, or a shipment that
    was completed may have taken from Centra what came in at Whistl.

    Args:
        wanted: what Centra should hold.
        shown: what it held when it was read last.
        held: units of open orders that Whistl has taken.
        left: units that are gone from Centra and not yet from the snapshot.
        wanted_before: the same three at the SKU's last sync.
        held_before: see there.
        left_before: see there.
    """
    is_moved = (held != held_before) | (left != left_before) | (wanted != wanted_before)
    needed: Bools = is_moved | (wanted != shown)
    return needed


@dataclass(frozen=True, slots=True, kw_only=True)
class CadencePolicy:
    """What operators set."""

    ladder_minutes: tuple[int, ...] = (1, 2, 5, 10, 15)
    """Intervals to choose from, shortest first, a day at most. The last is that of the full sync,
    and how late goods-in may be noticed."""
    risk: float = 0.01
    """Chance, for each SKU and day, that it sells out between two syncs. Far stricter than a
    buffer's: a sync more costs a few calls, holding back costs sales."""
    reserved_for_orders: float = 0.5
    """Share of our part of Centra's and of Whistl's quota that stock never uses."""


def risk_of_rung(minutes: int, policy: CadencePolicy) -> float:
    """Return an interval's share of the day's risk."""
    return policy.risk * minutes / (24 * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A summary of the SKUs that need the same interval of the ladder."""

    minutes: int
    skus: int
    fastest: str
    """The SKU among them that sells fastest."""
    looked_at: datetime
    """When the SKU among them that has waited longest was last synced."""

    def due_at(self) -> datetime:
        """Return when they must be synced again."""
        return self.looked_at + timedelta(minutes=self.minutes) - _EARLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is known of Whistl's snapshots."""

    last_used_taken_at: datetime | None
    """When the snapshot that was used last was taken."""
    has_newer: bool
    """A newer one is there to be read, or to be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What is left of Centra's limits in their longest window now.

    The short windows are kept call by call: a sync waits for them, and orders do not.
    """

    requests_left: int
    """Of our share."""
    requests_left_for_stock: int
    """Of the part of our share that calls for stock may take: they alone use it up."""
    mutations_left: int
    """See `requests_left`."""
    mutations_left_for_stock: int
    """See `requests_left_for_stock`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a sync may take of Centra's quota now; the rest is kept for orders."""

    requests: int
    mutations: int

    @property
    def batches(self) -> int:
        """How many batches may be written.

        Where they are too few for all that changed, what must not be sold goes first, then the
        fastest sellers, and the rest next time.
        """
        return max(0, min(_MOST_BATCHES, self.mutations, self.requests // _REQUESTS_OF_A_BATCH))


class StockSync(StrEnum):
    """What a tick does."""

    FULL = "full"  # every SKU
    PARTIAL = "partial"  # only the SKUs that cannot wait for the next full sync
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What this tick does, and why, in words for the person who reads the schedule's log."""

    does: StockSync
    reason: str
    minutes: int = 0
    """The sync covers every SKU that needs this interval or a shorter one."""


def allowance(quota: Quota) -> Allowance:
    """Return what stock may take now.

    What is reserved for orders is no part of stock's: what orders have used of it costs stock
    nothing until they have used more.
    """
    return Allowance(
        requests=min(quota.requests_left, quota.requests_left_for_stock),
        mutations=min(quota.mutations_left, quota.mutations_left_for_stock),
    )


def decide(
    now: datetime,
    *,
    last_full_at: datetime | None,
    rungs: Sequence[Rung],
    unfinished: int = 0,
    sale_begun: str = "",
    feed: Feed,
    allowed: Allowance,
    policy: CadencePolicy,
) -> Decision:
    """Decide whether stock is synced now, and how much of it.

    Args:
        now: the tick's own moment.
        last_full_at: when the last full sync was; None when there was none.
        rungs: the SKUs that need a shorter interval than the ladder's longest.
        unfinished: SKUs whose figure the last sync could not write; they are on the shortest rung.
        sale_begun: the name of a sale that has begun since; its SKUs' intervals are not known yet.
        feed: what is known of Whistl's side.
        allowed: what is left for stock.
        policy: what operators set.
    """
    due = _by_demand(now, last_full_at, rungs, policy)
    if due.does is not StockSync.NONE and not feed.has_newer:
        taken = f" since {feed.last_used_taken_at:%H:%M:%S} UTC" if feed.last_used_taken_at else ""
        due = _skip(f"{due.reason}; but Whistl has published nothing{taken}")
    urgent = _without_news(last_full_at, unfinished, sale_begun, policy)
    decision = max(due, urgent, key=lambda one: one.minutes)
    if decision.does is StockSync.NONE:
        return decision
    if not allowed.batches:
        return _skip(f"{decision.reason}; but what Centra still allows is kept for orders")
    return decision


def _without_news(
    last_full_at: datetime | None, unfinished: int, sale_begun: str, policy: CadencePolicy
) -> Decision:
    """Decide on what must be done even if Whistl has published no newer stock."""
    shortest, longest = policy.ladder_minutes[0], policy.ladder_minutes[-1]
    if last_full_at is None:
        return _full("no sync has run yet", longest)
    if sale_begun:
        return _full(f"the sale '{sale_begun}' has begun", longest)
    if unfinished:
        are = "SKU is" if unfinished == 1 else "SKUs are"
        reason = f"{unfinished} {are} still to be written"
        return Decision(does=StockSync.PARTIAL, reason=reason, minutes=shortest)
    return _skip("")


def _by_demand(
    now: datetime, last_full_at: datetime | None, rungs: Sequence[Rung], policy: CadencePolicy
) -> Decision:
    longest = policy.ladder_minutes[-1]
    if last_full_at is None:
        return _skip("")
    full_at = last_full_at + timedelta(minutes=longest) - _EARLY
    if now >= full_at:
        return _full(f"every SKU is synced every {longest} min", longest)
    due = [rung for rung in rungs if now >= rung.due_at()]
    if due:
        minutes = max(rung.minutes for rung in due)
        pressing = "; ".join(_in_words(rung) for rung in rungs if rung.minutes <= minutes)
        return Decision(does=StockSync.PARTIAL, reason=pressing, minutes=minutes)
    if not rungs:
        reason = f"no SKU is near selling out; every SKU is synced every {longest} min"
        return _skip(f"{reason}; the next sync is due in {_seconds(full_at - now)}")
    soonest = min(rungs, key=Rung.due_at)
    wait = min(soonest.due_at(), full_at) - now
    return _skip(f"{_in_words(soonest)}; the next sync is due in {_seconds(wait)}")


def _in_words(rung: Rung) -> str:
    needs = "SKU needs" if rung.skus == 1 else "SKUs need"
    return f"{rung.skus} {needs} a sync every {rung.minutes} min, the fastest {rung.fastest}"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f} s"


def _full(reason: str, minutes: int) -> Decision:
    return Decision(does=StockSync.FULL, reason=reason, minutes=minutes)


def _skip(reason: str) -> Decision:
    return Decision(does=StockSync.NONE, reason=reason)
