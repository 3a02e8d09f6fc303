"""When to stop sending orders to a Whistl that does not answer, and when to try again.

Each order whose answer is lost is in doubt for as long as Whistl may take to show it: an outage
must not put every waiting order there. After a few lost answers in a row, from different orders,
nothing is sent until Whistl answers a read and then takes one order, the probe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

MOST_LOST = 3
"""Answers lost in a row, from different orders, after which nothing more is sent."""
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)
UNTRIED_EVERY = 4
"""Each so many probes, one is an order that has not failed: three orders that Whistl can never
answer must not keep all others back."""

K = TypeVar("K")


class BreakerState(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"  # orders are sent
    OPEN = "open"  # nothing is sent
    HALF_OPEN = "half_open"  # one order is sent, once Whistl has answered a read


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Lost answers since Whistl last answered to an order."""

    lost: tuple[str, ...] = ()
    """The Centra ids of orders whose answers were lost in a row; each is named once."""
    probes: int = 0
    """Probes that failed since it opened."""
    opened_at: datetime | None = None
    """None while it is closed."""
    probe_at: datetime | None = None
    """When the next probe may go; None while it is closed."""

    def state(self, now: datetime) -> BreakerState:
        """Return what it lets through at a moment."""
        if self.probe_at is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if now >= self.probe_at else BreakerState.OPEN

    def room(self, *, at_once: int) -> int:
        """Return how many calls may be under way: fewer after each lost answer, while it is closed.

        With as many as usual, those under way when it opens would be lost on top of the others.
        """
        return max(min(at_once, MOST_LOST - len(self.lost)), 1)


def answered(breaker: Breaker) -> Breaker:  # noqa: ARG001 - whatever it was, it is over
    """Return the breaker after Whistl took or refused an order: closed, and all is forgotten."""
    return Breaker()


def answer_lost(breaker: Breaker, order: str, *, now: datetime) -> Breaker:
    """Return the breaker after an order's answer was lost."""
    lost = breaker.lost if order in breaker.lost else (*breaker.lost, order)
    if breaker.opened_at is not None:
        return probe_failed(replace(breaker, lost=lost), now=now)
    if len(lost) < MOST_LOST:
        return replace(breaker, lost=lost)
    return Breaker(lost=lost, opened_at=now, probe_at=now + FIRST_PAUSE)


def probe_failed(breaker: Breaker, *, now: datetime) -> Breaker:
    """Return the breaker after a probe failed: the next one waits twice as long, up to a limit."""
    probes = breaker.probes + 1
    pause = min(FIRST_PAUSE * 2 ** min(probes, 10), LONGEST_PAUSE)
    return replace(breaker, probes=probes, probe_at=now + pause)


def probe_order(breaker: Breaker, waiting: Sequence[tuple[str, K]]) -> K | None:
    """Return the order to probe with, of (Centra id, order) oldest first; None where none waits.

    One that was lost already is preferred: it puts no further order in doubt.
    """
    known = [order for centra_id, order in waiting if centra_id in breaker.lost]
    untried = [order for centra_id, order in waiting if centra_id not in breaker.lost]
    is_turn_of_untried = breaker.probes % UNTRIED_EVERY == UNTRIED_EVERY - 1
    first, second = (untried, known) if is_turn_of_untried else (known, untried)
    return next(iter([*first, *second]), None)
