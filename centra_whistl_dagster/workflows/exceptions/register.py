"""The register of exceptions as people read it: what is wrong, who owns it, what depends on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.domain.exceptions.endings import ENDS
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.domain.exceptions.stakes import ConcernedOrder, Stake, stake_of
from centra_whistl_dagster.ledger import exception_news
from centra_whistl_dagster.ledger.rows import ExceptionRow
from centra_whistl_dagster.workflows.link import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedException:
    """One exception with all that its owner needs."""

    id: int
    """What `centra-whistl exceptions close` names it by."""
    owner: str
    severity: str
    kind: str
    title: str
    about: str
    """The order, SKU, option, despatch or feed."""
    field: str
    value: str
    """Masked where it is personal."""
    message: str
    instructions: str
    closes_when: str
    opened_at: datetime
    last_seen_at: datetime
    due_at: datetime
    escalated_at: datetime | None
    resolved_at: datetime | None
    closed_by: str
    """Who closed it by hand; blank where nobody did."""
    closed_note: str
    is_overdue: bool
    stake: Stake


def list_exceptions(
    link: Installation, *, owner: str | None = None, only_open: bool = True
) -> list[ListedException]:
    """Return exceptions: open ones first, the most overdue first among them."""
    with link.ledger.reading() as tx:
        rows = exception_news.listed(tx, owner=owner, only_open=only_open)
        concerned = exception_news.orders_concerned(tx, rows)
        return [
            listed(row, tx.responsibilities[row.kind], concerned.get(row.id, ()), now=tx.now)
            for row in rows
        ]


def listed(
    row: ExceptionRow,
    responsibility: Responsibility,
    concerned: Iterable[ConcernedOrder],
    *,
    now: datetime,
) -> ListedException:
    """Return one exception as its owner reads it, with the orders that depend on it."""
    return ListedException(
        id=row.id,
        owner=row.owner,
        severity=row.severity,
        kind=row.kind,
        title=responsibility.title,
        about=row.subject,
        field=row.field,
        value=row.value,
        message=row.message,
        instructions=responsibility.instructions,
        closes_when=ENDS[row.kind].when,
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        due_at=row.due_at,
        escalated_at=row.escalated_at,
        resolved_at=row.resolved_at,
        closed_by=row.closed_by or "",
        closed_note=row.closed_note or "",
        is_overdue=row.resolved_at is None and row.due_at < now,
        stake=stake_of(concerned),
    )
