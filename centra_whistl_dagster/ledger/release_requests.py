"""Releases of refused stock feeds that wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import ReleaseRequestRow
from centra_whistl_dagster.ledger.tables import release_requests


def find(tx: Transaction, snapshot_id: str) -> ReleaseRequestRow | None:
    """Return the request to release a snapshot; None where nobody has asked."""
    query = sa.select(release_requests).where(release_requests.c.snapshot_id == snapshot_id)
    return tx.row(ReleaseRequestRow, query)


def ask(tx: Transaction, snapshot_id: str, *, who: str, reason: str) -> None:
    """Keep a request until a second person answers it."""
    values = {"snapshot_id": snapshot_id, "asked_by": who, "asked_at": tx.now, "reason": reason}
    tx.execute(sa.insert(release_requests).values(values))


def end(tx: Transaction, snapshot_id: str) -> None:
    """Remove a request that was answered or withdrawn."""
    tx.execute(sa.delete(release_requests).where(release_requests.c.snapshot_id == snapshot_id))
