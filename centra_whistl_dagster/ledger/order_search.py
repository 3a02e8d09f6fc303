"""Find orders by a number that a person has in hand."""

from __future__ import annotations

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.tables import former_numbers, orders, parcels

_LARGEST = 2**63 - 1


def search(tx: Transaction, text: str, *, limit: int) -> list[OrderRow]:
    """Return the orders with this number in Centra, at Whistl now or before, or on a parcel.

    Only whole numbers match: a part of one would find other people's orders.
    """
    at_whistl = sa.select(former_numbers.c.centra_id).where(former_numbers.c.whistl_number == text)
    on_parcel = sa.select(parcels.c.centra_id).where(
        parcels.c.tracking_number == text, parcels.c.tracking_number != ""
    )
    matches = [
        orders.c.whistl_number == text,
        orders.c.centra_id.in_(at_whistl),
        orders.c.centra_id.in_(on_parcel),
    ]
    if text.isascii() and text.isdecimal() and int(text) <= _LARGEST:
        matches.append(orders.c.number == int(text))
    query = sa.select(orders).where(sa.or_(*matches))
    return tx.rows(OrderRow, query.order_by(orders.c.number.desc()).limit(limit))
