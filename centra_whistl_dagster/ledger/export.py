"""Rows for the history: what happened, without anything personal.

Belongs here: reading the ledger in the shape of the history's tables, except those of stock
(`stock_export`). Does not belong here: keeping it (`history`). Names, addresses, contents of
exceptions' values and tracking numbers stay behind. An order that had several numbers at Whistl is
known in the history by the first.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.orders.states import FINAL, OrderState
from centra_whistl_dagster.ledger import records
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.former_numbers import FIRST_NUMBER
from centra_whistl_dagster.ledger.states import FINISHED_PARCELS, ParcelState
from centra_whistl_dagster.ledger.tables import (
    despatches,
    exceptions,
    former_numbers,
    order_events,
    order_lines,
    orders,
    parcel_lines,
    parcels,
    submissions,
)

Rows = list[dict[str, Any]]
Value = TypeVar("Value", int, str)

_AT_ONCE = 1000
"""Values in one query: databases take only so many."""

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


def orders_since(tx: Transaction, since: datetime | None, until: datetime | None = None) -> Rows:
    """Return orders that are not at their end, or came there since; or those of a period."""
    lines = sa.select(
        sa.func.coalesce(sa.func.sum(order_lines.c.quantity), 0), sa.func.count()
    ).where(order_lines.c.centra_id == orders.c.centra_id)
    units, line_count = (
        lines.with_only_columns(column).correlate(orders).scalar_subquery()
        for column in lines.selected_columns
    )
    attempts = (
        sa.select(sa.func.count())
        .where(submissions.c.centra_id == orders.c.centra_id)
        .correlate(orders)
        .scalar_subquery()
    )
    query = sa.select(
        FIRST_NUMBER.label("order_number"),
        *(orders.c[name] for name in _ORDER_COLUMNS),
        units.label("units"),
        line_count.label("line_count"),
        attempts.label("attempts"),
    ).where(_is_fresh(since, until))
    return _rows(tx, query.order_by(orders.c.number))


def order_lines_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> Rows:
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
        .where(_is_fresh(since, until))
    )
    return _rows(tx, query.order_by(orders.c.number, order_lines.c.line_number))


def order_events_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> Rows:
    """Return moves of orders from state to state."""
    query = (
        sa.select(
            FIRST_NUMBER.label("order_number"),
            order_events.c.from_state,
            order_events.c.to_state.label("state"),
            order_events.c.at.label("moved_at"),
            order_events.c.reason,
        )
        .join(orders, orders.c.centra_id == order_events.c.centra_id)
        .where(within(order_events.c.at, since, until))
    )
    return _rows(tx, query.order_by(order_events.c.at, order_events.c.id))


def exceptions_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> Rows:
    """Return exceptions that are open, or were resolved since; with `until`, those of a period."""
    columns = ["kind", "subject_type", "subject", "field", "owner", "severity"]
    moments = ["opened_at", "last_seen_at", "due_at", "resolved_at"]
    query = sa.select(*(exceptions.c[name] for name in [*columns, *moments]))
    if until is not None:
        touched = [within(exceptions.c[name], since, until) for name in moments]
        query = query.where(sa.or_(*touched))
    elif since is not None:
        is_open = exceptions.c.resolved_at.is_(None)
        query = query.where(sa.or_(is_open, exceptions.c.resolved_at >= since))
    rows = _rows(tx, query)
    # Under the number that orders have everywhere else in the history.
    numbers = {row["subject"] for row in rows if row["subject_type"] == SubjectType.ORDER}
    known = numbers_at_whistl(tx, {int(number) for number in numbers if number.isdecimal()})
    for row in rows:
        if row["subject_type"] == SubjectType.ORDER:
            row["subject"] = known.get(row["subject"], row["subject"])
    return rows


def despatches_since(
    tx: Transaction, since: datetime | None, until: datetime | None = None
) -> tuple[Rows, Rows, Rows]:
    """Return despatch messages with their parcels and the parcels' lines.

    Those come again of which a parcel changed, since Centra is updated after the message was read,
    and those of which a correction was read, with all messages about the same despatch.
    """
    roots: sa.Select[Any] | sa.CompoundSelect[Any] = sa.select(despatches.c.root_id)
    if since is not None or until is not None:
        read = within(despatches.c.received_at, since, until)
        moved = sa.select(parcels.c.despatch_id)
        changed = [moved.where(within(parcels.c.state_since, since, until))]
        if until is None:
            unfinished = [state for state in ParcelState if state not in FINISHED_PARCELS]
            changed.append(moved.where(parcels.c.state.in_(unfinished)))
        roots = sa.union(sa.select(despatches.c.root_id).where(read), *changed)
    heads = tx.execute(
        sa.select(despatches)
        .where(despatches.c.root_id.in_(roots))
        .order_by(despatches.c.sequence, despatches.c.despatch_id, despatches.c.version)
    ).all()
    firsts = _first_numbers(tx, {head.whistl_number for head in heads})
    boxes = tx.execute(
        sa.select(parcels, FIRST_NUMBER.label("order_number"))
        .join(orders, orders.c.centra_id == parcels.c.centra_id)
        .where(parcels.c.despatch_id.in_(roots))
    )
    contents = ("despatch_id", "parcel_number", "line_number", "sku", "quantity")
    query = sa.select(*(parcel_lines.c[name] for name in contents))
    return (
        [_despatch(head, firsts.get(head.whistl_number)) for head in heads],
        [_parcel(row) for row in boxes],
        _rows(tx, query.where(parcel_lines.c.despatch_id.in_(roots))),
    )


def _is_fresh(since: datetime | None, until: datetime | None) -> sa.ColumnElement[bool]:
    """Say which orders to return: open ones and those that ended since, or those of a period.

    An order is of a period when it changed its state in it.
    """
    if until is not None:
        moved = sa.select(order_events.c.centra_id).where(within(order_events.c.at, since, until))
        return orders.c.centra_id.in_(moved)
    if since is None:
        return sa.true()
    return sa.or_(
        orders.c.state.in_([state for state in OrderState if state not in FINAL]),
        orders.c.state_since >= since,
        # Its status in Centra is read once more after its end.
        orders.c.centra_checked_at >= since,
        orders.c.whistl_checked_at >= since,
    )


def within(
    column: sa.Column[Any], since: datetime | None, until: datetime | None
) -> sa.ColumnElement[bool]:
    """Say that a moment is in a period; None: unbounded."""
    return sa.and_(
        sa.true() if since is None else column >= since,
        sa.true() if until is None else column < until,
    )


def _in_parts(values: Collection[Value]) -> list[list[Value]]:
    ordered = list(values)
    return [ordered[at : at + _AT_ONCE] for at in range(0, len(ordered), _AT_ONCE)]


def numbers_at_whistl(tx: Transaction, numbers: Collection[int]) -> dict[str, str]:
    """Return the first number at Whistl of each of Centra's order numbers."""
    query = sa.select(orders.c.number, FIRST_NUMBER.label("first"))
    return {
        str(row.number): row.first
        for some in _in_parts(numbers)
        for row in tx.execute(query.where(orders.c.number.in_(some)))
    }


def _first_numbers(tx: Transaction, numbers: Collection[str]) -> dict[str, str]:
    """Return the first number of each order that has had several, by whichever of its numbers."""
    present = sa.select(orders.c.whistl_number, FIRST_NUMBER.label("first"))
    former = sa.select(former_numbers.c.whistl_number, FIRST_NUMBER.label("first")).join(
        orders, orders.c.centra_id == former_numbers.c.centra_id
    )
    return {
        row.whistl_number: row.first
        for some in _in_parts(numbers)
        for query in (
            present.where(orders.c.whistl_number.in_(some)),
            former.where(former_numbers.c.whistl_number.in_(some)),
        )
        for row in tx.execute(query)
    }


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
