"""How often Centra is polled for orders: by what was announced, and by whether pushes are alive.

Polling finds every order, whatever is announced. While pushes announce every new order, nothing is
lost by polling rarely in between; one order that they did not announce ends that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

USUAL = timedelta(seconds=4)
"""Between two polls: a little less than Dagster's loop of 5 s, so that each loop polls."""
IDLE = timedelta(seconds=30)
"""Between two polls while pushes are alive and nothing is announced."""
HINT_LASTS = timedelta(seconds=15)
"""How long an order that was announced, and that Centra does not show yet, is polled for as usual:
a write need not be visible everywhere at once."""
PUSH_MAY_TAKE = timedelta(seconds=30)
"""From when an order is found until the lack of a push for it counts. Centra waits 5 s for an
answer and may try again three times."""
IS_NEW = timedelta(minutes=10)
"""An order that was placed longer before it was found has entered by something else than placing
it: a hold was released, a lock taken off. Whether Centra announces that is not documented."""
PROVES_PUSHES = 3
"""So many orders in a row must be announced before pushes are relied upon."""
MISSED_BEFORE_ALERT = 3
"""One push in a hundred may get lost, and nobody has to act on it; three in a row are no chance."""
MISSED_FOR = timedelta(hours=1)
"""A small shop's owner hears after one hour, however few orders there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRecord:
    """How well pushes have announced new orders so far."""

    heard_at: datetime | None = None
    """When Centra signed the newest push that was taken; None before the first."""
    judged_until: datetime | None = None
    """Orders first seen up to then are counted; None before pushes were switched on."""
    announced: int = 0
    """New orders in a row that a push announced."""
    missed: int = 0
    """New orders in a row that polling found and no push announced."""
    missed_since: datetime | None = None
    """When the first of these was found."""
    is_on_trial: bool = True
    """Too few orders were announced since the first push, or since one was missed."""

    @property
    def are_alive(self) -> bool:
        """Pushes arrive, and announce every new order."""
        return self.heard_at is not None and not self.missed and not self.is_on_trial

    def is_alarming(self, now: datetime) -> bool:
        """Say whether somebody has to act: it is not one push that was lost."""
        if self.missed_since is None:
            return False
        return self.missed >= MISSED_BEFORE_ALERT or now - self.missed_since >= MISSED_FOR

    def after(self, seen_at: datetime, *, was_announced: bool) -> PushRecord:
        """Return the record with one more new order; in the order in which they were found."""
        if not was_announced:
            return replace(
                self,
                judged_until=seen_at,
                announced=0,
                missed=self.missed + 1,
                missed_since=self.missed_since or seen_at,
                is_on_trial=True,
            )
        announced = self.announced + 1
        return replace(
            self,
            judged_until=seen_at,
            announced=announced,
            missed=0,
            missed_since=None,
            is_on_trial=self.is_on_trial and announced < PROVES_PUSHES,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSight:
    """How a new order came to be known."""

    seen_at: datetime
    """When it entered the ledger."""
    locked_at: datetime | None
    """When Centra locked it for us; None while it is not locked."""
    pushed_at: datetime | None
    """When the first push about it reached us, whatever that said; None where none did."""
    inserted_at: datetime | None = None
    """When the first push that it was inserted reached us; None where none did."""

    @property
    def was_announced(self) -> bool:
        """A push came in time to be of use.

        One that came after our lock is no proof: our lock is a change that Centra pushes as well.
        That it was inserted is one at any time: our lock inserts nothing.
        """
        in_time = self.seen_at + PUSH_MAY_TAKE
        if self.inserted_at is not None and self.inserted_at <= in_time:
            return True
        if self.pushed_at is None or self.pushed_at > in_time:
            return False
        return self.locked_at is None or self.pushed_at <= self.locked_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """An order that Centra has announced by itself, by a push or an event."""

    announced_at: datetime
    """When that reached us."""
    is_known: bool
    """The ledger has read the order since."""


def next_poll(polled_at: datetime, hints: Iterable[Hint], *, are_pushes_alive: bool) -> datetime:
    """Return when Centra is to be polled next.

    Never more often than without pushes, whatever is announced.

    Args:
        polled_at: when the last poll that got an answer began.
        hints: those of the last `HINT_LASTS` before now, and those since `polled_at`.
        are_pushes_alive: whether new orders are announced.
    """
    waits = any(hint.announced_at > polled_at or not hint.is_known for hint in hints)
    return polled_at + (IDLE if are_pushes_alive and not waits else USUAL)
