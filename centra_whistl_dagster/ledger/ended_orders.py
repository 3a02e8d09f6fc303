"""Orders that have ended here, and how Centra showed them when last read."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import orders

_ENDED_HERE_ALONE = sa.text(
    "state = 'completed' AND centra_status NOT IN ('SHIPPED', 'ARCHIVED', 'CANCELLED')"
)
"""Word for word the condition of the index `orders_ended_here`: with parameters, SQLite would read
every completed order there ever was."""


def open_in_centra(tx: Transaction, *, asked_before: datetime, limit: int) -> list[str]:
    """Return completed orders that Centra showed as open, oldest first.

    Those that were read since they ended come again only once that is before `asked_before`.
    """
    checked_at = orders.c.centra_checked_at
    is_due = sa.or_(
        checked_at.is_(None), checked_at <= orders.c.state_since, checked_at < asked_before
    )
    query = sa.select(orders.c.centra_id).where(_ENDED_HERE_ALONE, is_due)
    return list(tx.execute(query.order_by(orders.c.state_since).limit(limit)).scalars())


def note_status(tx: Transaction, centra_id: str, status: str | None) -> None:
    """Record how Centra shows an order now; None where it does not show it."""
    changed = {"centra_status": status} if status is not None else {}
    tx.execute(
        sa.update(orders)
        .where(orders.c.centra_id == centra_id)
        .values(centra_checked_at=tx.now, **changed)
    )
