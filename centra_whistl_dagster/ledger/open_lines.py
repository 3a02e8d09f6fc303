"""Where the units of each open order line are: what the stock sum needs to know of our orders.

Belongs here: the one query that answers it. Does not belong here: what it means for stock, which is
`domain.stock.availability`'s, and what people did to an order since it was sent (`standings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED
from centra_whistl_dagster.ledger import checks
from centra_whistl_dagster.ledger.despatches import IS_IN_PARCEL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.ledger.tables import (
    centra_shipment_lines,
    former_lines,
    former_numbers,
    order_lines,
    orders,
    parcel_lines,
    parcels,
)

TOLD = frozenset(
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


_CLOCKS_DIFFER = timedelta(hours=1)
"""An order that ended this long before a snapshot has moved nothing since, whosever clock is right:
its units had left by then."""
_STATUSES_LAG = timedelta(seconds=60)
"""Of an order sent so shortly before a snapshot, Whistl may not show yet that it has its units."""


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
    lost: int = 0
    elsewhere: int = 0
    unsure: int = 0
    first_seen_at: datetime | None = None
    """When the order came to be known here; None: long before."""


def of_open_lines(tx: Transaction, *, taken_at: datetime) -> list[LineUnits]:
    """Return the standing of every line that can still move stock after `taken_at`.

    An order wholly known to Centra that Whistl had taken before `taken_at` moves nothing any more.

    Args:
        tx: the transaction.
        taken_at: when the snapshot was taken.
    """
    may_move = _may_move(taken_at)
    shipped = _shipped(taken_at, may_move)
    by_hand = _shipped_by_others(may_move)
    given_back = _taken_under_former_numbers(taken_at)
    query = (
        sa.select(
            order_lines.c.sku,
            order_lines.c.quantity,
            order_lines.c.not_found,
            sa.func.coalesce(order_lines.c.gone, 0).label("gone"),
            sa.func.coalesce(order_lines.c.wanted, order_lines.c.quantity).label("wanted"),
            orders.c.state,
            orders.c.whistl_status,
            orders.c.first_seen_at,
            orders.c.submitted_at,
            orders.c.cancel_wanted_at,
            orders.c.allocated_at,
            orders.c.given_back_at,
            sa.func.coalesce(shipped.c.completed, 0).label("completed"),
            sa.func.coalesce(shipped.c.despatched, 0).label("despatched"),
            sa.func.coalesce(shipped.c.units, 0).label("in_parcels"),
            sa.func.coalesce(by_hand.c.units, 0).label("by_hand"),
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
            by_hand,
            sa.and_(
                by_hand.c.centra_id == order_lines.c.centra_id,
                by_hand.c.line_id == order_lines.c.line_id,
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

    Short lists, each from an index: one condition over all orders would read all that ended.
    """
    has_ended_since = sa.and_(
        orders.c.state == OrderState.COMPLETED,
        orders.c.state_since >= taken_at - _CLOCKS_DIFFER,
        # One that somebody shipped in Centra by hand, and that Whistl never had, moves nothing.
        orders.c.despatched_at.is_not(None),
        sa.or_(
            orders.c.allocated_at.is_(None),
            orders.c.allocated_at >= taken_at,
            orders.c.given_back_at.is_not(None),
        ),
    )
    ids = sa.select(orders.c.centra_id)
    return orders.c.centra_id.in_(
        sa.union(ids.where(orders.c.state.in_(checks.OPEN)), ids.where(has_ended_since))
    )


def _shipped(taken_at: datetime, may_move: sa.ColumnElement[bool]) -> sa.Subquery:
    quantity = parcel_lines.c.quantity
    is_completed = parcels.c.state.in_(_COUNTS_AS_COMPLETED)
    has_left = parcels.c.despatched_at < taken_at
    return (
        sa.select(
            parcels.c.centra_id,
            parcel_lines.c.line_number,
            sa.func.sum(quantity).label("units"),
            sa.func.sum(sa.case((is_completed, quantity), else_=0)).label("completed"),
            sa.func.sum(sa.case((has_left, quantity), else_=0)).label("despatched"),
        )
        .join(parcels, IS_IN_PARCEL)
        .where(parcels.c.centra_id.in_(sa.select(orders.c.centra_id).where(may_move)))
        .group_by(parcels.c.centra_id, parcel_lines.c.line_number)
        .subquery()
    )


