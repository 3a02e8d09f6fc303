"""The exceptions register: one open row per cause and subject, with an owner and a clock.

Belongs here: opening, refreshing, resolving, closing by hand. Does not belong here: who owns which
kind (`config/exceptions.toml`), what ends it (`domain.exceptions.endings`) and who is alerted
(`alerts`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from hashlib import sha256

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.endings import UNREAD_ADVICE_LASTS
from centra_whistl_dagster.domain.exceptions.problems import (
    ADVICE,
    ExceptionKind,
    Problem,
    SubjectType,
)
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.ledger import order_causes as causes
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import ExceptionRow, OrderRow
from centra_whistl_dagster.ledger.tables import exception_orders, exceptions

_IS_OPEN = exceptions.c.resolved_at.is_(None)
_IS_CLOSED_BY_HAND = sa.and_(
    exceptions.c.resolved_at.is_not(None),
    exceptions.c.closed_by.is_not(None),
    exceptions.c.contents.is_not(None),
)
"""A person closed it, and its cause is not known to be over."""


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
    contents: str = "",
) -> None:
    """Open an exception about one order, or refresh the one that is open."""
    problem = order_problem(row.number, kind, message, field=field, value=value, contents=contents)
    _open_or_refresh(tx, problem)


def order_problem(
    number: int | str,
    kind: ExceptionKind,
    message: str,
    *,
    field: str = "status",
    value: str = "",
    contents: str = "",
) -> Problem:
    """Return a problem of the order with Centra's number."""
    return Problem(
        kind=kind,
        subject_type=SubjectType.ORDER,
        subject=str(number),
        field=field,
        value=value,
        message=message,
        contents=contents,
    )


def set_for_order(
    tx: Transaction, centra_id: str, kinds: Collection[ExceptionKind], problems: Iterable[Problem]
) -> None:
    """Make these problems, and no others, an order's exceptions of these kinds.

    Orders with one cause share its exception; it is resolved when the last of them is free of it.
    """
    raised = open_or_refresh(tx, problems)
    had = _linked(tx, centra_id, tuple(ExceptionKind))
    _unlink(tx, centra_id, _linked(tx, centra_id, kinds) - raised)
    if added := raised - had:
        rows = [{"exception_id": each, "centra_id": centra_id} for each in sorted(added)]
        tx.execute(sa.insert(exception_orders), rows)
        causes.link(tx, centra_id, added)


def end_for_order(tx: Transaction, row: OrderRow, kinds: Collection[ExceptionKind]) -> None:
    """Resolve an order's open exceptions of these kinds; one it shares stays for the others."""
    resolve_order(tx, row.number, kinds)
    _unlink(tx, row.centra_id, _linked(tx, row.centra_id, kinds))


def _linked(tx: Transaction, centra_id: str, kinds: Collection[ExceptionKind]) -> set[int]:
    """Return the ids of the exceptions of these kinds that an order has, or shares."""
    query = (
        sa.select(exceptions.c.id)
        .join(exception_orders, exception_orders.c.exception_id == exceptions.c.id)
        .where(exception_orders.c.centra_id == centra_id, exceptions.c.kind.in_(list(kinds)))
    )
    return set(tx.execute(query).scalars())


def _unlink(tx: Transaction, centra_id: str, ids: Collection[int]) -> None:
    """Free an order of exceptions; resolve those that keep no other order."""
    if not ids:
        return
    of_order = exception_orders.c.centra_id == centra_id
    tx.execute(
        sa.delete(exception_orders).where(
            of_order, exception_orders.c.exception_id.in_(sorted(ids))
        )
    )
    causes.free(tx, centra_id, ids)
    keeps_others = sa.select(exception_orders.c.exception_id)
    _resolve_where(tx, exceptions.c.id.in_(sorted(ids)), exceptions.c.id.not_in(keeps_others))


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
    *,
    field: str | None = None,
) -> int:
    """Resolve a subject's open exceptions of these kinds; return how many there were.

    With a field, only those about it: one parcel of a despatch says nothing of another.
    """
    about_field = () if field is None else (exceptions.c.field == field,)
    return _resolve_where(
        tx,
        exceptions.c.subject_type == subject_type,
        exceptions.c.subject == subject,
        exceptions.c.kind.in_(list(kinds)),
        *about_field,
    )


