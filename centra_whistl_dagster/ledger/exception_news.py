"""What people have not been told of the exceptions, and what hangs on them.

Belongs here: reading the register for alerts and for the operators' list, and the mark of what was
told. Does not belong here: opening and resolving (`exceptions`), or when to tell (`alerts.rules`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any, Unpack

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.exceptions.stakes import ConcernedOrder
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import ExceptionChange, ExceptionRow
from centra_whistl_dagster.ledger.tables import (
    exception_orders,
    exceptions,
    order_events,
    orders,
)


def to_tell(tx: Transaction) -> list[ExceptionRow]:
    """Return the exceptions that may need an alert, the oldest first."""
    open_now = exceptions.c.resolved_at.is_(None)
    query = sa.select(exceptions).where(
        exceptions.c.told != "closed",
        sa.or_(
            sa.not_(open_now),
            exceptions.c.told == "nothing",
            sa.and_(exceptions.c.told == "opened", exceptions.c.due_at <= tx.now),
        ),
    )
    return tx.rows(ExceptionRow, query.order_by(exceptions.c.opened_at, exceptions.c.id))


def set_told(
    tx: Transaction, ids: Collection[int], told: str, **change: Unpack[ExceptionChange]
) -> None:
    """Mark what was told of exceptions; other columns may be set with it."""
    for part in parts(ids):
        tx.execute(
            sa.update(exceptions).where(exceptions.c.id.in_(part)).values(told=told, **change)
        )


def open_since_before(tx: Transaction, moment: datetime) -> list[ExceptionRow]:
    """Return the exceptions that have been open since before a moment, the most overdue first."""
    query = sa.select(exceptions).where(
        exceptions.c.resolved_at.is_(None), exceptions.c.opened_at < moment
    )
    return tx.rows(ExceptionRow, query.order_by(exceptions.c.due_at, exceptions.c.id))


def listed(
    tx: Transaction, *, owner: str | None = None, only_open: bool = True
) -> list[ExceptionRow]:
    """Return exceptions: open ones first, among those the most overdue first."""
    query = sa.select(exceptions)
    if owner is not None:
        query = query.where(exceptions.c.owner == owner)
    if only_open:
        query = query.where(exceptions.c.resolved_at.is_(None))
    is_closed = exceptions.c.resolved_at.is_not(None)
    return tx.rows(ExceptionRow, query.order_by(is_closed, exceptions.c.due_at, exceptions.c.id))


def open_of_kinds(
    tx: Transaction, kinds: Collection[ExceptionKind], *, limit: int
) -> list[ExceptionRow]:
    """Return open exceptions of these kinds, the most overdue first, and no more than `limit`."""
    query = sa.select(exceptions).where(
        exceptions.c.kind.in_(sorted(kinds)), exceptions.c.resolved_at.is_(None)
    )
    in_order = query.order_by(exceptions.c.due_at, exceptions.c.id).limit(limit)
    return tx.rows(ExceptionRow, in_order)


def orders_concerned(
    tx: Transaction, rows: Iterable[ExceptionRow]
) -> dict[int, list[ConcernedOrder]]:
    """Return, by exception, the orders it keeps or is about; none for a closed one of a SKU."""
    found: dict[int, list[ConcernedOrder]] = defaultdict(list)
    numbers: dict[int, list[int]] = defaultdict(list)
    ids = []
    for row in rows:
        ids.append(row.id)
        if row.subject_type == SubjectType.ORDER and row.subject.isdecimal():
            numbers[int(row.subject)].append(row.id)
    columns = [getattr(orders.c, field.name) for field in fields(ConcernedOrder)]
    for part in parts(ids):
        linked = (
            sa.select(exception_orders.c.exception_id, *columns)
            .join(orders, orders.c.centra_id == exception_orders.c.centra_id)
            .where(exception_orders.c.exception_id.in_(part))
        )
        for concerned in tx.execute(linked):
            found[concerned.exception_id].append(_concerned(concerned))
    for part in parts(numbers):
        for concerned in tx.execute(sa.select(*columns).where(orders.c.number.in_(part))):
            for exception_id in numbers[concerned.number]:
                found[exception_id].append(_concerned(concerned))
    return found


def ever_blocked(tx: Transaction) -> dict[int, datetime]:
    """Return when each order that was ever kept back was placed, by Centra's number."""
    kept = sa.select(order_events.c.centra_id).where(order_events.c.to_state == OrderState.BLOCKED)
    query = sa.select(orders.c.number, orders.c.ordered_at).where(orders.c.centra_id.in_(kept))
    return dict(tx.execute(query).tuples().all())


def _concerned(row: sa.Row[Any]) -> ConcernedOrder:
    return ConcernedOrder(
        number=row.number,
        whistl_number=row.whistl_number,
        state=row.state,
        currency=row.currency,
        grand_total=row.grand_total,
    )
