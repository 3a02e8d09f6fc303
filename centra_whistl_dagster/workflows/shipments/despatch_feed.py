"""Store what Whistl's feed of despatches holds, the unreadable too, and find what it left out.

Does not belong here: what a message does to its order (`workflows.shipments.despatch_effects`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.despatch_feed import Gap, gaps, safe_cursor
from centra_whistl_dagster.domain.orders.despatches import Despatch, content_hash
from centra_whistl_dagster.domain.tally import Failed, Fate, Tally
from centra_whistl_dagster.ledger import despatches, exceptions, messages, state
from centra_whistl_dagster.ledger.despatches import FEED
from centra_whistl_dagster.ledger.engine import RecordNotStored, Transaction
from centra_whistl_dagster.ledger.rows import MessageRow
from centra_whistl_dagster.ledger.states import MessageState
from centra_whistl_dagster.whistl.client import DespatchMessage, DespatchPage, UnreadableDespatch
from centra_whistl_dagster.workflows.exceptions.step_failures import place_of
from centra_whistl_dagster.workflows.link import Link

PAGE = 200
_UNREADABLE = ExceptionKind.UNREADABLE_RECORD
_AT_MOST = 500
"""Unreadable messages that one round tries to read again."""
_REQUESTS = 5
"""Requests that one round spends on reading unreadable messages again from Whistl."""
_BESIDE_IT = 50
"""Messages read with an unreadable one: its neighbours are often unreadable alike."""
_GAP_IS_READ_AGAIN = tuple(timedelta(minutes=each) for each in (1, 5, 15))
_PAGES_OF_A_GAP = 3
_PAGES_FROM_THE_START = 20


# ---- one page
def hash_of(message: DespatchMessage) -> str:
    """Return the fingerprint of a message's contents; of all of it where it cannot be read."""
    if isinstance(message.record, Despatch):
        return content_hash(message.record)
    return sha256(message.raw.encode()).hexdigest()


def is_news(tx: Transaction, message: DespatchMessage) -> bool:
    """Say whether storing a message would change anything."""
    if isinstance(message.record, Despatch):
        return despatches.is_news(tx, message.record)
    hashed = hash_of(message)
    return not messages.known(tx, FEED, {hashed})


def store_page(tx: Transaction, page: DespatchPage, tally: Tally) -> None:
    """Store the messages of a page; contents that were stored before change nothing."""
    by_contents = {hash_of(message): message for message in page.messages}
    has_unreadable = messages.has_unreadable(tx, FEED)
    for message in by_contents.values():
        record = message.record
        if isinstance(record, UnreadableDespatch):
            _keep_unreadable(tx, message, record)
            tally.add(Failed("unreadable"))
            continue
        tally.add(_store_alone(tx, message, record, has_unreadable=has_unreadable))
    tally.add(Fate.UNCHANGED, len(page.messages) - len(by_contents))
    tally.read += len(page.messages)


def _store_alone(
    tx: Transaction, message: DespatchMessage, record: Despatch, *, has_unreadable: bool
) -> Fate:
    """Store a message; one that fails is kept as it came, and takes no other along."""
    try:
        with tx.one_record():
            is_new = despatches.receive(tx, record, raw=message.raw, read_after=message.read_after)
            if is_new or has_unreadable:
                _settle_unreadable(tx, message, record, is_new=is_new)
    except RecordNotStored as error:
        detail = f"could not be stored ({error} at {place_of(error.cause)})"
        unread = UnreadableDespatch(
            despatch_id=record.despatch_id, sequence=record.sequence, field="record", detail=detail
        )
        _keep_unreadable(tx, message, unread)
        return Failed("could not be stored")
    return Fate.WRITTEN if is_new else Fate.UNCHANGED


def move_cursor(tx: Transaction, page: DespatchPage) -> None:
    """Move the cursor to the end of the page, unless a sequence number is implausibly high."""
    cursor = last_sequence(tx)
    if all(record.sequence is not None for record in page.unreadable):
        # One without a readable sequence looks like a gap.
        _note_gaps(tx, gaps(cursor, page.sequences))
    reached = safe_cursor(cursor, page.sequences, page.next_after_sequence)
    state.set_to(tx, state.WHISTL_DESPATCHES, str(reached))


def last_sequence(tx: Transaction) -> int:
    """Return the sequence up to which the feed was read."""
    return int(state.read(tx, state.WHISTL_DESPATCHES) or 0)


def read_from_the_start(link: Link, tally: Tally) -> None:
    """Read the feed from its beginning for as long as that brings anything new.

    Whistl's numbers may begin again, as after a move to another system: the cursor, and every sweep
    that starts from it, would never see those messages.

    Raises:
        IntegrationError: Whistl could not be read; pages already stored are kept.
    """
    after = 0
    for _ in range(_PAGES_FROM_THE_START):
        page = link.whistl.despatches_after(after, limit=PAGE)
        known = tally.written
        with link.ledger.transaction() as tx:
            store_page(tx, page, tally)
        if tally.written == known or not page.has_more or page.next_after_sequence <= after:
            return
        after = page.next_after_sequence


