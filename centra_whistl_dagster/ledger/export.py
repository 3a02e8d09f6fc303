"""Rows for the history: what happened, without anything personal.

Belongs here: reading the ledger in the shape of the history's tables. Does not belong here: keeping
it (`history`). Names, addresses, contents of exceptions' values and tracking numbers stay behind.
An order that had several numbers at Whistl is known in the history by the first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger import records
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.former_numbers import FIRST_NUMBER, first_numbers
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.ledger.tables import (
    despatches,
    exceptions,
    order_events,
    order_lines,
    orders,
    parcel_lines,
    parcels,
    stock_snapshots,
    stock_writes,
    submissions,
)

Rows = list[dict[str, Any]]

_ORDER_COLUMNS = [
    "state",
    "state_since",
    "country",
    "postcode_area",
    "currency",
    "grand_total",
    "shipping_option",
    "carrier_code",
    "delivery_method",
    "ordered_at",
    "first_seen_at",
    "screened_at",
    "submitted_at",
    "allocated_at",
    "despatched_at",
    "completed_at",
    "cancelled_at",
    "centra_status",
    "whistl_status",
]


def orders_since(tx: Transaction, since: datetime | None) -> Rows:
    """Return orders that are not at their end, or came there since."""
    lines = (
        sa.select(
            order_lines.c.centra_id,
            sa.func.sum(order_lines.c.quantity).label("units"),
            sa.func.count().label("line_count"),
        )
        .group_by(order_lines.c.centra_id)
        .subquery()
    )
    tries = (
        sa.select(submissions.c.centra_id, sa.func.count().label("attempts"))
        .group_by(submissions.c.centra_id)
        .subquery()
    )
    query = (
        sa.select(
            FIRST_NUMBER.label("order_number"),
            *(orders.c[name] for name in _ORDER_COLUMNS),
            sa.func.coalesce(lines.c.units, 0).label("units"),
            sa.func.coalesce(lines.c.line_count, 0).label("line_count"),
            sa.func.coalesce(tries.c.attempts, 0).label("attempts"),
        )
        .outerjoin(lines, lines.c.centra_id == orders.c.centra_id)
        .outerjoin(tries, tries.c.centra_id == orders.c.centra_id)
        .where(_is_fresh(since))
    )
    return _rows(tx, query.order_by(orders.c.number))


def order_lines_since(tx: Transaction, since: datetime | None) -> Rows:
    """Return the lines of the orders that `orders_since` returns."""
    query = (
        sa.select(
            FIRST_NUMBER.label("order_number"),
            order_lines.c.line_number,
            order_lines.c.sku,
            order_lines.c.quantity,
            order_lines.c.unit_price,
        )
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .where(_is_fresh(since))
    )
    return _rows(tx, query.order_by(orders.c.number, order_lines.c.line_number))


def order_events_since(tx: Transaction, since: datetime | None) -> Rows:
    """Return moves of orders from state to state."""
    query = sa.select(
        FIRST_NUMBER.label("order_number"),
        order_events.c.from_state,
        order_events.c.to_state.label("state"),
        order_events.c.at.label("moved_at"),
        order_events.c.reason,
    ).join(orders, orders.c.centra_id == order_events.c.centra_id)
    if since is not None:
        query = query.where(order_events.c.at >= since)
    return _rows(tx, query.order_by(order_events.c.id))


def exceptions_since(tx: Transaction, since: datetime | None) -> Rows:
    """Return exceptions that are open, or were resolved since."""
    # Under the number that orders have everywhere else in the history.
    whistl_number = (
        sa.select(FIRST_NUMBER)
        .where(sa.cast(orders.c.number, sa.Text) == exceptions.c.subject)
        .scalar_subquery()
    )
    is_about_order = exceptions.c.subject_type == SubjectType.ORDER
    subject = sa.case(
        (is_about_order, sa.func.coalesce(whistl_number, exceptions.c.subject)),
        else_=exceptions.c.subject,
    )
    query = sa.select(
        subject.label("subject"),
        *(
            exceptions.c[name]
            for name in [
                "kind",
                "subject_type",
                "field",
                "owner",
                "severity",
                "opened_at",
                "last_seen_at",
                "due_at",
                "resolved_at",
            ]
        ),
    )
    if since is not None:
        is_open = exceptions.c.resolved_at.is_(None)
        query = query.where(sa.or_(is_open, exceptions.c.resolved_at >= since))
    return _rows(tx, query.order_by(exceptions.c.id))


def despatches_since(tx: Transaction, since: datetime | None) -> tuple[Rows, Rows, Rows]:
    """Return despatch messages with their parcels and the parcels' lines.

    Those come again of which a parcel changed: Centra is told later than the message was read.
    """
    parcels_query = sa.select(parcels, FIRST_NUMBER.label("order_number")).join(
        orders, orders.c.centra_id == parcels.c.centra_id
    )
    heads_query = sa.select(despatches)
    if since is not None:
        moved = sa.select(parcels.c.despatch_id).where(parcels.c.state_since >= since)
        # All messages of a chain: parcels are kept under the first one, and a correction of it
        # changes them.
        received = sa.select(despatches.c.root_id).where(despatches.c.received_at >= since)
        is_fresh = despatches.c.root_id.in_(sa.union(moved, received))
        heads_query = heads_query.where(is_fresh)
    heads = tx.execute(heads_query.order_by(despatches.c.sequence)).all()
    firsts = first_numbers(tx)
    roots = {head.root_id for head in heads}
    boxes = [row for row in tx.execute(parcels_query) if row.despatch_id in roots]
    contents = [row for row in tx.execute(sa.select(parcel_lines)) if row.despatch_id in roots]
    return (
        [_despatch(head, firsts.get(head.whistl_number)) for head in heads],
        [_parcel(row) for row in boxes],
        [
            {
                name: getattr(row, name)
                for name in ("despatch_id", "parcel_number", "line_number", "sku", "quantity")
            }
            for row in contents
        ],
    )


def stock_writes_since(tx: Transaction, since: datetime | None) -> Rows:
    """Return quantities sent to Centra and what came of them."""
    query = sa.select(
        stock_writes.c.sku,
        stock_writes.c.snapshot_id,
        stock_writes.c.intent_at.label("intended_at"),
        stock_writes.c.settled_at,
        stock_writes.c.from_quantity.label("from_physical"),
        stock_writes.c.to_quantity.label("to_physical"),
        stock_writes.c.whistl_available,
        stock_writes.c.units_held,
        stock_writes.c.units_left,
        stock_writes.c.buffer,
        stock_writes.c.outcome,
        stock_writes.c.read_back,
    )
    if since is not None:
        query = query.where(stock_writes.c.intent_at >= since)
    return _rows(tx, query.order_by(stock_writes.c.id))


def snapshots_since(tx: Transaction, since: datetime | None) -> list[SnapshotRow]:
    """Return Whistl snapshots read since, oldest first, with the file each was kept in."""
    query = sa.select(stock_snapshots)
    if since is not None:
        query = query.where(stock_snapshots.c.read_at >= since)
    return tx.rows(SnapshotRow, query.order_by(stock_snapshots.c.taken_at))


def _is_fresh(since: datetime | None) -> sa.ColumnElement[bool]:
    if since is None:
        return sa.true()
    return sa.or_(
        orders.c.state.not_in(list(FINAL)),
        orders.c.state_since >= since,
        # Its status in Centra is read once more after its end.
        orders.c.centra_checked_at >= since,
        orders.c.whistl_checked_at >= since,
    )


def _rows(tx: Transaction, query: sa.Select[Any]) -> Rows:
    return [dict(row) for row in tx.execute(query).mappings()]


def _despatch(row: sa.Row[Any], first_number: str | None) -> dict[str, Any]:
    body = records.loads(Despatch, row.body)
    return {
        "despatch_id": row.despatch_id,
        "version": row.version,
        "sequence": row.sequence,
        "supersedes": body.supersedes,
        "order_number": first_number or row.whistl_number,
        "despatched_at": row.despatched_at,
        "received_at": row.received_at,
        "is_order_complete": row.is_order_complete,
        "short_units": sum(line.quantity for line in body.short_lines),
    }


def _parcel(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "despatch_id": row.despatch_id,
        "parcel_number": row.parcel_number,
        "order_number": row.order_number,
        "carrier_name": row.carrier_name,
        "service_name": row.service_name,
        "has_tracking": bool(row.tracking_number),
        "state": row.state,
        "despatched_at": row.despatched_at,
        "completed_at": row.completed_at,
        "attempts": row.attempts,
    }
