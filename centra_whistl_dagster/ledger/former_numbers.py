"""The numbers that orders had at Whistl before their present one, and under another prefix."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger import order_contents
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import FormerLineRow, FormerNumberRow, OrderRow
from centra_whistl_dagster.ledger.tables import former_lines, former_numbers, orders


def retire(tx: Transaction, row: OrderRow, *, ended_at: datetime) -> None:
    """Keep an order's present number, and what was sent under it, as one of its former numbers."""
    tx.execute(
        sa.insert(former_numbers).values(
            whistl_number=row.whistl_number,
            centra_id=row.centra_id,
            submitted_at=row.submitted_at,
            allocated_at=row.allocated_at,
            ended_at=ended_at,
            whistl_status=row.whistl_status,
            whistl_status_version=row.whistl_status_version,
        )
    )
    lines = [
        {
            "whistl_number": row.whistl_number,
            "line_number": line.line_number,
            "line_id": line.line_id,
            "sku": line.sku,
            "quantity": line.quantity - line.not_found,
        }
        for line in order_contents.lines(tx, row.centra_id)
    ]
    if lines:
        tx.execute(sa.insert(former_lines), lines)


def note_status(tx: Transaction, whistl_number: str, *, status: str, version: int) -> None:
    """Keep the newest status that Whistl was seen to show of a former number."""
    tx.execute(
        sa.update(former_numbers)
        .where(former_numbers.c.whistl_number == whistl_number)
        .values(whistl_status=status, whistl_status_version=version)
    )


def find(tx: Transaction, whistl_number: str) -> FormerNumberRow | None:
    """Return a former number, None when no order had it before its present one."""
    query = sa.select(former_numbers).where(former_numbers.c.whistl_number == whistl_number)
    return tx.row(FormerNumberRow, query)


def of_order(tx: Transaction, centra_id: str) -> list[FormerNumberRow]:
    """Return the former numbers of an order, the first one first."""
    query = sa.select(former_numbers).where(former_numbers.c.centra_id == centra_id)
    return tx.rows(
        FormerNumberRow, query.order_by(former_numbers.c.ended_at, former_numbers.c.whistl_number)
    )


def lines(tx: Transaction, whistl_number: str) -> list[FormerLineRow]:
    """Return what was sent under a former number, by line number."""
    query = sa.select(former_lines).where(former_lines.c.whistl_number == whistl_number)
    return tx.rows(FormerLineRow, query.order_by(former_lines.c.line_number))


_FIRST = (
    sa.select(former_numbers.c.whistl_number)
    .where(former_numbers.c.centra_id == orders.c.centra_id)
    .order_by(former_numbers.c.ended_at, former_numbers.c.whistl_number)
    .limit(1)
    .correlate(orders)
    .scalar_subquery()
)
FIRST_NUMBER = sa.func.coalesce(_FIRST, orders.c.whistl_number)
"""The number under which an order of `orders` was sent first: its name in the history."""


def count_open_without_prefix(tx: Transaction, prefix: str) -> int:
    """Return how many open orders have a number at Whistl that begins with another prefix."""
    first = sa.literal(prefix) + sa.cast(orders.c.number, sa.Text)
    has_it = sa.func.substr(orders.c.whistl_number, 1, sa.func.length(first)) == first
    query = sa.select(sa.func.count()).select_from(orders)
    return tx.execute(query.where(orders.c.state.not_in(FINAL), ~has_it)).scalar_one()
