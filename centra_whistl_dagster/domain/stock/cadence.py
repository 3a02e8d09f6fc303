"""How often stock must be read and written, and whether this minute is one of those times.

Belongs here: the interval a SKU needs, and the decision of a tick, with its reason in words. Does
not belong here: when ticks come (`defs`), or what a pass does (`workflows`).

Between two passes the shop sells on an old number. That is safe as long as all demand until the
next pass, seen or not, stays within what there is: a SKU with stock for days needs no watching, one
about to sell out needs it each minute. So the interval of a SKU is the longest rung of the ladder
over which demand exceeds its room with no more than the stated risk, and it shortens by itself as
cover shrinks and in busy hours. A pass is over those SKUs only that are due: Centra's quota goes to
where it matters, and the longest rung is the pass over all of them. The risk is stated for a day
and each interval has its share of it: a risk for each pass would grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.stock.columns import Column, larger

_EARLY = timedelta(seconds=30)
"""Ticks come once a minute and a pass begins some seconds after its own: waiting for the full
interval would make each one a minute longer than its risk was worked out for."""
SKUS_OF_A_BATCH = 100
"""Centra publishes no limit for setStock; this is the documented cap of another batch mutation."""
_REQUESTS_OF_A_BATCH = 2
"""The write itself, and a read after. What is read before is read whatever comes of it."""
_MOST_BATCHES = 25
"""A pass ends within a minute or two: meanwhile no shipment can be completed."""


def needed_rung(room: Column, reaches: Sequence[Column]) -> Column:
    """Return the index of the longest rung that a SKU can be left alone for.

    Args:
        room: what the shop could sell of it now, buffer aside.
        reaches: for each rung, shortest first, the units that demand exceeds with the stated risk.

    A SKU with nothing to sell cannot be oversold: it takes the longest.
    """
    rung = 0 * room
    for at, reach in enumerate(reaches):
        # Not every longer rung reaches further: each has its own share of the risk.
        rung = larger(rung, at * (room >= reach))
    longest = len(reaches) - 1
    return rung + (longest - rung) * (room <= 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CadencePolicy:
    """What operators set."""

    ladder_minutes: tuple[int, ...] = (1, 2, 5, 10, 15)
    """Intervals to choose from, shortest first, a day at most. The last is that of the pass over
    every SKU, and how late goods-in may be noticed."""
    risk: float = 0.01
    """Chance, for each SKU and day, that it sells out between two passes. Far stricter than a
    buffer's: looking more often costs a few calls, holding back costs sales."""
    reserved_for_orders: float = 0.5
    """Share of what we may take of Centra's quota that stock never touches."""


