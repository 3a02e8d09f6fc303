"""Take in what Centra announces by itself: pushes and events. Both are hints to poll, and no more.

An event stays in Centra's queue until the ledger has what it points at, so that a failure here
loses none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from centra_whistl_dagster.centra.client import OrderEvent, OrderStamp
from centra_whistl_dagster.domain.orders.order import CONFIRMED, PROCESSING
from centra_whistl_dagster.domain.orders.polling import HINT_LASTS, PushRecord
from centra_whistl_dagster.domain.orders.pushes import pushed_orders, signed_at
from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger import hints, orders, unreadable
from centra_whistl_dagster.ledger.engine import Ledger, Transaction
from centra_whistl_dagster.ledger.hints import HintSource
from centra_whistl_dagster.ledger.unreadable import Source
from centra_whistl_dagster.transport import AccessDenied
from centra_whistl_dagster.workflows.access import (
    CallGroup,
    is_permitted,
    note_permitted,
    note_refused,
    refused_groups,
)
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import read_again

WAITED_FOR = timedelta(hours=1)
"""How long an event is kept in the queue for an order that the ledger does not take in. It may be
none of ours, and would hide newer events for ever; polling and the sweeps find the order anyway."""

_logger = logging.getLogger(__name__)


def take_push(ledger: Ledger, secret: str, signature: str, body: bytes) -> int:
    """Keep the numbers of the orders that a push names, and return how many those are.

    Nothing else of it is kept. Taking the same push twice does no harm.

    Raises:
        PushRefused: it is not from Centra, or too old; nothing is kept.
        PushUnreadable: it is from Centra and not as documented; nothing is kept.
        LedgerUnavailable: it could not be kept; Centra may send it again.
    """
    at = signed_at(secret, signature, body, now=ledger.now())
    pushed = pushed_orders(body)
    with ledger.transaction() as tx:
        hints.announce(tx, HintSource.PUSH, dict.fromkeys(pushed.numbers, at))
        hints.announce(tx, HintSource.INSERT, dict.fromkeys(pushed.inserted, at))
        record = hints.push_record(tx) or PushRecord()
        # By its signature: a push that somebody sends again proves nothing.
        heard_at = max(filter(None, [record.heard_at, min(at, tx.now)]))
        if heard_at != record.heard_at:
            hints.set_push_record(tx, replace(record, heard_at=heard_at))
    return len(pushed.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRead:
    """What became of the events in Centra's queue."""

    read: int
    confirmed: int
    given_up: int = 0
    """Of those confirmed: events that were waited for too long."""


def read_events(link: Link) -> EventsRead | None:
    """Poll sooner for the orders that events point at; confirm those that the ledger has.

    Returns:
        None where the token may not read events, which its owner was alerted to.

    Raises:
        IntegrationError: Centra could not be asked; the events stay in its queue.
    """
    with link.ledger.reading() as tx:
        if not is_permitted(tx, link.settings, CallGroup.EVENTS):
            return None
    try:
        return _read_events(link)
    except AccessDenied as error:
        if not note_refused(link, CallGroup.EVENTS, error):
            raise
        return None


def forget_events(link: Link) -> None:
    """End a refusal of events once they are switched off: nobody has to grant anything then."""
    with link.ledger.reading() as tx:
        if CallGroup.EVENTS not in refused_groups(tx):
            return
    with link.ledger.transaction() as tx:
        note_permitted(tx, CallGroup.EVENTS)


def _read_events(link: Link) -> EventsRead:
    events = link.centra.order_events()
    if not events:
        return EventsRead(read=0, confirmed=0)
    with link.ledger.transaction() as tx:
        known = hints.announced_by(tx, HintSource.EVENT, [event.number for event in events])
        new = {event.number: event.created_at for event in events if _is_later(event, known)}
        hints.announce(tx, HintSource.EVENT, new)
    waiting = _not_taken_in(link, events)
    done = [event.event_id for event in events if event.number not in waiting]
    given_up = _waited_for_too_long(events, done, link.now())
    if done or given_up:
        link.centra.confirm_events([*done, *given_up])
        with link.ledger.transaction() as tx:
            note_permitted(tx, CallGroup.EVENTS)
    return EventsRead(read=len(events), confirmed=len(done) + len(given_up), given_up=len(given_up))


def _is_later(event: OrderEvent, known: dict[int, datetime]) -> bool:
    return event.number not in known or known[event.number] < event.created_at


def _not_taken_in(link: Link, events: Sequence[OrderEvent]) -> set[int]:
    """Return the orders that the ledger should have, and has not as Centra shows them now.

    Those that it has as they were before are read again here: a relay reads only what it is about
    to send, and our own locks and shipments are changes in Centra as well. New ones are left to the
    relay. Orders that Centra does not show have nothing to take in, once they had time to appear.
    """
    stamps = link.centra.stamps_numbered(sorted({event.number for event in events}))
    unshown = {event.number for event in events} - {stamp.number for stamp in stamps}
    with link.ledger.reading() as tx:
        outdated = [stamp.centra_id for stamp in stamps if _is_outdated(tx, stamp)]
    if outdated:
        read_again(link, outdated)
    with link.ledger.reading() as tx:
        broken = unreadable.subjects(tx, Source.CENTRA, tried_since=tx.now - WAITED_FOR)
        outdated_or_new = {
            stamp.number
            for stamp in stamps
            if str(stamp.number) not in broken and (_is_new(tx, stamp) or _is_outdated(tx, stamp))
        }
        return outdated_or_new | {
            event.number
            for event in events
            if event.number in unshown and tx.now - event.created_at < HINT_LASTS
        }


def _is_new(tx: Transaction, stamp: OrderStamp) -> bool:
    is_open = stamp.status in {CONFIRMED, PROCESSING}
    return is_open and orders.find_by_number(tx, stamp.number) is None


def _is_outdated(tx: Transaction, stamp: OrderStamp) -> bool:
    row = orders.find_by_number(tx, stamp.number)
    if row is None or row.state in FINAL:
        return False
    return row.centra_updated_at < stamp.updated_at


def _waited_for_too_long(
    events: Sequence[OrderEvent], done: Sequence[int], now: datetime
) -> list[int]:
    given_up = [
        event
        for event in events
        if event.event_id not in set(done) and now - event.created_at > WAITED_FOR
    ]
    if given_up:
        _logger.warning(
            "%d events of Centra are confirmed although the ledger does not have these orders as "
            "Centra shows them: %s",
            len(given_up),
            ", ".join(str(number) for number in sorted({event.number for event in given_up})),
        )
    return [event.event_id for event in given_up]