def resolve_kind(tx: Transaction, kind: ExceptionKind, *, except_subjects: Collection[str]) -> int:
    """Resolve a kind's open exceptions but for `except_subjects`, where it is still true."""
    over = unended_subjects(tx, kind).difference(except_subjects)
    of_kind = exceptions.c.kind == kind
    return sum(_resolve_where(tx, of_kind, exceptions.c.subject.in_(part)) for part in parts(over))


def resolve_ids(tx: Transaction, ids: Collection[int]) -> int:
    """Resolve open exceptions by id; return how many there were."""
    return _resolve_where(tx, exceptions.c.id.in_(sorted(ids))) if ids else 0


def end_old_advice(tx: Transaction) -> int:
    """Resolve advice past its time limit that its owner has had; return how much there was.

    It ends without an alert: nobody had to act on it.
    """
    was_alerted = exceptions.c.told.in_(["opened", "escalated"])
    query = sa.select(exceptions.c.id).where(
        _IS_OPEN,
        exceptions.c.kind.in_(ADVICE),
        exceptions.c.due_at <= tx.now,
        sa.or_(was_alerted, exceptions.c.due_at <= tx.now - UNREAD_ADVICE_LASTS),
    )
    ids = list(tx.execute(query).scalars())
    for part in parts(ids):
        resolve_ids(tx, part)
        tx.execute(sa.update(exceptions).where(exceptions.c.id.in_(part)).values(told="closed"))
    return len(ids)


def by_id(tx: Transaction, exception_id: int) -> ExceptionRow | None:
    """Return one exception, open or not; None where there is none of that id."""
    return tx.row(ExceptionRow, sa.select(exceptions).where(exceptions.c.id == exception_id))


def open_about(tx: Transaction, subject_type: SubjectType, subject: str) -> list[ExceptionRow]:
    """Return a subject's open exceptions, the most overdue first."""
    query = sa.select(exceptions).where(
        exceptions.c.subject == subject, exceptions.c.subject_type == subject_type, _IS_OPEN
    )
    return tx.rows(ExceptionRow, query.order_by(exceptions.c.due_at, exceptions.c.id))


def close_by_hand(tx: Transaction, row: ExceptionRow, *, who: str, note: str) -> None:
    """Close an open exception because a person says so, and keep who and why.

    The same contents do not open it again until its cause was over; other contents do.

    Args:
        tx: the transaction.
        row: the exception, as read in this transaction.
        who: the person.
        note: what the person did about it.
    """
    contents = row.contents or _digest(f"{row.value}\n{row.message}")
    tx.execute(
        sa.update(exceptions)
        .where(exceptions.c.id == row.id, _IS_OPEN)
        .values(resolved_at=tx.now, contents=contents, closed_by=who, closed_note=note)
    )


def open_subjects(tx: Transaction, kind: ExceptionKind) -> set[str]:
    """Return the subjects that have an open exception of a kind."""
    query = sa.select(exceptions.c.subject).where(exceptions.c.kind == kind, _IS_OPEN)
    return set(tx.execute(query).scalars())


def unended_subjects(tx: Transaction, kind: ExceptionKind, *, field: str | None = None) -> set[str]:
    """Return the subjects of a kind's exceptions whose cause is not known to be over.

    They are open, or a person closed them and no fact has ended them since. With a field, only
    those about it.
    """
    about_field = () if field is None else (exceptions.c.field == field,)
    query = sa.select(exceptions.c.subject).where(
        exceptions.c.kind == kind, sa.or_(_IS_OPEN, _IS_CLOSED_BY_HAND), *about_field
    )
    return set(tx.execute(query).scalars())


