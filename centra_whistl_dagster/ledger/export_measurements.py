"""Rows for the history about the connection itself: what held orders up, calls, decisions.

Orders, despatches, exceptions and stock are in `export`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.domain.api_purposes import purpose_of
from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.orders.states import FINAL, OrderState
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.export import Rows, within
from centra_whistl_dagster.ledger.former_numbers import FIRST_NUMBER
from centra_whistl_dagster.ledger.tables import (
    api_calls,
    api_quota_use,
    cadence_decisions,
    exceptions,
    order_causes,
    order_lines,
    orders,
)

_LONGEST_PROCESS = timedelta(days=1)


def order_causes_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> Rows:
    """Return which exceptions held up which orders, those that still do or have ceased to since.

    With `until`, those that began or ceased in a period.

    An order that ended, or an exception that was resolved for all its orders, is free of it too.
    """
    freed_at = sa.func.coalesce(order_causes.c.freed_at, exceptions.c.resolved_at)
    subject = sa.case(
        (exceptions.c.subject_type == SubjectType.ORDER, FIRST_NUMBER), else_=exceptions.c.subject
    )
    query = (
        sa.select(
            FIRST_NUMBER.label("order_number"),
            subject.label("subject"),
            *(
                exceptions.c[name]
                for name in ("kind", "subject_type", "field", "owner", "opened_at")
            ),
            order_causes.c.linked_at,
            freed_at.label("freed_at"),
        )
        .join(exceptions, exceptions.c.id == order_causes.c.exception_id)
        .join(orders, orders.c.centra_id == order_causes.c.centra_id)
    )
    freed, resolved = order_causes.c.freed_at, exceptions.c.resolved_at
    if until is not None:
        moments = (order_causes.c.linked_at, freed, resolved)
        query = query.where(sa.or_(*(within(moment, since, until) for moment in moments)))
    elif since is not None:
        # Not by `freed_at` as a whole, which no index has.
        holds = sa.and_(freed.is_(None), sa.or_(resolved.is_(None), resolved >= since))
        query = query.where(sa.or_(holds, freed >= since))
    return _rows(tx, query.order_by(order_causes.c.linked_at, order_causes.c.exception_id))


def api_calls_since(tx: Transaction, since: datetime | None, until: datetime | None = None) -> Rows:
    """Return the calls of each hour that has ended since, or not yet."""
    return _with_purpose(_rows(tx, _by_hour(api_calls, since, until)))


def api_quota_use_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> Rows:
    """Return what was taken of each quota, of each hour that has ended since, or not yet."""
    return _with_purpose(_rows(tx, _by_hour(api_quota_use, since, until)))


def cadence_decisions_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> Rows:
    """Return decisions of which a tick came since, or the last one in a period."""
    query = sa.select(cadence_decisions).where(within(cadence_decisions.c.last_at, since, until))
    return _rows(tx, query.order_by(cadence_decisions.c.decided_at))


PRICE_COLUMNS = ("sku", "currency", "unit_price", "ordered_at", "order_number")


def prices_since(tx: Transaction, since: datetime | None) -> Rows:
    """Return the prices of the lines of orders that are under way, or ended since."""
    query = sa.select(
        order_lines.c.sku,
        orders.c.currency,
        order_lines.c.unit_price,
        orders.c.ordered_at,
        FIRST_NUMBER.label("order_number"),
    ).join(orders, orders.c.centra_id == order_lines.c.centra_id)
    if since is not None:
        is_open = orders.c.state.in_([state for state in OrderState if state not in FINAL])
        query = query.where(sa.or_(is_open, orders.c.state_since >= since))
    return _rows(tx, query.where(order_lines.c.sku != "", order_lines.c.unit_price > 0))


def _by_hour(table: sa.Table, since: datetime | None, until: datetime | None) -> sa.Select[Any]:
    # Counts are added when a process ends, and a full sync of a large shop may take hours.
    first = since - _LONGEST_PROCESS if since is not None and until is None else since
    return sa.select(table).where(within(table.c.hour, first, until)).order_by(*table.primary_key)


def _with_purpose(rows: Rows) -> Rows:
    return [{**row, "purpose": purpose_of(row["operation"])} for row in rows]


def _rows(tx: Transaction, query: sa.Select[Any]) -> Rows:
    return [dict(row) for row in tx.execute(query).mappings()]
