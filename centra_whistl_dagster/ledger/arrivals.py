"""When orders and despatches were first read here, for comparison with what is usual."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import despatches, orders


def of_orders(tx: Transaction, *, since: datetime) -> list[datetime]:
    """Return when each order that was first read since then was."""
    column = orders.c.first_seen_at
    return list(tx.execute(sa.select(column).where(column >= since)).scalars())


def first_order_at(tx: Transaction) -> datetime | None:
    """Return when the first order of all was read; None while there is none."""
    return _first(tx, orders.c.first_seen_at)


def of_despatches(tx: Transaction, *, since: datetime) -> list[datetime]:
    """Return when each despatch was first read, corrections apart, of those read since then."""
    received = despatches.c.received_at
    first = sa.func.min(received, type_=received.type)
    query = sa.select(first).group_by(despatches.c.root_id).having(first >= since)
    return list(tx.execute(query).scalars())


def first_despatch_at(tx: Transaction) -> datetime | None:
    """Return when the first despatch of all was read; None while there is none."""
    return _first(tx, despatches.c.received_at)


def _first(tx: Transaction, column: sa.ColumnElement[datetime]) -> datetime | None:
    return tx.execute(sa.select(sa.func.min(column, type_=column.type))).scalar_one()
