"""Which SKUs have moved in Centra since a moment by what was done here: our orders, our writes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.despatches import IS_IN_PARCEL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import (
    order_lines,
    orders,
    parcel_lines,
    parcels,
    stock_writes,
)


def skus_changed_since(tx: Transaction, since: datetime) -> dict[str, datetime]:
    """Return, by SKU, when an order with it last changed in Centra or here, or its parcel ended.

    The moments are both systems' own: their clocks may differ.
    """
    by_order = (
        sa.select(order_lines.c.sku, orders.c.state_since, orders.c.centra_updated_at)
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .where(sa.or_(orders.c.state_since >= since, orders.c.centra_updated_at >= since))
    )
    by_parcel = (
        sa.select(parcel_lines.c.sku, parcels.c.completed_at)
        .join(parcels, IS_IN_PARCEL)
        .where(parcels.c.completed_at >= since)
    )
    changed: dict[str, datetime] = {}
    for sku, *moments in [*tx.execute(by_order), *tx.execute(by_parcel)]:
        latest = max(moment for moment in moments if moment is not None)
        changed[sku] = max(latest, changed.get(sku, latest))
    return changed


def levels_written_since(
    tx: Transaction, since: datetime
) -> dict[str, tuple[datetime, int | None]]:
    """Return, by SKU, when its quantity was last written and what Centra showed after that.

    None where Centra's answer never came, or the level was not read back.
    """
    query = (
        sa.select(
            stock_writes.c.sku,
            stock_writes.c.intent_at,
            stock_writes.c.settled_at,
            stock_writes.c.read_back,
        )
        .where(stock_writes.c.intent_at >= since)
        .order_by(stock_writes.c.id)
    )
    return {
        sku: (settled_at or intent_at, read_back)
        for sku, intent_at, settled_at, read_back in tx.execute(query)
    }
