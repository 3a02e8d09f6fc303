"""Where the units of each open order line are: what the stock sum needs to know of our orders.

Belongs here: the one query that answers it, and what Centra wants of a line since it was sent. Does
not belong here: what it means for stock, which is `domain.stock.availability`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import checks
from centra_whistl_dagster.ledger.despatches import IS_IN_PARCEL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.ledger.tables import (
    former_lines,
    former_numbers,
    order_lines,
    orders,
    parcel_lines,
    parcels,
)

_TOLD = frozenset(
    {
        OrderState.SENDING,
        OrderState.IN_DOUBT,
        OrderState.SUBMITTED,
        OrderState.PART_DESPATCHED,
        OrderState.DESPATCHED,
        OrderState.COMPLETED,
    }
)
_COUNTS_AS_COMPLETED = [
    ParcelState.COMPLETED,
    ParcelState.ENDED,
    ParcelState.SENDING,
    ParcelState.IN_DOUBT,
]
"""Also while the answer is out: too low for a minute is put right, too high is sold. Also a parcel
of which Centra wants nothing: no shipment of it will ever lower Centra's stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUnits:
    """One order line's units, seen from a snapshot taken at T; named as in `LineStanding`."""

    sku: str
    wanted: int
    completed: int
    sent: int
    taken: int
    despatched: int
    is_blocked: bool


def of_open_lines(tx: Transaction, *, taken_at: datetime) -> list[LineUnits]:
    """Return the standing of every line that can still move stock after `taken_at`.

    An order wholly known to Centra that Whistl had taken before `taken_at` moves nothing any more.
    """
    may_move = _may_move(taken_at)
    shipped = _shipped(taken_at, may_move)
    given_back = _taken_under_former_numbers(taken_at)
    query = (
        sa.select(
            order_lines.c.sku,
            order_lines.c.quantity,
            order_lines.c.not_found,
            sa.func.coalesce(order_lines.c.wanted, order_lines.c.quantity).label("wanted"),
            orders.c.state,
            orders.c.cancel_wanted_at,
            orders.c.allocated_at,
            sa.func.coalesce(shipped.c.completed, 0).label("completed"),
            sa.func.coalesce(shipped.c.despatched, 0).label("despatched"),
            sa.func.coalesce(given_back.c.units, 0).label("given_back"),
        )
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .outerjoin(
            shipped,
            sa.and_(
                shipped.c.centra_id == order_lines.c.centra_id,
                shipped.c.line_number == order_lines.c.line_number,
            ),
        )
        .outerjoin(
            given_back,
            sa.and_(
                given_back.c.centra_id == order_lines.c.centra_id,
                given_back.c.line_id == order_lines.c.line_id,
                given_back.c.sku == order_lines.c.sku,
            ),
        )
        .where(may_move)
    )
    return [_units(row, taken_at) for row in tx.execute(query)]


def _may_move(taken_at: datetime) -> sa.ColumnElement[bool]:
    """Return which orders can still move stock after `taken_at`.

    Three short lists, each from an index: one condition over all orders would read all that ended.
    """
    is_completed = sa.and_(
        orders.c.state == OrderState.COMPLETED,
        # One that somebody shipped in Centra by hand moves nothing here.
        orders.c.despatched_at.is_not(None),
    )
    ids = sa.select(orders.c.centra_id)
    return orders.c.centra_id.in_(
        sa.union(
            ids.where(orders.c.state.in_(checks.OPEN)),
            ids.where(is_completed, orders.c.allocated_at.is_(None)),
            ids.where(is_completed, orders.c.allocated_at >= taken_at),
        )
    )


def _shipped(taken_at: datetime, may_move: sa.ColumnElement[bool]) -> sa.Subquery:
    quantity = parcel_lines.c.quantity
    is_completed = parcels.c.state.in_(_COUNTS_AS_COMPLETED)
    has_left = parcels.c.despatched_at < taken_at
    return (
        sa.select(
            parcels.c.centra_id,
            parcel_lines.c.line_number,
            sa.func.sum(sa.case((is_completed, quantity), else_=0)).label("completed"),
            sa.func.sum(sa.case((has_left, quantity), else_=0)).label("despatched"),
        )
        .join(parcels, IS_IN_PARCEL)
        .where(parcels.c.centra_id.in_(sa.select(orders.c.centra_id).where(may_move)))
        .group_by(parcels.c.centra_id, parcel_lines.c.line_number)
        .subquery()
    )


def _taken_under_former_numbers(taken_at: datetime) -> sa.Subquery:
    """Return units that Whistl had set aside by then, and gave back later to stop the order.

    The snapshot does not count them as available yet: without them, an order that is only sent
    again would look oversold.
    """
    return (
        sa.select(
            former_numbers.c.centra_id,
            former_lines.c.line_id,
            former_lines.c.sku,
            sa.func.sum(former_lines.c.quantity).label("units"),
        )
        .join(former_lines, former_lines.c.whistl_number == former_numbers.c.whistl_number)
        .where(former_numbers.c.allocated_at < taken_at, former_numbers.c.ended_at >= taken_at)
        .group_by(former_numbers.c.centra_id, former_lines.c.line_id, former_lines.c.sku)
        .subquery()
    )


