"""Orders that Centra has announced by itself, and how well its pushes have announced new ones.

Nothing here says anything about an order: that is read from Centra.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.polling import FirstSight, Hint, PushRecord
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.tables import order_hints, orders

_KEPT_FOR = timedelta(days=1)
"""Longer than any order is waited for; then a hint is of no use."""


class HintSource(StrEnum):
    """How Centra announced an order."""

    PUSH = "push"
    INSERT = "insert"
    """A push that the order is new, which is kept beside the first push about it."""
    EVENT = "event"


def announce(tx: Transaction, source: HintSource, made_at: Mapping[int, datetime]) -> None:
    """Note that Centra has announced orders; an announcement older than the one noted is ignored.

    Args:
        tx: the transaction.
        source: how.
        made_at: by order number, when Centra made the announcement, by its clock.
    """
    noted = announced_by(tx, source, made_at.keys())
    for number, made in made_at.items():
        values = {"made_at": made, "announced_at": tx.now}
        its_row = sa.and_(order_hints.c.number == number, order_hints.c.source == source)
        if number not in noted:
            first = {"number": number, "source": source, "first_announced_at": tx.now}
            tx.execute(sa.insert(order_hints).values(**first, **values))
        elif noted[number] <= made:
            tx.execute(sa.update(order_hints).where(its_row).values(**values))
    tx.execute(sa.delete(order_hints).where(order_hints.c.announced_at < tx.now - _KEPT_FOR))


def announced_by(
    tx: Transaction, source: HintSource, numbers: Collection[int]
) -> dict[int, datetime]:
    """Return those of some orders that were announced, with when Centra last did."""
    found: dict[int, datetime] = {}
    for part in parts(numbers):
        query = sa.select(order_hints.c.number, order_hints.c.made_at).where(
            order_hints.c.source == source, order_hints.c.number.in_(part)
        )
        found.update({row.number: row.made_at for row in tx.execute(query)})
    return found


def since(tx: Transaction, moment: datetime) -> list[Hint]:
    """Return what was announced since a moment, and whether the order was read since."""
    joined = order_hints.outerjoin(orders, orders.c.number == order_hints.c.number)
    query = (
        sa.select(order_hints.c.announced_at, orders.c.centra_checked_at)
        .select_from(joined)
        .where(order_hints.c.announced_at >= moment)
    )
    return [
        Hint(
            announced_at=row.announced_at,
            is_known=row.centra_checked_at is not None
            and row.centra_checked_at >= row.announced_at,
        )
        for row in tx.execute(query)
    ]


def first_seen(
    tx: Transaction, *, after: datetime, until: datetime, placed_within: timedelta
) -> list[FirstSight]:
    """Return how the orders first seen in a period were announced by pushes, in that order.

    Args:
        tx: the transaction.
        after: the beginning of the period, which is not part of it.
        until: its end.
        placed_within: an order that was placed longer before it was seen is left out.
    """
    pushes, inserts = order_hints.alias(), order_hints.alias()
    pushed = sa.and_(pushes.c.number == orders.c.number, pushes.c.source == HintSource.PUSH)
    inserted = sa.and_(inserts.c.number == orders.c.number, inserts.c.source == HintSource.INSERT)
    query = (
        sa.select(
            orders.c.first_seen_at,
            orders.c.ordered_at,
            orders.c.locked_at,
            pushes.c.first_announced_at.label("pushed_at"),
            inserts.c.first_announced_at.label("inserted_at"),
        )
        .select_from(orders.outerjoin(pushes, pushed).outerjoin(inserts, inserted))
        .where(orders.c.first_seen_at > after, orders.c.first_seen_at <= until)
    )
    return [
        FirstSight(
            seen_at=row.first_seen_at,
            locked_at=row.locked_at,
            pushed_at=row.pushed_at,
            inserted_at=row.inserted_at,
        )
        for row in tx.execute(query.order_by(orders.c.first_seen_at, orders.c.number))
        if row.first_seen_at - row.ordered_at <= placed_within
    ]


# ---- how well pushes do
def push_record(tx: Transaction) -> PushRecord | None:
    """Return how well pushes have announced new orders; None where they were never in use."""
    kept = state.read(tx, state.CENTRA_PUSHES)
    if kept is None:
        return None
    values = json.loads(kept)
    for name in ("heard_at", "judged_until", "missed_since"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return PushRecord(**values)


def set_push_record(tx: Transaction, record: PushRecord) -> None:
    """Replace what is known of pushes."""
    state.set_to(tx, state.CENTRA_PUSHES, json.dumps(asdict(record), default=datetime.isoformat))


def forget_push_record(tx: Transaction) -> None:
    """Begin anew the next time that pushes are in use."""
    state.forget(tx, state.CENTRA_PUSHES)