# ---- messages that cannot be read
def read_unreadable_again(link: Link, tally: Tally) -> None:
    """Try unreadable messages again: as they were kept, then as Whistl has them now.

    The first helps once a setting or our code can read them, the second once Whistl corrected them.
    Those that the requests of this round do not reach stay due, and are the first in the next one.

    Raises:
        IntegrationError: Whistl could not be read.
    """
    with link.ledger.reading() as tx:
        due = messages.unreadable_due(tx, FEED, limit=_AT_MOST)
    broken = [row for row in due if not _is_read_now(link, row, tally)]
    for _ in range(_REQUESTS):
        if not broken:
            return
        after = broken[0].read_after
        page = link.whistl.despatches_after(after, limit=_BESIDE_IT)
        end = max([after, *page.sequences])
        # The page holds what follows `after`, up to and including `end`.
        is_covered = {row.id: after <= row.read_after < max(end, after + 1) for row in broken}
        with link.ledger.transaction() as tx:
            store_page(tx, page, tally)
            for row in broken:
                if is_covered[row.id]:
                    messages.postpone(tx, row)
        broken = [row for row in broken if not is_covered[row.id]]


def _is_read_now(link: Link, row: MessageRow, tally: Tally) -> bool:
    record = link.whistl.read_again(row.body) if row.body is not None else None
    if not isinstance(record, Despatch):
        return False
    with link.ledger.transaction() as tx:
        messages.settle(tx, FEED, row.content_hash)
        is_new = despatches.receive(tx, record, raw=row.body, read_after=row.read_after)
        _close_if_read(tx, row.message_id)
    tally.read += 1
    tally.add(Fate.WRITTEN if is_new else Fate.UNCHANGED)
    return True


def _keep_unreadable(tx: Transaction, message: DespatchMessage, record: UnreadableDespatch) -> None:
    name = record.despatch_id or _place(message, record)
    is_new = messages.keep(
        tx,
        feed=FEED,
        message_id=name,
        content_hash=hash_of(message),
        sequence=record.sequence,
        read_after=message.read_after,
        state=MessageState.UNREADABLE,
        body=message.raw,
    )
    if is_new:
        exceptions.open_or_refresh(tx, [_unreadable(name, record)])


def _settle_unreadable(
    tx: Transaction, message: DespatchMessage, despatch: Despatch, *, is_new: bool
) -> None:
    """Close what was said of messages that could not be read and that this one replaces."""
    named = messages.settle_unreadable(
        tx,
        FEED,
        message_id=despatch.despatch_id,
        sequence=despatch.sequence,
        read_after=message.read_after,
        is_new=is_new,
    )
    for message_id in {*named, despatch.despatch_id} if is_new else named:
        _close_if_read(tx, message_id)


def _close_if_read(tx: Transaction, message_id: str) -> None:
    if not messages.has_unreadable(tx, FEED, message_id):
        exceptions.resolve(tx, SubjectType.DESPATCH, message_id, [_UNREADABLE])


def _place(message: DespatchMessage, record: UnreadableDespatch) -> str:
    if record.sequence is not None:
        return f"sequence {record.sequence}"
    return f"after sequence {message.read_after}"


def _unreadable(name: str, record: UnreadableDespatch) -> Problem:
    return Problem(
        kind=_UNREADABLE,
        subject_type=SubjectType.DESPATCH,
        subject=name,
        field=record.field,
        value="",
        message=(
            f"Whistl's despatch message {name} could not be read. {record.field}: {record.detail}. "
            "It is kept and read again regularly."
        ),
    )


# ---- sequences that were left out
@dataclass(frozen=True, slots=True, kw_only=True)
class _Unfilled:
    """The lowest sequence after which messages may be missing, and how often it was read again."""

    after: int
    tries: int
    due_at: datetime


def is_gap_due(tx: Transaction) -> bool:
    """Say whether sequences that were left out are to be read again now."""
    gap = _unfilled(tx)
    return gap is not None and gap.due_at <= tx.now


def read_gap_again(link: Link, tally: Tally) -> None:
    """Read again from where sequences were left out: a message may have become visible late.

    Many servers leave numbers out, so a gap proves nothing: after a few times it is forgotten.
    Whistl's view of the orders shows what is really missing.

    Raises:
        IntegrationError: Whistl could not be read.
    """
    with link.ledger.reading() as tx:
        gap = _unfilled(tx)
    if gap is None or gap.due_at > link.now():
        return
    after = gap.after
    for _ in range(_PAGES_OF_A_GAP):
        page = link.whistl.despatches_after(after, limit=PAGE)
        with link.ledger.transaction() as tx:
            store_page(tx, page, tally)
        if not page.has_more or page.next_after_sequence <= after:
            break
        after = page.next_after_sequence
    with link.ledger.transaction() as tx:
        _set_unfilled(tx, gap.after, tries=gap.tries + 1)


def _note_gaps(tx: Transaction, found: list[Gap]) -> None:
    if found and _unfilled(tx) is None:
        _set_unfilled(tx, found[0].after, tries=0)


def _unfilled(tx: Transaction) -> _Unfilled | None:
    text = state.read(tx, state.WHISTL_DESPATCH_GAP)
    if not text:
        return None
    gap = json.loads(text)
    due_at = datetime.fromisoformat(gap["due_at"])
    return _Unfilled(after=gap["after"], tries=gap["tries"], due_at=due_at)


def _set_unfilled(tx: Transaction, after: int, *, tries: int) -> None:
    text = ""
    if tries < len(_GAP_IS_READ_AGAIN):
        due_at = tx.now + _GAP_IS_READ_AGAIN[tries]
        text = json.dumps({"after": after, "tries": tries, "due_at": due_at.isoformat()})
    state.set_to(tx, state.WHISTL_DESPATCH_GAP, text)
