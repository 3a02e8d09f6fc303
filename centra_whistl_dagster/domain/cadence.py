"""How often stock must be read and written, and whether this minute is one of those times.

Belongs here: the interval a SKU needs, and the decision of a tick, with its reason in words. Does
not belong here: when ticks come (`defs`), or what a pass does (`workflows`).

Between two passes the shop sells on an old number. That is safe as long as all demand until the
next pass, seen or not, stays within what there is: a SKU with stock for days needs no watching, one
about to sell out needs it each minute. So the interval of a SKU is the longest rung of the ladder
over which demand exceeds its room with no more than the stated risk, and it shortens by itself as
cover shrinks and in busy hours. The risk is stated for a day and each interval has its share of
it: a risk for each pass would grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.columns import Column

_EARLY = timedelta(seconds=30)
"""Ticks come once a minute and a pass begins some seconds after its own: waiting for the full
interval would make each one a minute longer than its risk was worked out for."""
LEAST_REQUESTS = 3
"""One SKU takes a read before, a write, and a read after."""


def needed_rung(room: Column, reaches: Sequence[Column]) -> Column:
    """Return the index of the longest rung that a SKU can be left alone for.

    Args:
        room: what the shop could sell of it now, buffer aside.
        reaches: for each rung, shortest first, the units that demand exceeds with the stated risk.

    A SKU with nothing to sell cannot be oversold: it takes the longest.
    """
    rung = 0 * room
    for reach in reaches[1:]:
        rung = rung + (room >= reach)
    longest = len(reaches) - 1
    return rung + (longest - rung) * (room <= 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CadencePolicy:
    """What operators set."""

    ladder_minutes: tuple[int, ...] = (1, 2, 5, 10, 15)
    """Intervals to choose from, shortest first. Goods-in is noticed no later than the last."""
    risk: float = 0.01
    """Chance, for each SKU and day, that it sells out between two passes. Far stricter than a
    buffer's: looking more often costs a few calls, holding back costs sales."""
    full_pass_hours: float = 24.0
    """A pass over every SKU, written or not, at least this often."""
    reserved_for_orders: float = 0.5
    """Share of Centra's quota that stock never touches."""


def risk_of_rung(minutes: int, policy: CadencePolicy) -> float:
    """Return an interval's share of the day's risk."""
    return policy.risk * minutes / (24 * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Of all SKUs, which must be passed over soonest."""

    minutes: int
    """The interval that the most pressing SKUs need."""
    skus: int
    """How many need it."""
    example: str = ""
    """The one that sells fastest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is known of Whistl's side."""

    last_used_taken_at: datetime | None
    """When the snapshot that was used last was taken."""
    latest_taken_at: datetime | None
    """When the newest one there is was taken; None when it was not asked."""
    reads_single_skus: bool = False
    """Whistl answers for named SKUs at once, not only by snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Centra's limits for one window, and what is left of them now. All integrations share them."""

    requests_limit: int
    requests_left: int
    mutations_limit: int
    mutations_left: int


class Pass(StrEnum):
    """What a tick does."""

    FULL = "full"  # every SKU
    HOT = "hot"  # only those that are due before the next full pass
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What this tick does, and why, in words for the person who looks at the schedule."""

    does: Pass
    reason: str
    most_requests: int = 0
    """What the pass may take of Centra's quota. Where that is too little for all that changed, the
    fastest sellers are written first and the rest next time."""
    most_mutations: int = 0


def decide(
    now: datetime,
    *,
    last_full_at: datetime | None,
    last_pass_at: datetime | None,
    need: Need,
    feed: Feed,
    quotas: Sequence[Quota],
    policy: CadencePolicy,
) -> Decision:
    """Decide whether stock is passed over now.

    Args:
        now: the tick's own moment.
        last_full_at: start of the last finished pass over every SKU; None when there was none.
        last_pass_at: start of the last finished pass of either kind.
        need: the most pressing SKUs.
        feed: what is known of Whistl's side.
        quotas: one for each window of Centra's limits, at least one.
        policy: what operators set.
    """
    does, reason = _what_is_due(
        now, last_full_at, last_pass_at, need=need, feed=feed, policy=policy
    )
    if does is Pass.NONE:
        return Decision(does=does, reason=reason)
    if does is Pass.FULL and _is_old_news(feed):
        taken = f"{feed.last_used_taken_at:%H:%M:%S}"
        return _skip(f"{reason}; but Whistl has published nothing since {taken} UTC")
    kept = policy.reserved_for_orders
    requests = min(int(each.requests_left - kept * each.requests_limit) for each in quotas)
    mutations = min(int(each.mutations_left - kept * each.mutations_limit) for each in quotas)
    if requests < LEAST_REQUESTS or mutations < 1:
        return _skip(f"{reason}; but what Centra still allows is kept for orders")
    return Decision(does=does, reason=reason, most_requests=requests, most_mutations=mutations)


def _what_is_due(
    now: datetime,
    last_full_at: datetime | None,
    last_pass_at: datetime | None,
    *,
    need: Need,
    feed: Feed,
    policy: CadencePolicy,
) -> tuple[Pass, str]:
    if last_full_at is None or last_pass_at is None:
        return Pass.FULL, "no pass has been made yet"
    if now - last_full_at >= timedelta(hours=policy.full_pass_hours):
        return Pass.FULL, f"the last full pass was {_minutes(now - last_full_at)} ago"
    longest = policy.ladder_minutes[-1]
    if now - last_full_at >= timedelta(minutes=longest) - _EARLY:
        return Pass.FULL, f"every SKU is passed over each {longest} min"
    since = now - last_pass_at
    pressing = _pressing(need)
    if since >= timedelta(minutes=need.minutes) - _EARLY:
        return (Pass.HOT if feed.reads_single_skus else Pass.FULL), pressing
    left = timedelta(minutes=need.minutes) - since
    return Pass.NONE, f"{pressing}; the next is due in {left.total_seconds():.0f} s"


def _is_old_news(feed: Feed) -> bool:
    return (
        feed.latest_taken_at is not None
        and feed.last_used_taken_at is not None
        and feed.latest_taken_at <= feed.last_used_taken_at
    )


def _pressing(need: Need) -> str:
    if not need.skus:
        return f"no SKU is near selling out; each is passed over in {need.minutes} min"
    most = f", the fastest {need.example}" if need.example else ""
    are = "SKU needs" if need.skus == 1 else "SKUs need"
    return f"{need.skus} {are} a pass each {need.minutes} min{most}"


def _minutes(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 60:.0f} min"


def _skip(reason: str) -> Decision:
    return Decision(does=Pass.NONE, reason=reason)
