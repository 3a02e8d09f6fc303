"""Orders that Whistl is to stop, and those that Centra is to unlock since Whistl has ended them."""

from __future__ import annotations

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.tables import orders


def to_be_stopped(tx: Transaction, *, limit: int | None = None) -> list[OrderRow]:
    """Return due orders that Whistl has and is to be asked to stop, longest due first."""
    query = sa.select(orders).where(
        orders.c.state.in_([OrderState.SUBMITTED, OrderState.PART_DESPATCHED]),
        orders.c.stop_for.is_not(None),
        orders.c.stop_due_at <= tx.now,
    )
    return tx.rows(OrderRow, query.order_by(orders.c.stop_due_at, orders.c.number).limit(limit))


def to_be_unlocked(tx: Transaction, *, limit: int | None = None) -> list[OrderRow]:
    """Return due orders that we locked in Centra and that Whistl does not have any more."""
    query = sa.select(orders).where(
        orders.c.locked_at.is_not(None),
        orders.c.state.in_([*UNSENT, OrderState.CANCELLED]),
        sa.or_(orders.c.unlock_due_at.is_(None), orders.c.unlock_due_at <= tx.now),
    )
    return tx.rows(OrderRow, query.order_by(orders.c.state_since, orders.c.number).limit(limit))
