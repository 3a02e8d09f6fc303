"""What the ledger knows of our own orders at Whistl, as evidence for or against a stock feed.

Does not belong here: the units that the stock sum counts (`standings`). There a unit counts when in
doubt; here only what is certain counts, since it is held against Whistl's word.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import BEING_PICKED
from centra_whistl_dagster.ledger.despatches import IS_IN_PARCEL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import order_lines, orders, parcel_lines, parcels


def units_left(tx: Transaction, *, since: datetime, until: datetime) -> dict[str, int]:
    """Return, by SKU, units in our parcels that left the building between two snapshots."""
    query = (
        sa.select(parcel_lines.c.sku, sa.func.sum(parcel_lines.c.quantity))
        .join(parcels, IS_IN_PARCEL)
        .where(parcels.c.despatched_at >= since, parcels.c.despatched_at < until)
        .group_by(parcel_lines.c.sku)
    )
    return {sku: int(units) for sku, units in tx.execute(query).tuples()}


def units_reserved(tx: Transaction, *, at: datetime) -> dict[str, int]:
    """Return, by SKU, units that Whistl allocated to our orders by then and has in the building.

    True of the moment only where the orders' statuses were read after it: an order that has left
    since is then known to have left.
    """
    has_parcel = sa.select(parcels.c.centra_id).where(parcels.c.centra_id == orders.c.centra_id)
    query = (
        sa.select(
            order_lines.c.sku,
            sa.func.sum(order_lines.c.quantity - order_lines.c.not_found),
        )
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .where(
            orders.c.state == OrderState.SUBMITTED,
            orders.c.whistl_status.in_(sorted(BEING_PICKED)),
            orders.c.allocated_at < at,
            ~has_parcel.exists(),
        )
        .group_by(order_lines.c.sku)
    )
    return {sku: int(units) for sku, units in tx.execute(query).tuples()}
