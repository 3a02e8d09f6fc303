"""What waits in the ledger, and since when, for the page that says whether all is well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import FINISHED_PARCELS, ParcelState
from centra_whistl_dagster.ledger.tables import (
    cadence_decisions,
    failing_steps,
    orders,
    parcels,
    stock_writes,
    watched,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many wait, and since when the longest of them does."""

    count: int
    since: datetime | None


def orders_in(tx: Transaction, *states: OrderState) -> Waiting:
    """Return how many orders are in any of these states."""
    since = sa.func.min(orders.c.state_since, type_=orders.c.state_since.type)
    query = sa.select(sa.func.count(), since).where(orders.c.state.in_(states))
    return _waiting(tx, query)


def parcels_to_write(tx: Transaction) -> Waiting:
    """Return how many parcels Centra is still to be sent."""
    unfinished = [state for state in ParcelState if state not in FINISHED_PARCELS]
    since = sa.func.min(parcels.c.state_since, type_=parcels.c.state_since.type)
    query = sa.select(sa.func.count(), since).where(parcels.c.state.in_(unfinished))
    return _waiting(tx, query)


def last_stock_write(tx: Transaction) -> datetime | None:
    """Return when Centra last answered for a quantity."""
    query = sa.select(stock_writes.c.settled_at).where(stock_writes.c.settled_at.is_not(None))
    newest = query.order_by(stock_writes.c.settled_at.desc()).limit(1)
    return tx.execute(newest).scalar_one_or_none()


def last_decision(tx: Transaction) -> tuple[str, datetime] | None:
    """Return why stock was, or was not, synced at the last minute that was decided about."""
    query = sa.select(cadence_decisions.c.reason, cadence_decisions.c.last_at)
    row = tx.execute(query.order_by(cadence_decisions.c.last_at.desc()).limit(1)).one_or_none()
    return None if row is None else (row.reason, row.last_at)


def failing(tx: Transaction) -> list[str]:
    """Return the steps that have failed since they last succeeded."""
    return list(
        tx.execute(sa.select(failing_steps.c.step).order_by(failing_steps.c.step)).scalars()
    )


def red(tx: Transaction, *, seen_since: datetime) -> list[tuple[str, str]]:
    """Return title and owner of the checks, jobs and sensors that are red."""
    query = sa.select(watched.c.title, watched.c.owner).where(
        watched.c.is_told_red, watched.c.last_red_at >= seen_since
    )
    return [(title, owner) for title, owner in tx.execute(query.order_by(watched.c.name)).tuples()]


def _waiting(tx: Transaction, query: sa.Select[tuple[int, datetime]]) -> Waiting:
    count, since = tx.execute(query).one()
    return Waiting(count=count, since=since)
