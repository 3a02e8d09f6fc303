"""Messages of a feed as they came, raw, each kept until its contents are applied.

Contents tell messages apart, not ids and versions. Bodies may hold what nobody asked for, personal
data included: they are dropped as soon as the message is settled, and by retention. Does not belong
here: reading a feed (`workflows.shipments.despatch_feed`), and what a despatch says (`despatches`).
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import MessageRow
from centra_whistl_dagster.ledger.states import MessageState
from centra_whistl_dagster.ledger.tables import messages

_TRY_AGAIN = tuple(timedelta(minutes=each) for each in (10, 30, 60, 360))
"""After which a message that could not be read, or not be applied, is tried again; the last one for
ever."""


def known(tx: Transaction, feed: str, hashes: set[str]) -> set[str]:
    """Return those contents that came before."""
    query = sa.select(messages.c.content_hash).where(
        messages.c.feed == feed, messages.c.content_hash.in_(sorted(hashes))
    )
    return set(tx.execute(query).scalars())


def keep(
    tx: Transaction,
    *,
    feed: str,
    message_id: str,
    content_hash: str,
    sequence: int | None,
    read_after: int,
    state: MessageState,
    body: str | None,
) -> bool:
    """Keep a message; return False when the same contents came before."""
    if known(tx, feed, {content_hash}):
        return False
    is_unreadable = state is MessageState.UNREADABLE
    tx.execute(
        sa.insert(messages).values(
            feed=feed,
            message_id=message_id,
            content_hash=content_hash,
            sequence=sequence,
            read_after=read_after,
            received_at=tx.now,
            state=state,
            body=body,
            due_at=tx.now + _TRY_AGAIN[0] if is_unreadable else None,
        )
    )
    return True


def keep_again(
    tx: Transaction,
    *,
    feed: str,
    content_hash: str,
    sequence: int,
    read_after: int,
    body: str | None,
) -> None:
    """Keep a message once more whose contents came before and are to be applied again."""
    tx.execute(
        sa.update(messages)
        .where(messages.c.feed == feed, messages.c.content_hash == content_hash)
        .values(
            sequence=sequence,
            read_after=read_after,
            received_at=tx.now,
            state=MessageState.READ,
            body=body,
            attempts=0,
            due_at=None,
        )
    )


def settle(tx: Transaction, feed: str, content_hash: str) -> None:
    """Drop the body of a message whose contents were applied, or never will be."""
    _settle_where(tx, messages.c.feed == feed, messages.c.content_hash == content_hash)


def settle_unreadable(
    tx: Transaction,
    feed: str,
    *,
    message_id: str,
    sequence: int,
    read_after: int,
    is_new: bool,
) -> set[str]:
    """Settle the unreadable messages that a readable one replaces; return their ids.

    Args:
        tx: the transaction.
        feed: the feed.
        message_id: of the readable message, as below.
        sequence: where it is; an unreadable one of a later sequence is newer.
        read_after: where it is, for unreadable ones without a sequence.
        is_new: its contents were not known. Known ones replace only what stood in the same place.
    """
    has_its_id = messages.c.message_id == message_id
    has_no_sequence = messages.c.sequence.is_(None)
    is_no_later = sa.or_(has_no_sequence, messages.c.sequence <= sequence)
    is_there = sa.and_(has_its_id, has_no_sequence, messages.c.read_after == read_after)
    is_replaced = sa.or_(messages.c.sequence == sequence, is_there)
    if is_new:
        is_replaced = sa.or_(is_replaced, sa.and_(has_its_id, is_no_later))
    is_unreadable = sa.and_(
        messages.c.feed == feed, messages.c.state == MessageState.UNREADABLE, is_replaced
    )
    replaced = set(tx.execute(sa.select(messages.c.message_id).where(is_unreadable)).scalars())
    if replaced:
        _settle_where(tx, is_unreadable)
    return replaced


def has_unreadable(tx: Transaction, feed: str, message_id: str | None = None) -> bool:
    """Say whether a message, of that id if one is given, waits to be read."""
    query = sa.select(messages.c.id).where(
        messages.c.feed == feed, messages.c.state == MessageState.UNREADABLE
    )
    if message_id is not None:
        query = query.where(messages.c.message_id == message_id)
    return tx.execute(query.limit(1)).one_or_none() is not None


def unreadable_due(tx: Transaction, feed: str, *, limit: int) -> list[MessageRow]:
    """Return unreadable messages that are to be tried again now.

    Those due longest come first, and then as in the feed: none waits for ever behind the others.
    """
    query = sa.select(messages).where(_is_due(tx, feed))
    return tx.rows(
        MessageRow, query.order_by(messages.c.due_at, messages.c.read_after).limit(limit)
    )


def count_unreadable_due(tx: Transaction, feed: str) -> int:
    """Return how many unreadable messages are to be tried again now."""
    query = sa.select(sa.func.count()).select_from(messages).where(_is_due(tx, feed))
    return tx.execute(query).scalar_one()


def postpone(tx: Transaction, row: MessageRow) -> None:
    """Count a failed attempt to read or to apply a message, and say when the next one is due."""
    # That it could not be read when it came was a first attempt, which is not counted.
    failures = row.attempts + (row.state is MessageState.UNREADABLE)
    wait = _TRY_AGAIN[min(failures, len(_TRY_AGAIN) - 1)]
    tx.execute(
        sa.update(messages)
        .where(messages.c.id == row.id)
        .values(attempts=row.attempts + 1, due_at=tx.now + wait)
    )


def find(tx: Transaction, feed: str, content_hash: str) -> MessageRow | None:
    """Return the message of these contents; None where it is not kept."""
    query = sa.select(messages).where(
        messages.c.feed == feed, messages.c.content_hash == content_hash
    )
    return tx.row(MessageRow, query)


def is_postponed(
    tx: Transaction, feed: str, content_hash: sa.ColumnElement[str]
) -> sa.ColumnElement[bool]:
    """Say which message has these contents and is to be applied later.

    A settled one too: a correction that came before what it corrects is applied anew.
    """
    return sa.and_(
        messages.c.feed == feed,
        messages.c.content_hash == content_hash,
        messages.c.due_at > tx.now,
    )


def _is_due(tx: Transaction, feed: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        messages.c.feed == feed,
        messages.c.state == MessageState.UNREADABLE,
        messages.c.due_at <= tx.now,
    )


def _settle_where(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> None:
    tx.execute(
        sa.update(messages)
        .where(*conditions)
        .values(state=MessageState.SETTLED, body=None, due_at=None)
    )
