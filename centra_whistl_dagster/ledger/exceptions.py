"""The exceptions register: one open row per cause and subject, with an owner and a clock.

Belongs here: opening, refreshing, resolving. Does not belong here: who owns which kind
(`config/exceptions.toml`) and who is alerted (`alerts`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.tables import exception_orders, exceptions

_IS_OPEN = exceptions.c.resolved_at.is_(None)


def open_or_refresh(tx: Transaction, problems: Iterable[Problem]) -> set[int]:
    """Open an exception for each problem, or refresh the one that is open; return their ids."""
    return {_open_or_refresh(tx, problem) for problem in problems}


def about_order(
    tx: Transaction,
    row: OrderRow,
    kind: ExceptionKind,
    message: str,
    *,
    field: str = "status",
    value: str = "",
) -> None:
    """Open an exception about one order, or refresh the one that is open."""
    _open_or_refresh(tx, order_problem(row.number, kind, message, field=field, value=value))


def order_problem(
    number: int | str, kind: ExceptionKind, message: str, *, field: str = "status", value: str = ""
) -> Problem:
    """Return a problem of the order with Centra's number."""
    return Problem(
        kind=kind,
        subject_type=SubjectType.ORDER,
        subject=str(number),
        field=field,
        value=value,
        message=message,
    )


def set_for_order(tx: Transaction, centra_id: str, problems: Iterable[Problem]) -> None:
    """Make these, and no others, the exceptions that block an order or concern its contents.

    Orders with one cause share its exception; it is resolved when the last of them is free of it.
    """
    raised = open_or_refresh(tx, problems)
    of_order = exception_orders.c.centra_id == centra_id
    had = set(tx.execute(sa.select(exception_orders.c.exception_id).where(of_order)).scalars())
    if gone := had - raised:
        tx.execute(
            sa.delete(exception_orders).where(
                of_order, exception_orders.c.exception_id.in_(sorted(gone))
            )
        )
        keeps_others = sa.select(exception_orders.c.exception_id)
        _resolve_where(tx, exceptions.c.id.in_(sorted(gone)), exceptions.c.id.not_in(keeps_others))
    if added := raised - had:
        rows = [{"exception_id": each, "centra_id": centra_id} for each in sorted(added)]
        tx.execute(sa.insert(exception_orders), rows)


def set_for_subject(
    tx: Transaction,
    subject_type: SubjectType,
    subject: str,
    kinds: Collection[ExceptionKind],
    problems: Iterable[Problem],
) -> None:
    """Make these problems, and no others, the open exceptions of these kinds of a subject."""
    still = open_or_refresh(tx, problems)
    _resolve_where(
        tx,
        exceptions.c.subject_type == subject_type,
        exceptions.c.subject == subject,
        exceptions.c.kind.in_(list(kinds)),
        exceptions.c.id.not_in(sorted(still)),
    )


def resolve_order(
    tx: Transaction, number: int | str, kinds: Collection[ExceptionKind] = tuple(ExceptionKind)
) -> int:
    """Resolve an order's open exceptions of these kinds; return how many there were."""
    return resolve(tx, SubjectType.ORDER, str(number), kinds)


def resolve(
    tx: Transaction,
    subject_type: SubjectType,
    subject: str,
    kinds: Collection[ExceptionKind] = tuple(ExceptionKind),
) -> int:
    """Resolve a subject's open exceptions of these kinds; return how many there were."""
    return _resolve_where(
        tx,
        exceptions.c.subject_type == subject_type,
        exceptions.c.subject == subject,
        exceptions.c.kind.in_(list(kinds)),
    )


def resolve_kind(tx: Transaction, kind: ExceptionKind, *, except_subjects: Collection[str]) -> int:
    """Resolve a kind's open exceptions but for `except_subjects`, where it is still true."""
    query = sa.select(exceptions.c.id, exceptions.c.subject).where(
        exceptions.c.kind == kind, _IS_OPEN
    )
    ids = [row.id for row in tx.execute(query) if row.subject not in except_subjects]
    return _resolve_where(tx, exceptions.c.id.in_(ids)) if ids else 0


def open_subjects(tx: Transaction, kind: ExceptionKind) -> set[str]:
    """Return the subjects that have an open exception of a kind."""
    query = sa.select(exceptions.c.subject).where(exceptions.c.kind == kind, _IS_OPEN)
    return set(tx.execute(query).scalars())


def counts_by_kind(tx: Transaction, *, only_open: bool = False) -> dict[str, int]:
    """Return how many exceptions there are of each kind, ever or still open."""
    query = sa.select(exceptions.c.kind, sa.func.count()).group_by(exceptions.c.kind)
    if only_open:
        query = query.where(_IS_OPEN)
    counts = tx.execute(query.order_by(exceptions.c.kind)).tuples()
    return {str(kind): count for kind, count in counts}


def _resolve_where(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> int:
    query = sa.update(exceptions).where(_IS_OPEN, *conditions).values(resolved_at=tx.now)
    return tx.execute(query).rowcount


def _open_or_refresh(tx: Transaction, problem: Problem) -> int:
    known: int | None = tx.execute(
        sa.select(exceptions.c.id).where(
            exceptions.c.kind == problem.kind,
            exceptions.c.subject_type == problem.subject_type,
            exceptions.c.subject == problem.subject,
            exceptions.c.field == problem.field,
            _IS_OPEN,
        )
    ).scalar_one_or_none()
    if known is not None:
        tx.execute(
            sa.update(exceptions)
            .where(exceptions.c.id == known)
            .values(last_seen_at=tx.now, value=problem.value, message=problem.message)
        )
        return known
    responsibility = tx.responsibilities[problem.kind]
    result = tx.execute(
        sa.insert(exceptions).values(
            kind=problem.kind,
            subject_type=problem.subject_type,
            subject=problem.subject,
            field=problem.field,
            value=problem.value,
            message=problem.message,
            owner=responsibility.owner,
            severity=responsibility.severity,
            opened_at=tx.now,
            last_seen_at=tx.now,
            due_at=tx.now + timedelta(minutes=responsibility.time_limit_minutes),
        )
    )
    return int(result.inserted_primary_key[0])  # type: ignore[index]  # one integer key
