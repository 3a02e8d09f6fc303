"""SKUs missing from Whistl's snapshots, and from how many in a row.

Only complete snapshots that do not name a SKU at all are counted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.tables import absent_skus


def note_snapshot(
    tx: Transaction,
    *,
    taken_at: datetime,
    usable: Collection[str],
    unusable: Collection[str],
    absent: Collection[str],
    counts: bool = True,
) -> None:
    """Count one more snapshot without those SKUs; a SKU that it has figures of is forgotten.

    The same snapshot counts once, however often it is read.

    Args:
        tx: the transaction.
        taken_at: when the snapshot was taken.
        usable: SKUs that it has figures of.
        unusable: SKUs that it names without usable figures: it does not say that there is none of
            them, and counting them begins anew.
        absent: SKUs of the snapshot before, or of Centra, that it has no figures of; from now on
            they are counted.
        counts: whether it is sure to name all that there is. Where it is not, the absent SKUs are
            only remembered: the next snapshot is compared with this one, which lacks them.
    """
    known = set(tx.execute(sa.select(absent_skus.c.sku)).scalars())
    has, names = set(usable), set(unusable) - set(usable)
    for part in parts(sorted(known & has)):
        tx.execute(sa.delete(absent_skus).where(absent_skus.c.sku.in_(part)))
    for part in parts(sorted(known & names)):
        tx.execute(sa.update(absent_skus).where(absent_skus.c.sku.in_(part)).values(snapshots=0))
    for part in parts(sorted(known - has - names)) if counts else ():
        tx.execute(
            sa.update(absent_skus)
            .where(absent_skus.c.sku.in_(part), absent_skus.c.last_taken_at < taken_at)
            .values(snapshots=absent_skus.c.snapshots + 1, last_taken_at=taken_at)
        )
    rows = [
        {"sku": sku, "last_taken_at": taken_at, "snapshots": int(counts and sku not in names)}
        for sku in sorted(set(absent) - has - known)
    ]
    if rows:
        tx.execute(sa.insert(absent_skus), rows)


def absent_for(tx: Transaction, snapshots: int) -> list[str]:
    """Return the SKUs that at least so many complete snapshots in a row did not list."""
    query = sa.select(absent_skus.c.sku).where(absent_skus.c.snapshots >= snapshots)
    return list(tx.execute(query.order_by(absent_skus.c.sku)).scalars())
