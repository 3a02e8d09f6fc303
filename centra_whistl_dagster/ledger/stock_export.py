"""Rows for the history about stock: quantities sent to Centra, and what was made of snapshots."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.export import Rows, within
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.ledger.tables import stock_snapshots, stock_writes


def stock_writes_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> Rows:
    """Return quantities sent to Centra, or whose outcome became known, and what came of them."""
    query = sa.select(
        stock_writes.c.sku,
        stock_writes.c.snapshot_id,
        stock_writes.c.intent_at.label("intended_at"),
        stock_writes.c.settled_at,
        stock_writes.c.from_quantity.label("from_physical"),
        stock_writes.c.to_quantity.label("to_physical"),
        stock_writes.c.whistl_available,
        stock_writes.c.units_held,
        stock_writes.c.units_left,
        stock_writes.c.buffer,
        stock_writes.c.outcome,
        stock_writes.c.read_back,
    )
    if since is not None or until is not None:
        moments = (stock_writes.c.intent_at, stock_writes.c.settled_at)
        query = query.where(sa.or_(*(within(moment, since, until) for moment in moments)))
    return [dict(row) for row in tx.execute(query).mappings()]


def snapshots_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> list[SnapshotRow]:
    """Return Whistl snapshots read since, oldest first, with the file each was kept in."""
    query = sa.select(stock_snapshots).where(within(stock_snapshots.c.read_at, since, until))
    return tx.rows(SnapshotRow, query.order_by(stock_snapshots.c.taken_at))


def snapshots_taken(tx: Transaction, since: datetime) -> list[SnapshotRow]:
    """Return Whistl snapshots taken since, oldest first."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.taken_at >= since)
    return tx.rows(SnapshotRow, query.order_by(stock_snapshots.c.taken_at))


def snapshots_named(tx: Transaction, names: Collection[str]) -> list[SnapshotRow]:
    """Return the Whistl snapshots of these names, oldest first."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.snapshot_id.in_(names))
    return tx.rows(SnapshotRow, query.order_by(stock_snapshots.c.taken_at))


def snapshots_in(tx: Transaction, files: Collection[str]) -> list[SnapshotRow]:
    """Return the Whistl snapshots that are kept in these files of the archive, oldest first."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.file.in_(files))
    return tx.rows(SnapshotRow, query.order_by(stock_snapshots.c.taken_at))
