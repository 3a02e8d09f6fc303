"""What moved units: what Centra wants of sent orders, and what left or came back.

Where the units of open orders are is `open_lines`' to say. Does not belong here: what it means for
stock, which is `domain.stock.availability`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.order import CentraShipment, Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.despatches import IS_IN_PARCEL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.open_lines import TOLD, LineUnits, of_open_lines
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.tables import (
    centra_shipment_lines,
    former_lines,
    former_numbers,
    order_lines,
    orders,
    parcel_lines,
    parcels,
)

__all__ = [
    "LineUnits",
    "ids_at_whistl",
    "note_shipments",
    "note_wanted",
    "of_open_lines",
    "units_by_ordering_hour",
    "units_completed_since",
    "units_ordered",
    "units_taken",
]

_LATELY = timedelta(days=2)


def note_wanted(tx: Transaction, order: Order) -> None:
    """Record the units that Centra wants of each line now, and its shipments that have left.

    A line that Centra no longer lists counts as zero.
    """
    note_shipments(tx, order.centra_id, order.shipments)
    wanted = {line.line_id: line.quantity for line in order.lines}
    of_order = order_lines.c.centra_id == order.centra_id
    for line_id in tx.execute(sa.select(order_lines.c.line_id).where(of_order)).scalars().all():
        tx.execute(
            sa.update(order_lines)
            .where(of_order, order_lines.c.line_id == line_id)
            .values(wanted=wanted.get(line_id, 0))
        )


def note_shipments(tx: Transaction, centra_id: str, shipments: Iterable[CentraShipment]) -> None:
    """Record which units Centra shows as shipped, in place of what was known of the order."""
    of_order = centra_shipment_lines.c.centra_id == centra_id
    tx.execute(sa.delete(centra_shipment_lines).where(of_order))
    units = Counter[tuple[int, int]]()
    for shipment in shipments:
        for line in shipment.lines if shipment.is_shipped else ():
            units[shipment.shipment_id, line.line_id] += line.quantity
    rows = [
        {"shipment_id": shipment, "line_id": line, "centra_id": centra_id, "quantity": quantity}
        for (shipment, line), quantity in units.items()
    ]
    if rows:
        tx.execute(sa.insert(centra_shipment_lines), rows)


def ids_at_whistl(tx: Transaction, centra_ids: Collection[str]) -> set[str]:
    """Return which of these orders have, or may have, units at Whistl."""
    found: set[str] = set()
    for part in parts(centra_ids):
        query = sa.select(orders.c.centra_id).where(
            orders.c.centra_id.in_(part), orders.c.state.in_(TOLD - {OrderState.COMPLETED})
        )
        found |= set(tx.execute(query).scalars())
    return found


def units_ordered(
    tx: Transaction, *, since: datetime, until: datetime
) -> list[tuple[str, int, datetime]]:
    """Return each order line that came to be known in a stretch of time: SKU, units, and when.

    Not by when it was placed: an order that is read late would be counted in no stretch at all.
    """
    query = (
        sa.select(order_lines.c.sku, order_lines.c.quantity, orders.c.first_seen_at)
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .where(
            orders.c.first_seen_at >= since,
            orders.c.first_seen_at < until,
            orders.c.state != OrderState.CANCELLED,
        )
    )
    return list(tx.execute(query).tuples())


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
    # What left before an order was stopped is not there again.
    was_ended = sa.and_(orders.c.allocated_at.is_not(None), orders.c.despatched_at.is_(None))
    taken.update(_units_moved(tx, orders.c.allocated_at, since, until))
    given_back.update(_units_moved(tx, orders.c.given_back_at, since, until, was_ended))
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
    # A SKU that sells is written often: what was completed lately answers for it. Of the others,
    # the few parcels that there ever were are read by SKU.
    lately = tx.now - _LATELY
    recent = {sku: moment for sku, moment in moments.items() if moment >= lately}
    units = _completed(tx, recent, parcels.c.completed_at >= min(recent.values(), default=tx.now))
    older = {sku: moment for sku, moment in moments.items() if moment < lately}
    for part in parts(sorted(older)):
        units |= _completed(tx, {sku: older[sku] for sku in part}, parcel_lines.c.sku.in_(part))
    return units


def _completed(
    tx: Transaction, moments: Mapping[str, datetime], condition: sa.ColumnElement[bool]
) -> dict[str, int]:
    if not moments:
        return {}
    query = (
        sa.select(parcel_lines.c.sku, parcels.c.completed_at, parcel_lines.c.quantity)
        .join(parcels, IS_IN_PARCEL)
        .where(condition, parcels.c.completed_at.is_not(None))
    )
    units: dict[str, int] = {}
    for sku, completed_at, quantity in tx.execute(query).tuples():
        if sku in moments and completed_at is not None and completed_at >= moments[sku]:
            units[sku] = units.get(sku, 0) + quantity
    return units
