"""Forget what is personal once it is needed no more. What remains of an order names nobody."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import order_payloads, orders


def forget_contents(tx: Transaction, *, ended_before: datetime) -> int:
    """Delete the contents of orders that ended before a moment, and return how many that were."""
    ended = sa.select(orders.c.centra_id).where(
        orders.c.state.in_(list(FINAL)), orders.c.state_since < ended_before
    )
    query = sa.delete(order_payloads).where(order_payloads.c.centra_id.in_(ended))
    return tx.execute(query).rowcount