def _shipped_by_others(may_move: sa.ColumnElement[bool]) -> sa.Subquery:
    """Return units in shipped shipments of Centra's that stand for no parcel here."""
    ours = sa.select(parcels.c.centra_shipment_id).where(
        parcels.c.centra_id == centra_shipment_lines.c.centra_id,
        parcels.c.centra_shipment_id.is_not(None),
    )
    return (
        sa.select(
            centra_shipment_lines.c.centra_id,
            centra_shipment_lines.c.line_id,
            sa.func.sum(centra_shipment_lines.c.quantity).label("units"),
        )
        .where(
            centra_shipment_lines.c.centra_id.in_(sa.select(orders.c.centra_id).where(may_move)),
            centra_shipment_lines.c.shipment_id.not_in(ours),
        )
        .group_by(centra_shipment_lines.c.centra_id, centra_shipment_lines.c.line_id)
        .subquery()
    )


def _taken_under_former_numbers(taken_at: datetime) -> sa.Subquery:
    """Return units that Whistl had set aside by then, and gave back later to stop the order.

    The snapshot does not count them as available yet: without them, an order that is only sent
    again would look oversold. Given back in the very second of the snapshot, they are available:
    counted as still held, they would be sold again.
    """
    return (
        sa.select(
            former_numbers.c.centra_id,
            former_lines.c.line_id,
            former_lines.c.sku,
            sa.func.sum(former_lines.c.quantity).label("units"),
        )
        .join(former_lines, former_lines.c.whistl_number == former_numbers.c.whistl_number)
        .where(former_numbers.c.allocated_at < taken_at, former_numbers.c.ended_at > taken_at)
        .group_by(former_numbers.c.centra_id, former_lines.c.line_id, former_lines.c.sku)
        .subquery()
    )


def _units(row: sa.Row[tuple[object, ...]], taken_at: datetime) -> LineUnits:
    is_there = row.state in TOLD and row.whistl_status not in STOPPED
    wanted = 0 if row.cancel_wanted_at is not None else int(row.wanted)
    # A faulty message may name more units than were ordered: no more of them are ours.
    completed = min(int(row.completed) + int(row.by_hand), max(int(row.quantity), wanted))
    sent = int(row.quantity) if is_there else 0
    taken, despatched = _taken(row, taken_at)
    return LineUnits(
        sku=row.sku,
        # A unit that Centra was told has left is past cancelling there.
        wanted=max(wanted, completed),
        completed=completed,
        sent=sent,
        taken=taken,
        despatched=despatched,
        is_blocked=row.state in {OrderState.BLOCKED, OrderState.WAITING},
        lost=int(row.not_found),
        elsewhere=0 if is_there else max(0, completed - int(row.in_parcels)),
        unsure=max(0, sent - taken) if _may_be_taken(row, taken_at) else 0,
        first_seen_at=row.first_seen_at,
    )


def _taken(row: sa.Row[tuple[object, ...]], taken_at: datetime) -> tuple[int, int]:
    """Return the units that Whistl had taken out of `available` by then, and those gone of them.

    What it has given back is not among them, whatever became of the order since.
    """
    left = min(int(row.despatched), row.quantity)
    if row.given_back_at is not None and row.given_back_at <= taken_at:
        return min(max(left, int(row.gone)) + int(row.not_found), row.quantity), left
    if row.allocated_at is not None and row.allocated_at < taken_at:
        return int(row.quantity), left
    return max(left, int(row.given_back)), left


def _may_be_taken(row: sa.Row[tuple[object, ...]], taken_at: datetime) -> bool:
    """Say whether Whistl may have had the units by then, though no status says so."""
    if row.given_back_at is not None:
        return True
    is_known = row.allocated_at is not None and row.allocated_at < taken_at
    was_just_sent = row.submitted_at is not None and row.submitted_at > taken_at - _STATUSES_LAG
    return was_just_sent and not is_known
