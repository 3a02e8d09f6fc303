"""Send what is in the outbox: at least once, and by a second channel when the first is dead."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from centra_whistl_dagster.alerts import delivery
from centra_whistl_dagster.alerts.addresses import TRIES_BEFORE_SECOND, AlertAddresses
from centra_whistl_dagster.alerts.delivery import Letter
from centra_whistl_dagster.ledger import alerts
from centra_whistl_dagster.ledger.alerts import Backlog
from centra_whistl_dagster.ledger.engine import LeaseTaken, Ledger
from centra_whistl_dagster.ledger.rows import AlertRow

Post = Callable[[Sequence[Letter]], Mapping[int, str | None]]
"""Sends letters. Returns None for each letter that a channel took, and the reason for each that
failed; letters that were not tried are left out."""

IN_ONE_ROUND = 40
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
SLOW_AFTER = timedelta(minutes=1)
"""An alert that has waited so long behind a slow channel goes by the second one."""
_LEASE_SECONDS = 30.0
NO_ADDRESS = "no address: set ALERT_DEFAULT_URL, or one for this channel"
NO_ANSWER = "the channel did not answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of one round."""

    sent: int = 0
    postponed: int = 0
    """Alerts that failed, to be tried again later."""


def backlogs(ledger: Ledger) -> list[Backlog]:
    """Return what is unsent, due or postponed, channel by channel."""
    with ledger.reading() as tx:
        return alerts.backlogs(tx)


def channels_replaced(ledger: Ledger) -> list[str]:
    """Return the channels that did not accept their newest alert: the second one took it."""
    with ledger.reading() as tx:
        return alerts.channels_replaced(tx)


def are_any_due(ledger: Ledger) -> bool:
    """Say whether an alert is due to be sent."""
    with ledger.reading() as tx:
        return bool(alerts.unsent(tx, limit=1))


def deliver(ledger: Ledger, addresses: AlertAddresses, *, post: Post = delivery.post) -> Delivered:
    """Send the alerts that are due, and record what came of each.

    An alert that a channel took just before this process died, unrecorded, is sent again.
    """
    try:
        with ledger.lease("alerts", holder=_holder(), seconds=_LEASE_SECONDS):
            return _deliver(ledger, addresses, post)
    except LeaseTaken:
        return Delivered()


def _deliver(ledger: Ledger, addresses: AlertAddresses, post: Post) -> Delivered:
    with ledger.reading() as tx:
        due = alerts.unsent(tx, limit=IN_ONE_ROUND)
        waited = {row.id for row in due if tx.now - row.created_at >= SLOW_AFTER}
    letters = {row.id: _letter(row, addresses) for row in due}
    errors: dict[int, str | None] = dict.fromkeys(letters, NO_ADDRESS)
    posted = [letter for letter in letters.values() if letter.address]
    if posted:
        answers = post(posted)
        for letter in posted:
            del errors[letter.id]
        errors |= {**answers, **_given_up(posted, answers, waited)}
    return _record(ledger, addresses, [row for row in due if row.id in errors], errors)


def _letter(row: AlertRow, addresses: AlertAddresses) -> Letter:
    """Address an alert; in another team's channel it says whose it is, and why it is there."""
    is_second = addresses.is_second(row.channel, row.attempts)
    why = f"Sent here because the channel {row.channel} did not accept this alert.\n\n"
    return Letter(
        id=row.id,
        address=addresses.for_attempt(row.channel, row.attempts),
        title=f"For {row.owner}: {row.title}" if is_second else row.title,
        body=f"{why}{row.body}" if is_second else row.body,
        severity=row.severity,
        html=row.html,
    )


def _given_up(
    posted: Iterable[Letter], answers: Mapping[int, str | None], waited: Collection[int]
) -> dict[int, str | None]:
    """Return the untried letters of dead channels, so that they move to the second one too.

    A channel is dead when none of its letters was answered, or when the last one tried failed.
    Behind one that works, an untried letter only ran out of time and stays due, unless it is one of
    those that have waited too long already.
    """
    by_address: dict[str, list[int]] = defaultdict(list)
    for letter in posted:
        by_address[letter.address].append(letter.id)
    given_up: dict[int, str | None] = {}
    for ids in by_address.values():
        tried = [letter_id for letter_id in ids if letter_id in answers]
        is_dead = not tried or answers[tried[-1]] is not None
        untried = [letter_id for letter_id in ids if letter_id not in answers]
        given_up |= {each: NO_ANSWER for each in untried if is_dead or each in waited}
    return given_up


def _record(
    ledger: Ledger,
    addresses: AlertAddresses,
    rows: Sequence[AlertRow],
    errors: Mapping[int, str | None],
) -> Delivered:
    sent = 0
    with ledger.transaction() as tx:
        for row in rows:
            error = errors[row.id]
            if error is None:
                is_second = addresses.is_second(row.channel, row.attempts)
                sent_by = alerts.SECOND_CHANNEL if is_second else row.channel
                alerts.mark_sent(tx, row.id, sent_by=sent_by)
                sent += 1
            else:
                alerts.postpone(tx, row.id, until=tx.now + _wait(row.attempts), error=error)
    return Delivered(sent=sent, postponed=len(rows) - sent)


def _wait(attempts: int) -> timedelta:
    """Return the wait before the next attempt; short until the second channel has had its turn."""
    doublings = min(max(0, attempts - TRIES_BEFORE_SECOND + 1), 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
