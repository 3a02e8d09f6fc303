"""How long things took, from the ledger's milestones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import orders, parcels


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds: how many were measured, and the 50th and 95th percentile (nearest rank)."""

    count: int
    p50: float
    p95: float


def seen_to_accepted(tx: Transaction, since: datetime) -> Spread:
    """Measure, of orders accepted since, from first read to accepted."""
    return _took(tx, orders.c.first_seen_at, orders.c.submitted_at, since)


def despatched_to_completed(tx: Transaction, since: datetime) -> Spread:
    """Measure, of parcels completed since, from leaving the warehouse to known in Centra."""
    return _took(tx, parcels.c.despatched_at, parcels.c.completed_at, since)


def _took(
    tx: Transaction,
    start: sa.ColumnElement[datetime],
    end: sa.ColumnElement[datetime],
    since: datetime,
) -> Spread:
    pairs = tx.execute(sa.select(start, end).where(end >= since)).tuples()
    return _spread((ended - started).total_seconds() for started, ended in pairs)


def _spread(seconds: Iterable[float]) -> Spread:
    ordered = sorted(seconds)
    if not ordered:
        return Spread(count=0, p50=0.0, p95=0.0)

    def rank(share: float) -> float:
        return ordered[math.ceil(len(ordered) * share) - 1]

    return Spread(count=len(ordered), p50=rank(0.5), p95=rank(0.95))
