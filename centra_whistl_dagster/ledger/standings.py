"""Where the units of each open order line are: what the stock sum needs to know of our orders.

Belongs here: the one query that answers it. Does not belong here: what it means for stock, which is
`domain.availability`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.ledger.despatches import ParcelState
from centra_whistl_dagster.ledger.tables import order_lines, orders, parcel_lines, parcels

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
_COUNTS_AS_COMPLETED = [ParcelState.COMPLETED, ParcelState.SENDING, ParcelState.IN_DOUBT]
"""Also while the answer is out: too low for a minute is mended, too high is sold."""


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


def of_open_lines(tx: sa.Connection, *, taken_at: datetime) -> list[LineUnits]:
    """Return the standing of every line that can still move stock after `taken_at`.

    An order wholly known to Centra that Whistl had taken before `taken_at` moves nothing any more.
    """
    shipped = _shipped(taken_at)
    may_move = sa.or_(
        orders.c.state.not_in([OrderState.COMPLETED, OrderState.CANCELLED]),
        sa.and_(
            orders.c.state == OrderState.COMPLETED,
            sa.or_(orders.c.allocated_at.is_(None), orders.c.allocated_at >= taken_at),
        ),
    )
    query = (
        sa.select(
            order_lines.c.sku,
            order_lines.c.quantity,
            orders.c.state,
            orders.c.cancel_wanted_at,
            orders.c.allocated_at,
            sa.func.coalesce(shipped.c.completed, 0).label("completed"),
            sa.func.coalesce(shipped.c.despatched, 0).label("despatched"),
        )
        .join(orders, orders.c.centra_id == order_lines.c.centra_id)
        .outerjoin(
            shipped,
            sa.and_(
                shipped.c.centra_id == order_lines.c.centra_id,
                shipped.c.line_number == order_lines.c.line_number,
            ),
        )
        .where(may_move)
    )
    return [_units(row, taken_at) for row in tx.execute(query)]


def _shipped(taken_at: datetime) -> sa.Subquery:
    in_parcel = sa.and_(
        parcels.c.despatch_id == parcel_lines.c.despatch_id,
        parcels.c.parcel_number == parcel_lines.c.parcel_number,
    )
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
        .join(parcels, in_parcel)
        .group_by(parcels.c.centra_id, parcel_lines.c.line_number)
        .subquery()
    )


def _units(row: sa.Row[tuple[object, ...]], taken_at: datetime) -> LineUnits:
    was_taken = row.allocated_at is not None and row.allocated_at < taken_at
    return LineUnits(
        sku=row.sku,
        wanted=0 if row.cancel_wanted_at is not None else row.quantity,
        completed=int(row.completed),
        sent=row.quantity if row.state in _TOLD else 0,
        taken=row.quantity if was_taken else 0,
        despatched=int(row.despatched) if was_taken else 0,
        is_blocked=row.state in {OrderState.BLOCKED, OrderState.WAITING},
    )
