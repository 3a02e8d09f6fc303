"""What people did at the desk: who, when, what, and in whose words."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from centra_whistl_dagster.domain.desk_roles import Person
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import DeskActionRow
from centra_whistl_dagster.ledger.states import DeskAction, DeskSubject
from centra_whistl_dagster.ledger.tables import desk_actions


def record(
    tx: Transaction,
    person: Person,
    action: DeskAction,
    subject_type: DeskSubject,
    subject: str,
    *,
    note: str = "",
    result: str = "",
) -> None:
    """Record an action in the transaction that carries it out."""
    tx.execute(
        sa.insert(desk_actions).values(
            at=tx.now,
            who=person.name,
            role=person.role,
            action=action,
            subject_type=subject_type,
            subject=subject,
            note=note,
            result=result,
        )
    )


def about(
    tx: Transaction, subject_type: DeskSubject, subjects: Iterable[str]
) -> dict[str, list[DeskActionRow]]:
    """Return, by subject, what was done about it, oldest first."""
    found: dict[str, list[DeskActionRow]] = {}
    for part in parts(subjects):
        query = sa.select(desk_actions).where(
            desk_actions.c.subject_type == subject_type, desk_actions.c.subject.in_(part)
        )
        for row in tx.rows(DeskActionRow, query.order_by(desk_actions.c.id)):
            found.setdefault(row.subject, []).append(row)
    return found
