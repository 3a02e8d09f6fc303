"""Forget what is personal once it is needed no more. What remains of an order names nobody."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.order_contents import forget
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.tables import (
    alerts,
    exceptions,
    messages,
    order_payloads,
    orders,
    parcels,
)

_MOST_ORDERS = 2_000
"""Of one call: nobody else writes meanwhile. The next call takes the rest."""


def forget_contents(tx: Transaction, *, ended_before: datetime) -> int:
    """Delete the contents of orders that ended before a moment, and return how many that were.

    So with the bodies of messages that nobody could read or match by then: what is in them is not
    known, and they can be read again from Whistl.
    """
    ended = sa.select(orders.c.centra_id).where(
        orders.c.state.in_(list(FINAL)), orders.c.state_since < ended_before
    )
    tx.execute(
        sa.update(messages)
        .where(messages.c.body.is_not(None), messages.c.received_at < ended_before)
        .values(body=None)
    )
    query = sa.select(order_payloads.c.centra_id).where(order_payloads.c.centra_id.in_(ended))
    return forget(tx, tx.execute(query).scalars().all())


def orders_with_tracking(tx: Transaction, *, ended_before: datetime) -> list[OrderRow]:
    """Return orders that ended before a moment and still have a tracking number, oldest first."""
    has_parcel = sa.exists().where(
        parcels.c.centra_id == orders.c.centra_id, parcels.c.tracking_number != ""
    )
    ended = sa.and_(orders.c.state.in_(list(FINAL)), orders.c.state_since < ended_before)
    query = sa.select(orders).where(ended, has_parcel).order_by(orders.c.state_since)
    return tx.rows(OrderRow, query.limit(_MOST_ORDERS))


def forget_texts(tx: Transaction, *, before: datetime) -> None:
    """Delete alerts that were sent, and empty exceptions that were resolved, before a moment."""
    tx.execute(sa.delete(alerts).where(alerts.c.sent_at < before))
    is_over = sa.and_(exceptions.c.resolved_at < before, exceptions.c.message != "")
    tx.execute(sa.update(exceptions).where(is_over).values(value="", message="", closed_note=None))
