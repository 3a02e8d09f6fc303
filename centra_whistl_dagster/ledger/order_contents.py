"""What is in each order: as Centra gave it, as Whistl is asked for it, and line by line.

Belongs here: reads and writes of `order_payloads` and `order_lines`. Does not belong here: where an
order stands (`orders`) and where its units are (`standings`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.ledger import records, sealing
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import OrderLineRow
from centra_whistl_dagster.ledger.tables import order_keys, order_lines, order_payloads, orders

_IS_CLEAR = sa.or_(
    order_payloads.c.received.startswith("{"), order_payloads.c.outgoing.startswith("{")
)


def store(tx: Transaction, order: Order) -> None:
    """Keep an order as it was last read, in place of what was kept before."""
    tx.execute(sa.delete(order_payloads).where(order_payloads.c.centra_id == order.centra_id))
    received = sealing.seal(
        tx.connection, tx.keys, order.centra_id, "received", records.dumps(order)
    )
    tx.execute(
        sa.insert(order_payloads).values(
            centra_id=order.centra_id, received=received, stored_at=tx.now
        )
    )
    tx.execute(sa.delete(order_lines).where(order_lines.c.centra_id == order.centra_id))
    rows = [
        {
            "centra_id": order.centra_id,
            "line_number": line_number,
            "line_id": line.line_id,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
        }
        for line_number, line in enumerate(order.lines, start=1)
    ]
    if rows:
        tx.execute(sa.insert(order_lines), rows)


def latest_prices(tx: Transaction) -> dict[str, tuple[Decimal, str]]:
    """Return, by SKU, the unit price of the order placed last that has one, and its currency."""
    query = (
        sa.select(order_lines.c.sku, order_lines.c.unit_price, orders.c.currency)
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .where(order_lines.c.unit_price > 0)
        .order_by(orders.c.ordered_at)
    )
    return {sku: (price, currency) for sku, price, currency in tx.execute(query)}


def has_payload(tx: Transaction, centra_id: str) -> bool:
    """Say whether the contents of an order are stored; retention purges them."""
    query = sa.select(order_payloads.c.centra_id).where(order_payloads.c.centra_id == centra_id)
    return tx.execute(query).one_or_none() is not None


def payload(tx: Transaction, centra_id: str) -> Order:
    """Return an order as it was last read from Centra.

    Raises:
        LookupError: its personal data has been purged.
    """
    found = payloads(tx, [centra_id]).get(centra_id)
    if found is None:
        raise LookupError(f"the contents of order {centra_id} have been purged")
    return found


def payloads(tx: Transaction, centra_ids: Collection[str]) -> dict[str, Order]:
    """Return orders as last read from Centra; one whose contents are not stored is absent."""
    found: dict[str, Order] = {}
    for part in parts(centra_ids):
        query = sa.select(order_payloads.c.centra_id, order_payloads.c.received).where(
            order_payloads.c.centra_id.in_(part)
        )
        keys = sealing.data_keys(tx.connection, tx.keys, part)
        for centra_id, stored in tx.execute(query).tuples():
            received = sealing.unseal(keys.get(centra_id), centra_id, "received", stored)
            if received is not None:
                found[centra_id] = records.loads(Order, received)
    return found


def ids_of_customer(tx: Transaction, email: str) -> list[str]:
    """Return the orders whose stored contents have this e-mail address, in lower case."""
    query = sa.select(order_payloads.c.centra_id)
    found: list[str] = []
    for part in parts(tx.execute(query).scalars().all()):
        for centra_id, order in payloads(tx, part).items():
            if order.delivery is not None and order.delivery.email.strip().casefold() == email:
                found.append(centra_id)
    return found


def store_outgoing(tx: Transaction, centra_id: str, body: dict[str, Any]) -> None:
    """Keep the request that would create the order at Whistl."""
    tx.execute(
        sa.update(order_payloads)
        .where(order_payloads.c.centra_id == centra_id)
        .values(
            outgoing=sealing.seal(tx.connection, tx.keys, centra_id, "outgoing", json.dumps(body))
        )
    )


def outgoing(tx: Transaction, centra_id: str) -> dict[str, Any]:
    """Return the request that would create the order at Whistl.

    Raises:
        LookupError: none is stored: the order was not cleared as it is now, or was purged.
    """
    stored = _outgoing(tx, centra_id)
    if stored is None:
        raise LookupError(f"no request for order {centra_id} is stored")
    body: dict[str, Any] = json.loads(stored)
    return body


def has_outgoing(tx: Transaction, centra_id: str) -> bool:
    """Say whether the request that would create the order at Whistl is stored."""
    return _outgoing(tx, centra_id) is not None


def _outgoing(tx: Transaction, centra_id: str) -> str | None:
    query = sa.select(order_payloads.c.outgoing).where(order_payloads.c.centra_id == centra_id)
    stored: str | None = tx.execute(query).scalar_one_or_none()
    if stored is None or not sealing.is_sealed(stored):
        return stored
    keys = sealing.data_keys(tx.connection, tx.keys, [centra_id])
    return sealing.unseal(keys.get(centra_id), centra_id, "outgoing", stored)


def forget(tx: Transaction, centra_ids: Collection[str]) -> int:
    """Delete orders' contents and the keys they are encrypted with; return how many there were."""
    forgotten = 0
    for part in parts(centra_ids):
        tx.execute(sa.delete(order_keys).where(order_keys.c.centra_id.in_(part)))
        query = sa.delete(order_payloads).where(order_payloads.c.centra_id.in_(part))
        forgotten += tx.execute(query).rowcount
    return forgotten


def count_clear(tx: Transaction) -> int:
    """Return how many orders have contents stored in clear."""
    query = sa.select(sa.func.count()).select_from(order_payloads).where(_IS_CLEAR)
    return tx.execute(query).scalar_one()


def seal_some(tx: Transaction, *, limit: int) -> int:
    """Encrypt contents that are stored in clear, of a few orders; return how many."""
    query = sa.select(order_payloads).where(_IS_CLEAR).limit(limit)
    rows = tx.execute(query).mappings().all()
    for row in rows:
        centra_id = row["centra_id"]
        sealed = {
            column: sealing.seal(tx.connection, tx.keys, centra_id, column, row[column])
            for column in ("received", "outgoing")
            if row[column] is not None and not sealing.is_sealed(row[column])
        }
        of_order = order_payloads.c.centra_id == centra_id
        tx.execute(sa.update(order_payloads).where(of_order).values(**sealed))
    return len(rows)


def lines(tx: Transaction, centra_id: str) -> list[OrderLineRow]:
    """Return an order's lines by line number."""
    query = sa.select(order_lines).where(order_lines.c.centra_id == centra_id)
    return tx.rows(OrderLineRow, query.order_by(order_lines.c.line_number))


def note_not_found(tx: Transaction, centra_id: str, units: Mapping[int, int]) -> None:
    """Record, by line number, units that the warehouse could not find and will not send."""
    for line_number, quantity in units.items():
        of_line = sa.and_(
            order_lines.c.centra_id == centra_id, order_lines.c.line_number == line_number
        )
        tx.execute(sa.update(order_lines).where(of_line).values(not_found=quantity))


def note_gone(tx: Transaction, centra_id: str, units: Mapping[int, int]) -> None:
    """Record, by line number, units that Whistl's view of the order shows as despatched."""
    for line_number, quantity in units.items():
        of_line = sa.and_(
            order_lines.c.centra_id == centra_id, order_lines.c.line_number == line_number
        )
        tx.execute(sa.update(order_lines).where(of_line).values(gone=quantity))
