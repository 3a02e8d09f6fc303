"""Forget what is personal once it is needed no more. What remains of an order names nobody."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.order_contents import forget
from centra_whistl_dagster.ledger.rows import DespatchRow, OrderRow
from centra_whistl_dagster.ledger.tables import (
    alert_exceptions,
    alerts,
    desk_actions,
    despatches,
    exceptions,
    former_numbers,
    messages,
    order_events,
    order_payloads,
    orders,
    parcels,
    release_requests,
)

_MOST_ORDERS = 2_000
"""Of one call: nobody else writes meanwhile. The next call takes the rest."""
_TRACKING = ("courier_tracking_number", "whistl_tracking_number", "tracking_url")
"""Of each parcel in a message."""


def forget_contents(tx: Transaction, *, ended_before: datetime) -> int:
    """Delete the contents of orders that ended before a moment, and return how many that were.

    So with the bodies of messages that nobody could read or match by then: what is in them is not
    known, and they can be read again from Whistl.
    """
    ended = sa.select(orders.c.centra_id).where(
        orders.c.state.in_(list(FINAL)), orders.c.state_since < ended_before
    )
    tx.execute(
        sa.update(messages)
        .where(messages.c.body.is_not(None), messages.c.received_at < ended_before)
        .values(body=None)
    )
    query = sa.select(order_payloads.c.centra_id).where(order_payloads.c.centra_id.in_(ended))
    return forget(tx, tx.execute(query).scalars().all())


def orders_with_tracking(tx: Transaction, *, ended_before: datetime) -> list[OrderRow]:
    """Return orders that ended before a moment and still have a tracking number, oldest first."""
    has_parcel = sa.exists().where(
        parcels.c.centra_id == orders.c.centra_id, parcels.c.tracking_number != ""
    )
    ended = sa.and_(orders.c.state.in_(list(FINAL)), orders.c.state_since < ended_before)
    query = sa.select(orders).where(ended, has_parcel).order_by(orders.c.state_since)
    return tx.rows(OrderRow, query.limit(_MOST_ORDERS))


def messages_with_tracking(tx: Transaction, *, ended_before: datetime) -> list[DespatchRow]:
    """Return old despatch messages that have a tracking number and are about no order that counts.

    Such as those of another channel, or of an order that never reached us. An order counts until
    it ended before the moment, under its number at Whistl or a former one.
    """
    counts = sa.or_(orders.c.state.not_in(list(FINAL)), orders.c.state_since >= ended_before)
    of_order = sa.exists().where(orders.c.whistl_number == despatches.c.whistl_number, counts)
    of_former_number = sa.exists().where(
        former_numbers.c.whistl_number == despatches.c.whistl_number,
        former_numbers.c.centra_id == orders.c.centra_id,
        counts,
    )
    without_blanks: sa.ColumnElement[str] = despatches.c.body
    for name in _TRACKING:
        without_blanks = sa.func.replace(without_blanks, f'"{name}":""', "")
    has_tracking = sa.or_(
        *(without_blanks.contains(f'"{name}":"', autoescape=True) for name in _TRACKING)
    )
    is_old = despatches.c.received_at < ended_before
    query = sa.select(despatches).where(is_old, ~of_order, ~of_former_number, has_tracking)
    return tx.rows(DespatchRow, query.order_by(despatches.c.received_at).limit(_MOST_ORDERS))


def forget_texts(tx: Transaction, *, before: datetime) -> None:
    """Delete alerts sent before a moment, and empty the texts of what ended before it.

    Those are the texts of exceptions, orders and desk actions. Requests to release a feed that were
    made before it, and that nobody has ended, are deleted.
    """
    is_old = alerts.c.sent_at < before
    links_to_old = alert_exceptions.c.alert_id.in_(sa.select(alerts.c.id).where(is_old))
    tx.execute(sa.delete(alert_exceptions).where(links_to_old))
    tx.execute(sa.delete(alerts).where(is_old))
    tx.execute(sa.delete(release_requests).where(release_requests.c.asked_at < before))
    tx.execute(sa.update(desk_actions).where(desk_actions.c.at < before).values(note=""))
    ended = sa.select(orders.c.centra_id).where(
        orders.c.state.in_(list(FINAL)), orders.c.state_since < before
    )
    has_note = sa.and_(order_events.c.note.is_not(None), order_events.c.centra_id.in_(ended))
    tx.execute(sa.update(order_events).where(has_note).values(note=None))
    is_over = sa.and_(exceptions.c.resolved_at < before, exceptions.c.message != "")
    tx.execute(sa.update(exceptions).where(is_over).values(value="", message="", closed_note=None))
