"""Whether a ledger is the unbroken continuation of itself, and what may be sent when it is not.

A ledger that was restored does not know what was sent after its backup was made. Only two things
outside it can: the witness, a small file that is written before each effect; and the other systems,
which show an order only after a while.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_SILENCE = timedelta(minutes=2)
"""The running connection notes that it is alive several times in this time, even on a machine with
too much to do. Each silence that is longer makes orders wait for the look-up lag."""
RAN_LATELY = timedelta(minutes=1)
"""After its last sign of life the connection may still be running."""
CALLS_LAST = timedelta(seconds=90)
"""What a process had begun to send when it ended is done by then, or never."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""What Centra's clock and ours may differ by."""


class Beginning(StrEnum):
    """Why a generation of the ledger began."""

    NEW = "new"  # the ledger is empty: a first installation, or the old one was lost
    UPGRADED = "upgraded"  # from a release that kept no generations
    RESTORED = "restored"  # somebody said so
    OLDER = "older"  # the witness has seen effects that the ledger does not know
    SILENT = "silent"  # nobody kept it alive for a while: stopped, or an old copy of everything
    CLOCK = "clock"  # its last sign of life is in the future


IN_WORDS = {
    Beginning.NEW: "the ledger was new",
    Beginning.UPGRADED: "the ledger was written by an earlier release",
    Beginning.RESTORED: "a backup was restored",
    Beginning.OLDER: "the ledger is older than its witness: an old copy was put in its place",
    Beginning.SILENT: "nothing ran for a while",
    Beginning.CLOCK: "its last sign of life lies in the future: a clock was changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What is known outside the ledger of how far it had got."""

    token: str
    """Of the generation that wrote it."""
    effects: int
    """Orders and shipments that were about to be sent, counted over all generations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a ledger says of itself."""

    tokens: Collection[str]
    """Of all its generations."""
    effects: int
    alive_at: datetime | None
    """None for a ledger without a generation."""
    is_empty: bool
    """It has never had an order."""


def beginning(ledger: Standing, seen: Witness | None, *, now: datetime) -> Beginning | None:
    """Return why a new generation begins; None for a ledger that simply goes on.

    A ledger that is ahead of its witness goes on: another machine may have used it.
    """
    if ledger.alive_at is None:
        if seen is not None:
            return Beginning.OLDER
        return Beginning.NEW if ledger.is_empty else Beginning.UPGRADED
    if seen is not None and (seen.effects > ledger.effects or seen.token not in ledger.tokens):
        return Beginning.OLDER
    if now - ledger.alive_at > LONGEST_SILENCE:
        return Beginning.SILENT
    return Beginning.CLOCK if ledger.alive_at - now > LONGEST_SILENCE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One intent to send an order under its present number, as far as a gap is concerned."""

    intent_at: datetime
    settled_at: datetime | None
    was_called: bool
    """False for one that was only looked up."""
    is_absent: bool
    """A look-up has shown that Whistl does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time of which the ledger may not know what was sent. It ended when a generation began."""

    began_at: datetime
    """When that generation began: nothing of an earlier one was sent later."""

    def may_hide(self, ordered_at: datetime, *, now: datetime) -> bool:
        """Say whether an order may have been sent in the gap: it was placed before the gap ended.

        A date in the future is no proof that it was placed since.
        """
        is_later = self.began_at + CLOCKS_DIFFER < ordered_at <= now + CLOCKS_DIFFER
        return not is_later

    def is_open_for(
        self, ordered_at: datetime, attempts: Iterable[Attempt], *, now: datetime
    ) -> bool:
        """Say whether an order has to be looked up before it is sent."""
        return self.may_hide(ordered_at, now=now) and not any(map(self._settles, attempts))

    def _settles(self, attempt: Attempt) -> bool:
        if attempt.is_absent and attempt.settled_at is not None:
            return attempt.settled_at >= self.began_at
        return attempt.was_called and attempt.intent_at >= self.began_at

    def absence_proves(self, lag: timedelta) -> datetime:
        """Return from when on what Whistl does not show was not sent in the gap."""
        return self.began_at + CALLS_LAST + lag

    def parcels_wait_until(self) -> datetime:
        """Return when a shipment that was on its way into Centra is there, or never will be."""
        return self.began_at + CALLS_LAST
