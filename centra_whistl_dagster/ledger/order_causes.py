"""Which orders each exception held up, from when to when: kept after the order is free again.

One SKU or shipping option holds up many orders under a single exception, which names none of them.
Without this table nobody could say later why an order was late.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import order_causes


def link(tx: Transaction, centra_id: str, exception_ids: Collection[int]) -> None:
    """Record that these exceptions hold up an order from now on."""
    rows = [
        {"exception_id": each, "centra_id": centra_id, "linked_at": tx.now}
        for each in sorted(exception_ids)
    ]
    # Freed and held up again at one moment: it was never free.
    for row in rows:
        again = sa.and_(*(order_causes.c[name] == value for name, value in row.items()))
        if not tx.execute(sa.update(order_causes).where(again).values(freed_at=None)).rowcount:
            tx.execute(sa.insert(order_causes).values(**row))


def free(tx: Transaction, centra_id: str, exception_ids: Collection[int]) -> None:
    """Record that these exceptions hold up the order no longer."""
    tx.execute(
        sa.update(order_causes)
        .where(
            order_causes.c.centra_id == centra_id,
            order_causes.c.exception_id.in_(sorted(exception_ids)),
            order_causes.c.freed_at.is_(None),
        )
        .values(freed_at=tx.now)
    )
