"""Open exceptions as a list to work through: page by page, with who works on each, and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Unpack

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.exceptions.worklist import Part, WorklistCounts
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import ExceptionRow, OrderRow, WorkChange, WorkRow
from centra_whistl_dagster.ledger.tables import (
    despatches,
    exception_orders,
    exception_work,
    exceptions,
    orders,
)

_IS_OPEN = exceptions.c.resolved_at.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which open exceptions are wanted; what is None does not matter."""

    part: Part | None = None
    owner: str | None = None
    kind: str | None = None
    taken_by: str | None = None


def page(tx: Transaction, wanted: Selection, *, limit: int, offset: int) -> list[ExceptionRow]:
    """Return some of the wanted exceptions, the most overdue first."""
    query = sa.select(exceptions).outerjoin(exception_work, _IS_ABOUT)
    in_order = query.where(*_conditions(tx, wanted)).order_by(exceptions.c.due_at, exceptions.c.id)
    return tx.rows(ExceptionRow, in_order.limit(limit).offset(offset))


def count(tx: Transaction, wanted: Selection) -> int:
    """Return how many exceptions are wanted."""
    query = sa.select(sa.func.count(exceptions.c.id)).outerjoin(exception_work, _IS_ABOUT)
    return tx.execute(query.where(*_conditions(tx, wanted))).scalar_one()


def counts_by_owner(tx: Transaction) -> dict[str, WorklistCounts]:
    """Return, by team, how many open exceptions are in each part of the list."""

    def number(part: Part) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((_is_in(tx, part), 1), else_=0)), 0)

    columns = [number(part) for part in Part]
    query = sa.select(exceptions.c.owner, *columns).outerjoin(exception_work, _IS_ABOUT)
    rows = tx.execute(query.where(_IS_OPEN).group_by(exceptions.c.owner))
    return {
        owner: WorklistCounts(dict(zip(Part, map(int, numbers), strict=True)))
        for owner, *numbers in rows
    }


def blocked_orders(tx: Transaction) -> tuple[int, dict[str, Decimal]]:
    """Return how many orders are blocked, and what they are worth by currency."""
    columns = (orders.c.currency, sa.func.count(), sa.func.sum(orders.c.grand_total))
    query = sa.select(*columns).where(orders.c.state == OrderState.BLOCKED)
    rows = tx.execute(query.group_by(orders.c.currency)).tuples().all()
    worth = {currency: Decimal(total) for currency, _, total in rows}
    return sum(number for _, number, _ in rows), worth


def work_on(tx: Transaction, ids: Iterable[int]) -> dict[int, WorkRow]:
    """Return who works on exceptions; one that nobody ever took or snoozed is absent."""
    found: dict[int, WorkRow] = {}
    for part in parts(ids):
        query = sa.select(exception_work).where(exception_work.c.exception_id.in_(part))
        found |= {row.exception_id: row for row in tx.rows(WorkRow, query)}
    return found


def set_work(tx: Transaction, exception_id: int, **change: Unpack[WorkChange]) -> None:
    """Set who works on an exception, or until when it is out of sight."""
    of_it = exception_work.c.exception_id == exception_id
    changed = tx.execute(sa.update(exception_work).where(of_it).values(**change))
    if not changed.rowcount:
        tx.execute(sa.insert(exception_work).values(exception_id=exception_id, **change))


def orders_of(
    tx: Transaction, row: ExceptionRow, *, state: OrderState, limit: int
) -> list[OrderRow]:
    """Return the orders in a state that an exception is about or keeps, oldest first."""
    linked = sa.select(exception_orders.c.centra_id).where(
        exception_orders.c.exception_id == row.id
    )
    is_its: sa.ColumnElement[bool] = orders.c.centra_id.in_(linked)
    if row.subject_type is SubjectType.ORDER and row.subject.isdecimal():
        is_its = sa.or_(is_its, orders.c.number == int(row.subject))
    query = sa.select(orders).where(is_its, orders.c.state == state)
    in_order = query.order_by(orders.c.ordered_at, orders.c.number)
    return tx.rows(OrderRow, in_order.limit(limit))


def numbers_of_despatches(tx: Transaction, despatch_ids: Iterable[str]) -> dict[str, str]:
    """Return, by despatch, the number at Whistl of the order that it is about."""
    found: dict[str, str] = {}
    for part in parts(despatch_ids):
        query = sa.select(despatches.c.despatch_id, despatches.c.whistl_number)
        found.update(tx.execute(query.where(despatches.c.despatch_id.in_(part))).tuples().all())
    return found


_IS_ABOUT = exception_work.c.exception_id == exceptions.c.id


def _conditions(tx: Transaction, wanted: Selection) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [_IS_OPEN]
    if wanted.part is not None:
        conditions.append(_is_in(tx, wanted.part))
    if wanted.owner is not None:
        conditions.append(exceptions.c.owner == wanted.owner)
    if wanted.kind is not None:
        conditions.append(exceptions.c.kind == wanted.kind)
    if wanted.taken_by is not None:
        conditions.append(exception_work.c.taken_by == wanted.taken_by)
    return conditions


def _is_in(tx: Transaction, part: Part) -> sa.ColumnElement[bool]:
    """Return what puts an exception into a part: each open one is in exactly one."""
    until = exception_work.c.snoozed_until
    if part is Part.SNOOZED:
        return until > tx.now
    is_in_sight = sa.or_(until.is_(None), until <= tx.now)
    is_late = exceptions.c.due_at < tx.now
    return sa.and_(is_in_sight, is_late if part is Part.OVERDUE else sa.not_(is_late))