def _units(row: sa.Row[tuple[object, ...]], taken_at: datetime) -> LineUnits:
    was_taken = row.allocated_at is not None and row.allocated_at < taken_at
    # A unit that could not be found is off the order and off the shelf: `available` stays as it is.
    at_whistl = row.quantity - row.not_found
    wanted = 0 if row.cancel_wanted_at is not None else int(row.wanted)
    # A faulty message may name more units than were ordered: no more of them are ours.
    completed = min(int(row.completed), row.quantity)
    return LineUnits(
        sku=row.sku,
        # A unit that Centra was told has left is past cancelling there.
        wanted=max(wanted, completed),
        completed=completed,
        sent=at_whistl if row.state in _TOLD else 0,
        taken=at_whistl if was_taken else int(row.given_back),
        despatched=int(row.despatched) if was_taken else 0,
        is_blocked=row.state in {OrderState.BLOCKED, OrderState.WAITING},
    )


def note_wanted(tx: Transaction, order: Order) -> None:
    """Record the units that Centra wants of each line now.

    A line that Centra no longer lists counts as zero.
    """
    wanted = {line.line_id: line.quantity for line in order.lines}
    of_order = order_lines.c.centra_id == order.centra_id
    for line_id in tx.execute(sa.select(order_lines.c.line_id).where(of_order)).scalars().all():
        tx.execute(
            sa.update(order_lines)
            .where(of_order, order_lines.c.line_id == line_id)
            .values(wanted=wanted.get(line_id, 0))
        )


def units_ordered(tx: Transaction, *, since: datetime, until: datetime) -> list[tuple[str, int]]:
    """Return the SKU and units of each order line that came to be known in a stretch of time.

    Not by when it was placed: an order that is read late would be counted in no stretch at all.
    """
    query = (
        sa.select(order_lines.c.sku, order_lines.c.quantity)
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .where(
            orders.c.first_seen_at >= since,
            orders.c.first_seen_at < until,
            orders.c.state != OrderState.CANCELLED,
        )
    )
    return [(sku, quantity) for sku, quantity in tx.execute(query).tuples()]


def units_by_ordering_hour(tx: Transaction, *, since: datetime) -> list[tuple[datetime, int]]:
    """Return when each order since was placed, and its units."""
    query = (
        sa.select(orders.c.ordered_at, sa.func.sum(order_lines.c.quantity))
        .join(order_lines, orders.c.centra_id == order_lines.c.centra_id)
        .where(orders.c.ordered_at > since, orders.c.state != OrderState.CANCELLED)
        .group_by(orders.c.centra_id, orders.c.ordered_at)
    )
    return [(at, int(units)) for at, units in tx.execute(query).tuples()]


def units_taken(tx: Transaction, *, since: datetime, until: datetime) -> dict[str, int]:
    """Return, per SKU, units Whistl took out of `available` for us between two snapshots.

    Those it gave back, because the order was stopped after it had been allocated, count against.
    """
    taken, given_back = Counter[str](), Counter[str]()
    was_ended = sa.and_(orders.c.submitted_at.is_not(None), orders.c.allocated_at.is_not(None))
    taken.update(_units_moved(tx, orders.c.allocated_at, since, until))
    given_back.update(_units_moved(tx, orders.c.cancelled_at, since, until, was_ended))
    was_taken = former_numbers.c.allocated_at.is_not(None)
    taken.update(_former_units_moved(tx, former_numbers.c.allocated_at, since, until, was_taken))
    given_back.update(_former_units_moved(tx, former_numbers.c.ended_at, since, until, was_taken))
    return {sku: taken[sku] - given_back[sku] for sku in taken.keys() | given_back.keys()}


def _units_moved(
    tx: Transaction,
    moment: sa.ColumnElement[datetime],
    since: datetime,
    until: datetime,
    condition: sa.ColumnElement[bool] | None = None,
) -> dict[str, int]:
    query = (
        sa.select(order_lines.c.sku, sa.func.sum(order_lines.c.quantity))
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .where(moment >= since, moment < until)
        .group_by(order_lines.c.sku)
    )
    if condition is not None:
        query = query.where(condition)
    return {sku: int(units) for sku, units in tx.execute(query).tuples()}


def _former_units_moved(
    tx: Transaction,
    moment: sa.ColumnElement[datetime],
    since: datetime,
    until: datetime,
    condition: sa.ColumnElement[bool],
) -> dict[str, int]:
    query = (
        sa.select(former_lines.c.sku, sa.func.sum(former_lines.c.quantity))
        .join(former_numbers, former_numbers.c.whistl_number == former_lines.c.whistl_number)
        .where(moment >= since, moment < until, condition)
        .group_by(former_lines.c.sku)
    )
    return {sku: int(units) for sku, units in tx.execute(query).tuples()}


def units_completed_since(tx: Transaction, moments: Mapping[str, datetime]) -> dict[str, int]:
    """Return, per SKU, units in shipments completed since that SKU's moment."""
    if not moments:
        return {}
    query = (
        sa.select(parcel_lines.c.sku, parcels.c.completed_at, parcel_lines.c.quantity)
        .join(parcels, IS_IN_PARCEL)
        .where(parcels.c.completed_at >= min(moments.values()))
    )
    units: dict[str, int] = {}
    for sku, completed_at, quantity in tx.execute(query).tuples():
        if sku in moments and completed_at is not None and completed_at >= moments[sku]:
            units[sku] = units.get(sku, 0) + quantity
    return units
