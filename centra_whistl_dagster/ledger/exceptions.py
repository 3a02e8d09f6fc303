"""The exceptions register: one open row per cause and subject, with an owner and a clock.

Belongs here: opening, refreshing, resolving. Does not belong here: who owns which kind
(`config/exceptions.toml`) and who is told (`alerts`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger.tables import exception_orders, exceptions


class KindPolicy(Protocol):
    """What the configuration says of one kind of exception."""

    @property
    def owner(self) -> str: ...  # noqa: D102 - named by the class's docstring
    @property
    def severity(self) -> str: ...  # noqa: D102
    @property
    def time_limit_minutes(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that is open now."""

    exception_id: int
    is_new: bool


def raise_all(
    tx: sa.Connection,
    problems: Iterable[Problem],
    policies: Mapping[ExceptionKind, KindPolicy],
    *,
    now: datetime,
) -> list[Raised]:
    """Open an exception for each problem, or refresh the one that is open already."""
    return [_raise(tx, problem, policies[ExceptionKind(problem.kind)], now) for problem in problems]


def set_for_order(
    tx: sa.Connection,
    centra_id: str,
    problems: Iterable[Problem],
    policies: Mapping[ExceptionKind, KindPolicy],
    *,
    now: datetime,
) -> None:
    """Make these, and no others, the exceptions that an order has.

    Orders with one cause share its exception; it is resolved when the last of them is free of it.
    """
    raised = {each.exception_id for each in raise_all(tx, problems, policies, now=now)}
    of_order = exception_orders.c.centra_id == centra_id
    had = set(tx.execute(sa.select(exception_orders.c.exception_id).where(of_order)).scalars())
    if gone := had - raised:
        tx.execute(
            sa.delete(exception_orders).where(
                of_order, exception_orders.c.exception_id.in_(sorted(gone))
            )
        )
        keeps_others = sa.select(exception_orders.c.exception_id)
        tx.execute(
            sa.update(exceptions)
            .where(
                exceptions.c.id.in_(sorted(gone)),
                exceptions.c.resolved_at.is_(None),
                exceptions.c.id.not_in(keeps_others),
            )
            .values(resolved_at=now)
        )
    if added := raised - had:
        rows = [{"exception_id": each, "centra_id": centra_id} for each in sorted(added)]
        tx.execute(sa.insert(exception_orders), rows)


def _raise(tx: sa.Connection, problem: Problem, policy: KindPolicy, now: datetime) -> Raised:
    known = tx.execute(
        sa.select(exceptions.c.id).where(
            exceptions.c.kind == problem.kind,
            exceptions.c.subject_type == problem.subject_type,
            exceptions.c.subject == problem.subject,
            exceptions.c.field == problem.field,
            exceptions.c.resolved_at.is_(None),
        )
    ).scalar_one_or_none()
    if known is not None:
        tx.execute(
            sa.update(exceptions)
            .where(exceptions.c.id == known)
            .values(last_seen_at=now, value=problem.value, message=problem.message)
        )
        return Raised(known, is_new=False)
    result = tx.execute(
        sa.insert(exceptions).values(
            kind=problem.kind,
            subject_type=problem.subject_type,
            subject=problem.subject,
            field=problem.field,
            value=problem.value,
            message=problem.message,
            owner=policy.owner,
            severity=policy.severity,
            opened_at=now,
            last_seen_at=now,
            due_at=now + timedelta(minutes=policy.time_limit_minutes),
        )
    )
    return Raised(int(result.inserted_primary_key[0]), is_new=True)  # type: ignore[index]  # one integer key


def resolve(
    tx: sa.Connection,
    subject_type: SubjectType,
    subject: str,
    *,
    kinds: Collection[str] | None = None,
    now: datetime,
) -> int:
    """Close a subject's open exceptions, of these kinds or of all; return how many were closed."""
    open_now = sa.and_(
        exceptions.c.subject_type == subject_type,
        exceptions.c.subject == subject,
        exceptions.c.resolved_at.is_(None),
    )
    if kinds is not None:
        open_now = sa.and_(open_now, exceptions.c.kind.in_(list(kinds)))
    return tx.execute(sa.update(exceptions).where(open_now).values(resolved_at=now)).rowcount


def set_for_subject(
    tx: sa.Connection,
    subject_type: SubjectType,
    subject: str,
    kinds: Collection[str],
    problems: Iterable[Problem],
    policies: Mapping[ExceptionKind, KindPolicy],
    *,
    now: datetime,
) -> None:
    """Make these problems, and no others, the open exceptions of these kinds of a subject."""
    still = [each.exception_id for each in raise_all(tx, problems, policies, now=now)]
    tx.execute(
        sa.update(exceptions)
        .where(
            exceptions.c.subject_type == subject_type,
            exceptions.c.subject == subject,
            exceptions.c.kind.in_(list(kinds)),
            exceptions.c.resolved_at.is_(None),
            exceptions.c.id.not_in(still),
        )
        .values(resolved_at=now)
    )


def resolve_kind(
    tx: sa.Connection, kind: str, *, except_subjects: Collection[str], now: datetime
) -> int:
    """Close a kind's open exceptions but for `except_subjects`, where it is still true."""
    query = sa.select(exceptions.c.id, exceptions.c.subject).where(
        exceptions.c.kind == kind, exceptions.c.resolved_at.is_(None)
    )
    ids = [row.id for row in tx.execute(query) if row.subject not in except_subjects]
    if ids:
        tx.execute(sa.update(exceptions).where(exceptions.c.id.in_(ids)).values(resolved_at=now))
    return len(ids)


def open_subjects(tx: sa.Connection, kind: str) -> set[str]:
    """Return the subjects that have an open exception of a kind."""
    query = sa.select(exceptions.c.subject).where(
        exceptions.c.kind == kind, exceptions.c.resolved_at.is_(None)
    )
    return set(tx.execute(query).scalars())


def counts_by_kind(tx: sa.Connection, *, only_open: bool = False) -> dict[str, int]:
    """Return how many exceptions there are of each kind, ever or still open."""
    query = sa.select(exceptions.c.kind, sa.func.count()).group_by(exceptions.c.kind)
    if only_open:
        query = query.where(exceptions.c.resolved_at.is_(None))
    return dict(tx.execute(query.order_by(exceptions.c.kind)).tuples().all())