def risk_of_rung(minutes: int, policy: CadencePolicy) -> float:
    """Return an interval's share of the day's risk."""
    return policy.risk * minutes / (24 * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """The SKUs that need one interval of the ladder, in short."""

    minutes: int
    skus: int
    fastest: str
    """The one that sells fastest of them."""
    looked_at: datetime
    """When the one of them that has waited longest was passed over."""

    def due_at(self) -> datetime:
        """Return when they must be passed over again."""
        return self.looked_at + timedelta(minutes=self.minutes) - _EARLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is known of Whistl's side."""

    last_used_taken_at: datetime | None
    """When the snapshot that was used last was taken."""
    has_news: bool
    """There is one to be read, or to be used, since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What we may take of Centra's limits in their longest window, and what is left of it now.

    The short windows are kept call by call: a pass waits for them, and orders do not.
    """

    requests_limit: int
    requests_left: int
    mutations_limit: int
    mutations_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a pass may take of Centra's quota now; the rest is kept for orders."""

    requests: int
    mutations: int

    @property
    def batches(self) -> int:
        """How many batches may be written.

        Where they are too few for all that changed, what must not be sold goes first, then the
        fastest sellers, and the rest next time.
        """
        return max(0, min(_MOST_BATCHES, self.mutations, self.requests // _REQUESTS_OF_A_BATCH))


class Pass(StrEnum):
    """What a tick does."""

    FULL = "full"  # every SKU
    DUE = "due"  # only those that cannot wait for the next full pass
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What this tick does, and why, in words for the person who looks at the schedule."""

    does: Pass
    reason: str
    minutes: int = 0
    """The pass is over every SKU that needs this interval or a shorter one."""


def allowance(quota: Quota, policy: CadencePolicy) -> Allowance:
    """Return what stock may take now."""
    kept = policy.reserved_for_orders
    return Allowance(
        requests=int(quota.requests_left - kept * quota.requests_limit),
        mutations=int(quota.mutations_left - kept * quota.mutations_limit),
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
    """Decide whether stock is passed over now, and how much of it.

    Args:
        now: the tick's own moment.
        last_full_at: when the last pass over every SKU was; None when there was none.
        rungs: the SKUs that need a shorter interval than the ladder's longest.
        unfinished: SKUs whose figure the last pass could not write; they are on the shortest rung.
        sale_begun: the name of a sale that has begun since; its SKUs' intervals are not known yet.
        feed: what is known of Whistl's side.
        allowed: what is left for stock.
        policy: what operators set.
    """
    due = _by_demand(now, last_full_at, rungs, policy)
    if due.does is not Pass.NONE and not feed.has_news:
        taken = f" since {feed.last_used_taken_at:%H:%M:%S} UTC" if feed.last_used_taken_at else ""
        due = _skip(f"{due.reason}; but Whistl has published nothing{taken}")
    must = _whatever_whistl_says(last_full_at, unfinished, sale_begun, policy)
    decision = max(due, must, key=lambda each: each.minutes)
    if decision.does is Pass.NONE:
        return decision
    if not allowed.batches:
        return _skip(f"{decision.reason}; but what Centra still allows is kept for orders")
    return decision


def _whatever_whistl_says(
    last_full_at: datetime | None, unfinished: int, sale_begun: str, policy: CadencePolicy
) -> Decision:
    """Decide on what is to be done although there may be no newer stock to do it with."""
    shortest, longest = policy.ladder_minutes[0], policy.ladder_minutes[-1]
    if last_full_at is None:
        return _full("no pass has been made yet", longest)
    if sale_begun:
        return _full(f"the sale '{sale_begun}' has begun", longest)
    if unfinished:
        are = "SKU is" if unfinished == 1 else "SKUs are"
        return Decision(
            does=Pass.DUE, reason=f"{unfinished} {are} still to be written", minutes=shortest
        )
    return _skip("")


def _by_demand(
    now: datetime, last_full_at: datetime | None, rungs: Sequence[Rung], policy: CadencePolicy
) -> Decision:
    longest = policy.ladder_minutes[-1]
    if last_full_at is None:
        return _skip("")
    full_at = last_full_at + timedelta(minutes=longest) - _EARLY
    if now >= full_at:
        return _full(f"every SKU is passed over each {longest} min", longest)
    due = [rung for rung in rungs if now >= rung.due_at()]
    if due:
        minutes = max(rung.minutes for rung in due)
        pressing = "; ".join(_in_words(rung) for rung in rungs if rung.minutes <= minutes)
        return Decision(does=Pass.DUE, reason=pressing, minutes=minutes)
    if not rungs:
        reason = f"no SKU is near selling out; each is passed over in {longest} min"
        return _skip(f"{reason}; the next pass is due in {_seconds(full_at - now)}")
    soonest = min(rungs, key=Rung.due_at)
    wait = min(soonest.due_at(), full_at) - now
    return _skip(f"{_in_words(soonest)}; the next pass is due in {_seconds(wait)}")


def _in_words(rung: Rung) -> str:
    needs = "SKU needs" if rung.skus == 1 else "SKUs need"
    return f"{rung.skus} {needs} a pass each {rung.minutes} min, the fastest {rung.fastest}"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f} s"


def _full(reason: str, minutes: int) -> Decision:
    return Decision(does=Pass.FULL, reason=reason, minutes=minutes)


def _skip(reason: str) -> Decision:
    return Decision(does=Pass.NONE, reason=reason)
