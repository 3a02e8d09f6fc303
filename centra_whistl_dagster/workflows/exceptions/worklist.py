"""The worklist of the desk: what is open, whose it is, what hangs on it, and who was alerted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from centra_whistl_dagster.domain.exceptions.endings import ENDS
from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.exceptions.rechecks import Recheck, recheck_of
from centra_whistl_dagster.domain.exceptions.stakes import ConcernedOrder
from centra_whistl_dagster.domain.exceptions.worklist import WorklistCounts, added_up
from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger import (
    alerts,
    desk_actions,
    exception_news,
    exceptions,
    worklist,
)
from centra_whistl_dagster.ledger.alerts import Alerted
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import DeskActionRow, ExceptionRow, WorkRow
from centra_whistl_dagster.ledger.states import DeskSubject
from centra_whistl_dagster.ledger.worklist import Selection
from centra_whistl_dagster.workflows.exceptions.register import ListedException, listed
from centra_whistl_dagster.workflows.link import Installation

PAGE_SIZE = 25
_ORDERS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One open exception with all that the person who works on it needs."""

    exception: ListedException
    subject_type: SubjectType
    orders: tuple[ConcernedOrder, ...]
    """The first of the orders that depend on it, with both numbers."""
    more_orders: int
    whistl_number: str
    """Of the order that a despatch is about; blank for everything else."""
    work: WorkRow | None
    is_snoozed: bool
    alerts: tuple[Alerted, ...]
    actions: tuple[DeskActionRow, ...]
    recheck: Recheck | None
    may_be_closed: bool
    """Only a person can know that it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """One page of the list, and what the whole of it adds up to."""

    items: tuple[WorkItem, ...]
    wanted: Selection
    page: int
    pages: int
    selected: int
    """Exceptions that the selection finds, on all pages."""
    counts_by_owner: dict[str, WorklistCounts]
    counts: WorklistCounts
    """Of all teams together."""
    blocked: int
    """Orders that are not sent, each counted once."""
    blocked_value: dict[str, Decimal]
    """By currency."""


def read_worklist(installation: Installation, wanted: Selection, *, page: int = 1) -> Worklist:
    """Return a page of the open exceptions, the most overdue first.

    A page beyond the last is the last.
    """
    with installation.ledger.reading() as tx:
        selected = worklist.count(tx, wanted)
        pages = max(1, -(-selected // PAGE_SIZE))
        page = min(max(page, 1), pages)
        rows = worklist.page(tx, wanted, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        counts = worklist.counts_by_owner(tx)
        blocked, worth = worklist.blocked_orders(tx)
        return Worklist(
            items=tuple(items_of(tx, rows)),
            wanted=wanted,
            page=page,
            pages=pages,
            selected=selected,
            counts_by_owner=counts,
            counts=added_up(counts.values()),
            blocked=blocked,
            blocked_value=worth,
        )


def read_item(installation: Installation, exception_id: int) -> WorkItem | None:
    """Return one exception, open or not; None where there is none of that number."""
    with installation.ledger.reading() as tx:
        row = exceptions.by_id(tx, exception_id)
        return None if row is None else items_of(tx, [row])[0]


def items_of(tx: Transaction, rows: Sequence[ExceptionRow]) -> list[WorkItem]:
    """Return exceptions with all that the people who work on them need, in the order given."""
    ids = [row.id for row in rows]
    concerned = exception_news.orders_concerned(tx, rows)
    works, told = worklist.work_on(tx, ids), alerts.about_exceptions(tx, ids)
    done = desk_actions.about(tx, DeskSubject.EXCEPTION, map(str, ids))
    despatched = worklist.numbers_of_despatches(
        tx, [row.subject for row in rows if row.subject_type is SubjectType.DESPATCH]
    )
    items = []
    for row in rows:
        work = works.get(row.id)
        until = work.snoozed_until if work else None
        waiting = {each.number: each for each in concerned.get(row.id, ())}
        shown = sorted(waiting.values(), key=lambda each: (each.state in FINAL, each.number))
        is_open = row.resolved_at is None
        items.append(
            WorkItem(
                exception=listed(row, tx.responsibilities[row.kind], waiting.values(), now=tx.now),
                subject_type=row.subject_type,
                orders=tuple(shown[:_ORDERS_SHOWN]),
                more_orders=max(0, len(shown) - _ORDERS_SHOWN),
                whistl_number=despatched.get(row.subject, ""),
                work=work,
                is_snoozed=until is not None and until > tx.now,
                alerts=tuple(told.get(row.id, ())),
                actions=tuple(done.get(str(row.id), ())),
                recheck=recheck_of(row.kind) if is_open else None,
                may_be_closed=is_open and ENDS[row.kind].may_be_closed_by_hand,
            )
        )
    return items
