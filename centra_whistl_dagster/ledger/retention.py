"""Forget what is personal once it is needed no more. What remains of an order names nobody."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import messages, order_payloads, orders


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
    query = sa.delete(order_payloads).where(order_payloads.c.centra_id.in_(ended))
    return tx.execute(query).rowcount
