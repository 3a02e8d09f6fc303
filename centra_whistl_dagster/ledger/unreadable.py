"""Records that could not be read: one exception for each record and system, until it can be read.

What Centra shows of an order and what Whistl shows of it are two records: that one of them can be
read says nothing of the other.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions as register
from centra_whistl_dagster.ledger.engine import RecordNotStored, Transaction
from centra_whistl_dagster.ledger.tables import exceptions

_KIND = ExceptionKind.UNREADABLE_RECORD

NAMELESS = "without a number"
"""Stands for the number of a record of which not even that could be read."""


class Source(StrEnum):
    """Whose record it is; the field of the exception."""

    CENTRA = "order in Centra"
    WHISTL = "order at Whistl"


def report(tx: Transaction, source: Source, number: int | str, *, field: str, detail: str) -> None:
    """Open the exception that an order's record could not be read, or refresh the open one.

    Args:
        tx: the transaction.
        source: whose record.
        number: Centra's order number; where it is unknown, what identifies the record.
        field: which field of the record.
        detail: what is wrong with it, without its value.
    """
    system = source.name.capitalize()
    message = f"{system}'s record of order {number} could not be read. {field}: {detail}"
    problem = Problem(
        kind=_KIND,
        subject_type=SubjectType.ORDER,
        subject=str(number),
        field=source,
        value=field,
        message=message,
    )
    register.open_or_refresh(tx, [problem])


def report_not_stored(
    tx: Transaction, source: Source, number: int | str, *, place: str, error: RecordNotStored
) -> None:
    """Open the exception that an order's record was read and could not be stored, or refresh it."""
    report(tx, source, number, field="record", detail=f"could not be stored ({error} at {place})")


def resolve(tx: Transaction, source: Source, number: int | str) -> None:
    """Resolve the exception, if there is one: the record was read."""
    register.resolve(tx, SubjectType.ORDER, str(number), [_KIND], field=source)


def subjects(tx: Transaction, source: Source, *, tried_since: datetime) -> set[str]:
    """Return the orders whose record could not be read when it was last tried, since a moment."""
    query = sa.select(exceptions.c.subject).where(
        exceptions.c.kind == _KIND,
        exceptions.c.subject_type == SubjectType.ORDER,
        exceptions.c.field == source,
        exceptions.c.resolved_at.is_(None),
        exceptions.c.last_seen_at >= tried_since,
    )
    return set(tx.execute(query).scalars())
