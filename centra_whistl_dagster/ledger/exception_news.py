"""Exceptions that people have not been alerted to, and the orders that depend on them.

Belongs here: reading the register for alerts and for the operators' list, and marking what was
alerted. Does not belong here: opening and resolving (`exceptions`), or when an alert is due
(`alerts.rules`).
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
    despatches,
    exception_orders,
    exceptions,
    former_numbers,
    order_events,
    orders,
)

_CONCERNED = [getattr(orders.c, field.name) for field in fields(ConcernedOrder)]


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
    """Mark what was alerted of exceptions; other columns may be set with it."""
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
    listed = list(rows)
    found: dict[int, list[ConcernedOrder]] = defaultdict(list)
    for part in parts(row.id for row in listed):
        linked = (
            sa.select(exception_orders.c.exception_id, *_CONCERNED)
            .join(orders, orders.c.centra_id == exception_orders.c.centra_id)
            .where(exception_orders.c.exception_id.in_(part))
        )
        for concerned in tx.execute(linked):
            found[concerned.exception_id].append(_concerned(concerned))
    by_number = _ids_by_subject(listed, SubjectType.ORDER)
    for part in parts(int(number) for number in by_number if number.isdecimal()):
        for concerned in tx.execute(sa.select(*_CONCERNED).where(orders.c.number.in_(part))):
            for exception_id in by_number[str(concerned.number)]:
                found[exception_id].append(_concerned(concerned))
    by_despatch = _ids_by_subject(listed, SubjectType.DESPATCH)
    for names in parts(by_despatch):
        for concerned in tx.execute(_orders_of_despatches(names)):
            for exception_id in by_despatch[concerned.despatch_id]:
                found[exception_id].append(_concerned(concerned))
    return found


def _ids_by_subject(
    rows: Iterable[ExceptionRow], subject_type: SubjectType
) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.subject_type == subject_type:
            ids[row.subject].append(row.id)
    return ids


def _orders_of_despatches(ids: Collection[str]) -> sa.CompoundSelect[Any]:
    """Return the query of the orders that despatches are about, under a former number too."""
    query = sa.select(despatches.c.despatch_id, *_CONCERNED).where(
        despatches.c.despatch_id.in_(ids)
    )
    same = despatches.c.whistl_number
    return sa.union(
        query.join(orders, orders.c.whistl_number == same),
        query.join(former_numbers, former_numbers.c.whistl_number == same).join(
            orders, orders.c.centra_id == former_numbers.c.centra_id
        ),
    )


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
