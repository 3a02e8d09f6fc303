"""Which orders are due to be compared with what the other systems show, one by one.

Reading by time of change misses what a wrong date, a lock or a shifting page hides; so each open
order is also read by its id or number, in its turn.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import FINAL, OrderState
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.tables import orders

TRIED_AGAIN_AFTER = timedelta(minutes=2)
"""While a system does not answer, no round is begun for the sake of a comparison alone."""

_LOCKED = (
    OrderState.IN_DOUBT,
    OrderState.SUBMITTED,
    OrderState.PART_DESPATCHED,
    OrderState.DESPATCHED,
)
"""Orders that Centra's list of open, unlocked orders does not show."""
_AT_WHISTL = (OrderState.SUBMITTED, OrderState.PART_DESPATCHED)
OPEN = tuple(state for state in OrderState if state not in FINAL)


def due_in_centra(
    tx: Transaction, *, checked_before: datetime, limit: int | None = None
) -> list[OrderRow]:
    """Return sent orders last compared with Centra before a moment, those longest ago first."""
    return _due(tx, orders.c.centra_checked_at, _LOCKED, checked_before, limit)


def due_at_whistl(
    tx: Transaction, *, checked_before: datetime, limit: int | None = None
) -> list[OrderRow]:
    """Return orders that Whistl has, last compared with it before a moment, as above."""
    return _due(tx, orders.c.whistl_checked_at, _AT_WHISTL, checked_before, limit)


def _due(
    tx: Transaction,
    column: sa.ColumnElement[datetime],
    states: Collection[OrderState],
    before: datetime,
    limit: int | None,
) -> list[OrderRow]:
    query = sa.select(orders).where(
        orders.c.state.in_(states), sa.or_(column.is_(None), column < before)
    )
    oldest_first = (column.is_not(None), column, orders.c.number)
    return tx.rows(OrderRow, query.order_by(*oldest_first).limit(limit))


def note_tried(tx: Transaction, name: str) -> None:
    """Note that a round which will compare orders has begun, whatever comes of it."""
    state.set_to(tx, name, tx.now.isoformat())


def was_tried_lately(tx: Transaction, name: str) -> bool:
    """Say whether such a round began so lately that none is to be begun for its sake."""
    tried_at = state.reached(tx, name)
    return tried_at is not None and tx.now - tried_at < TRIED_AGAIN_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An order that Centra should count as open, as the ledger sees it."""

    centra_id: str
    number: int
    state: OrderState
    ordered_at: datetime


def open_orders(tx: Transaction) -> list[OpenOrder]:
    """Return the orders that are not at their end, and not cancelled in Centra."""
    columns = (orders.c.centra_id, orders.c.number, orders.c.state, orders.c.ordered_at)
    query = sa.select(*columns).where(orders.c.state.in_(OPEN), orders.c.cancel_wanted_at.is_(None))
    return [OpenOrder(**row) for row in tx.execute(query).mappings()]


def state_since(tx: Transaction, centra_ids: Collection[str]) -> dict[str, datetime]:
    """Return since when those orders that the ledger has are in their state."""
    found: dict[str, datetime] = {}
    for part in parts(centra_ids):
        query = sa.select(orders.c.centra_id, orders.c.state_since)
        rows = tx.execute(query.where(orders.c.centra_id.in_(part)))
        found.update((row.centra_id, row.state_since) for row in rows)
    return found