def is_open_for_order(tx: Transaction, number: int, kind: ExceptionKind) -> bool:
    """Say whether an order has an open exception of a kind."""
    query = sa.select(exceptions.c.id).where(
        exceptions.c.kind == kind,
        exceptions.c.subject_type == SubjectType.ORDER,
        exceptions.c.subject == str(number),
        _IS_OPEN,
    )
    return tx.execute(query.limit(1)).one_or_none() is not None


def counts_by_kind(tx: Transaction, *, only_open: bool = False) -> dict[str, int]:
    """Return how many exceptions there are of each kind, ever or still open."""
    query = sa.select(exceptions.c.kind, sa.func.count()).group_by(exceptions.c.kind)
    if only_open:
        query = query.where(_IS_OPEN)
    counts = tx.execute(query.order_by(exceptions.c.kind)).tuples()
    return {str(kind): count for kind, count in counts}


def _resolve_where(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> int:
    # What a person closed may open again once its cause was over.
    tx.execute(sa.update(exceptions).where(_IS_CLOSED_BY_HAND, *conditions).values(contents=None))
    query = sa.update(exceptions).where(_IS_OPEN, *conditions)
    return tx.execute(query.values(resolved_at=tx.now, contents=None)).rowcount


def _open_or_refresh(tx: Transaction, problem: Problem) -> int:
    is_this = sa.and_(
        exceptions.c.kind == problem.kind,
        exceptions.c.subject_type == problem.subject_type,
        exceptions.c.subject == problem.subject,
        exceptions.c.field == problem.field,
    )
    contents = _digest(problem.contents or f"{problem.value}\n{problem.message}")
    known = tx.row(ExceptionRow, sa.select(exceptions).where(is_this, _IS_OPEN))
    if known is not None:
        _refresh(tx, known, problem, contents)
        return known.id
    query = sa.select(exceptions.c.id).where(
        is_this, _IS_CLOSED_BY_HAND, exceptions.c.contents == contents
    )
    closed: int | None = tx.execute(query.limit(1)).scalar_one_or_none()
    return _open(tx, problem, contents) if closed is None else closed


def _refresh(tx: Transaction, known: ExceptionRow, problem: Problem, contents: str) -> None:
    """Keep a problem's newest words; where its cause is another one, alert its owner anew."""
    values: dict[str, object] = {
        "last_seen_at": tx.now,
        "value": problem.value,
        "message": problem.message,
        "contents": contents,
    }
    # Value and message of a problem that names no contents change with the clock.
    if problem.contents and known.contents not in {None, contents}:
        due_at = tx.now + _time_limit(tx.responsibilities[problem.kind])
        values |= {"told": "nothing", "escalated_at": None, "due_at": due_at}
    tx.execute(sa.update(exceptions).where(exceptions.c.id == known.id).values(**values))


def _time_limit(responsibility: Responsibility) -> timedelta:
    return timedelta(minutes=responsibility.time_limit_minutes)


def _digest(contents: str) -> str:
    return sha256(contents.encode()).hexdigest()


def _open(tx: Transaction, problem: Problem, contents: str) -> int:
    responsibility = tx.responsibilities[problem.kind]
    result = tx.execute(
        sa.insert(exceptions).values(
            kind=problem.kind,
            subject_type=problem.subject_type,
            subject=problem.subject,
            field=problem.field,
            value=problem.value,
            message=problem.message,
            contents=contents,
            owner=responsibility.owner,
            severity=responsibility.severity,
            opened_at=tx.now,
            last_seen_at=tx.now,
            due_at=tx.now + _time_limit(responsibility),
        )
    )
    return int(result.inserted_primary_key[0])  # type: ignore[index]  # one integer key
