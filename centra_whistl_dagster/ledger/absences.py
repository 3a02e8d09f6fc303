"""SKUs that Whistl's complete snapshots do not list any more, and for how many of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.tables import absent_skus


def note_snapshot(
    tx: Transaction, *, taken_at: datetime, listed: Collection[str], absent: Collection[str]
) -> None:
    """Count one more complete snapshot without those SKUs; a SKU that is listed is forgotten.

    The same snapshot counts once, however often it is read.

    Args:
        tx: the transaction.
        taken_at: when the snapshot was taken.
        listed: SKUs that it names, usable or not: it does not say that there is none of them.
        absent: SKUs of the snapshot before that it does not name.
    """
    counted = set(tx.execute(sa.select(absent_skus.c.sku)).scalars())
    names = set(listed)
    for part in parts(sorted(counted & names)):
        tx.execute(sa.delete(absent_skus).where(absent_skus.c.sku.in_(part)))
    for part in parts(sorted(counted - names)):
        tx.execute(
            sa.update(absent_skus)
            .where(absent_skus.c.sku.in_(part), absent_skus.c.last_taken_at < taken_at)
            .values(snapshots=absent_skus.c.snapshots + 1, last_taken_at=taken_at)
        )
    rows = [
        {"sku": sku, "absent_since": taken_at, "last_taken_at": taken_at, "snapshots": 1}
        for sku in sorted(set(absent) - names - counted)
    ]
    if rows:
        tx.execute(sa.insert(absent_skus), rows)


def absent_for(tx: Transaction, snapshots: int) -> list[str]:
    """Return the SKUs that at least so many complete snapshots in a row did not list."""
    query = sa.select(absent_skus.c.sku).where(absent_skus.c.snapshots >= snapshots)
    return list(tx.execute(query.order_by(absent_skus.c.sku)).scalars())
