"""Order rows: taking orders in, moving them from state to state, finding those that are due.

Belongs here: reads and writes of `orders` and `order_events`. Does not belong here: what is in an
order (`order_contents`), and the decision to move one, which is the workflows'.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Unpack

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.orders.order import Order, content_hash
from centra_whistl_dagster.domain.orders.postcodes import UK_COUNTRIES
from centra_whistl_dagster.domain.orders.states import OrderState, may_follow
from centra_whistl_dagster.ledger import order_contents
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow
from centra_whistl_dagster.ledger.tables import exceptions, former_numbers, order_events, orders


class IllegalMove(Exception):
    """An order was asked to go where its state does not lead: a fault here, not in the data."""


def find(tx: Transaction, centra_id: str) -> OrderRow | None:
    """Return one order's row and keep others from moving it until the transaction ends."""
    query = sa.select(orders).where(orders.c.centra_id == centra_id).with_for_update()
    return tx.row(OrderRow, query)


def find_all(tx: Transaction, centra_ids: Collection[str]) -> dict[str, OrderRow]:
    """Return orders' rows by id and keep others from moving them until the transaction ends."""
    found: dict[str, OrderRow] = {}
    for part in parts(centra_ids):
        query = sa.select(orders).where(orders.c.centra_id.in_(part)).with_for_update()
        found |= {row.centra_id: row for row in tx.rows(OrderRow, query)}
    return found


def find_by_whistl_number(tx: Transaction, whistl_number: str) -> OrderRow | None:
    """Return the row of the order that has, or had, that number at Whistl."""
    had_it = sa.select(former_numbers.c.centra_id).where(
        former_numbers.c.whistl_number == whistl_number
    )
    query = sa.select(orders).where(
        sa.or_(orders.c.whistl_number == whistl_number, orders.c.centra_id.in_(had_it))
    )
    return tx.row(OrderRow, query.with_for_update())


def find_by_number(tx: Transaction, number: int) -> OrderRow | None:
    """Return the row of the order with Centra's number."""
    return tx.row(OrderRow, sa.select(orders).where(orders.c.number == number))


def add(
    tx: Transaction,
    order: Order,
    *,
    whistl_number: str,
    state: OrderState,
    reason: str,
) -> None:
    """Take in an order that the ledger has not had."""
    tx.execute(
        sa.insert(orders).values(
            centra_id=order.centra_id,
            number=order.number,
            whistl_number=whistl_number,
            state=state,
            state_since=tx.now,
            first_seen_at=tx.now,
            centra_checked_at=tx.now,
            **_facts(order),
        )
    )
    order_contents.store(tx, order)
    _add_event(
        tx,
        order.centra_id,
        order.number,
        from_state=None,
        to_state=state,
        reason=reason,
    )


def refresh(tx: Transaction, order: Order) -> None:
    """Replace what is known of an order with what Centra says now; its state stays."""
    tx.execute(
        sa.update(orders)
        .where(orders.c.centra_id == order.centra_id)
        .values(centra_checked_at=tx.now, **_facts(order))
    )
    order_contents.store(tx, order)


def note_seen(tx: Transaction, order: Order) -> None:
    """Record that Centra touched an order without changing what the warehouse acts upon."""
    tx.execute(
        sa.update(orders)
        .where(orders.c.centra_id == order.centra_id)
        .values(
            centra_status=order.status,
            centra_updated_at=order.updated_at,
            centra_checked_at=tx.now,
        )
    )


def move(
    tx: Transaction,
    row: OrderRow,
    to: OrderState,
    *,
    reason: str,
    note: str | None = None,
    **change: Unpack[OrderChange],
) -> None:
    """Move an order to another state, and write down why.

    Args:
        tx: the transaction.
        row: the order's row as read in this transaction.
        to: the new state.
        reason: one short sentence, free of personal data: the history holds it.
        note: a person's own words, where a person decided it; they stay in the ledger.
        **change: other columns to set at the same time.

    Raises:
        IllegalMove: the state of the row does not lead to `to`.
    """
    current = row.state
    if not may_follow(current, to):
        raise IllegalMove(f"order {row.number} cannot go from {current} to {to}")
    # Staying put is no move: how long an order has been stuck would be forgotten.
    since = row.state_since if to is current else tx.now
    changed = tx.execute(
        sa.update(orders)
        .where(orders.c.centra_id == row.centra_id, orders.c.state == current)
        .values(state=to, state_since=since, **change)
    )
    if changed.rowcount != 1:
        raise IllegalMove(f"order {row.number} was moved by another process")
    if to is not current:
        _add_event(
            tx,
            row.centra_id,
            row.number,
            from_state=current,
            to_state=to,
            reason=reason,
            note=note,
        )


def note(
    tx: Transaction,
    row: OrderRow,
    reason: str,
    *,
    note: str | None = None,
    state: OrderState | None = None,
) -> None:
    """Write down what was decided about an order that stays in its state, or is in another now."""
    _add_event(
        tx,
        row.centra_id,
        row.number,
        from_state=row.state,
        to_state=state or row.state,
        reason=reason,
        note=note,
    )


def update(tx: Transaction, centra_ids: Collection[str], **change: Unpack[OrderChange]) -> None:
    """Set columns of orders without moving them."""
    for part in parts(centra_ids):
        tx.execute(sa.update(orders).where(orders.c.centra_id.in_(part)).values(**change))


def in_states(
    tx: Transaction,
    states: Iterable[OrderState],
    *,
    are_due: bool = False,
    limit: int | None = None,
) -> list[OrderRow]:
    """Return orders in any of the states, oldest first; with `are_due` only those due by now."""
    query = sa.select(orders).where(orders.c.state.in_(list(states)))
    if are_due:
        query = query.where(is_due(tx))
    return tx.rows(OrderRow, query.order_by(orders.c.ordered_at, orders.c.number).limit(limit))


def blocked_by_screening(tx: Transaction) -> list[OrderRow]:
    """Return blocked orders that another verdict may free; not those that Whistl itself ended."""
    query = sa.select(orders).where(
        orders.c.state == OrderState.BLOCKED, orders.c.screened_at.is_not(None)
    )
    return tx.rows(OrderRow, query.order_by(orders.c.ordered_at))


def unlocked(tx: Transaction, *, are_due: bool = True) -> list[OrderRow]:
    """Return orders that Whistl has and that Centra is to be asked to lock, now or at all."""
    query = sa.select(orders).where(
        orders.c.state.in_([OrderState.SUBMITTED, OrderState.PART_DESPATCHED]),
        orders.c.locked_at.is_(None),
        orders.c.cancel_wanted_at.is_(None),
    )
    if are_due:
        query = query.where(sa.or_(orders.c.lock_due_at.is_(None), orders.c.lock_due_at <= tx.now))
    return tx.rows(OrderRow, query.order_by(orders.c.number))


def awaiting_a_despatch(tx: Transaction, *, since: datetime) -> list[OrderRow]:
    """Return orders whose despatch message has been overdue since then."""
    query = sa.select(orders).where(orders.c.despatch_awaited_since <= since)
    return tx.rows(OrderRow, query.order_by(orders.c.despatch_awaited_since))


def is_due(tx: Transaction) -> sa.ColumnElement[bool]:
    """Return the condition that an order's next step is due by now."""
    return sa.or_(orders.c.due_at.is_(None), orders.c.due_at <= tx.now)


def stamps(tx: Transaction, centra_ids: Collection[str]) -> dict[str, datetime]:
    """Return when Centra last touched each of these orders, as far as the ledger knows."""
    found: dict[str, datetime] = {}
    for part in parts(centra_ids):
        query = sa.select(orders.c.centra_id, orders.c.centra_updated_at).where(
            orders.c.centra_id.in_(part)
        )
        found.update({row.centra_id: row.centra_updated_at for row in tx.execute(query)})
    return found


def ids_with_units_not_found(tx: Transaction) -> set[str]:
    """Return the ids of orders with an open short-pick exception."""
    query = sa.select(exceptions.c.subject).where(
        exceptions.c.kind == ExceptionKind.SHORT_PICK,
        exceptions.c.subject_type == SubjectType.ORDER,
        exceptions.c.resolved_at.is_(None),
    )
    numbers = [int(number) for number in tx.execute(query).scalars() if number.isdigit()]
    found: set[str] = set()
    for part in parts(numbers):
        ids = sa.select(orders.c.centra_id).where(orders.c.number.in_(part))
        found |= set(tx.execute(ids).scalars())
    return found


def counts_by_state(tx: Transaction) -> dict[OrderState, int]:
    """Return how many orders are in each state, zeros included."""
    query = sa.select(orders.c.state, sa.func.count()).group_by(orders.c.state)
    found = {OrderState(state): count for state, count in tx.execute(query).tuples()}
    return {state: found.get(state, 0) for state in OrderState}


def shipping_options_seen(tx: Transaction) -> list[str]:
    """Return the name of every shipping option that an order has had."""
    query = sa.select(orders.c.shipping_option).distinct().where(orders.c.shipping_option != "")
    return list(tx.execute(query.order_by(orders.c.shipping_option)).scalars())


def _facts(order: Order) -> dict[str, Any]:
    return {
        "centra_status": order.status,
        "ordered_at": order.ordered_at,
        "centra_updated_at": order.updated_at,
        "content_hash": content_hash(order),
        "shipping_option": order.shipping_option.name if order.shipping_option else "",
        "country": order.delivery.country if order.delivery else "",
        "postcode_area": _postcode_area(order),
        "currency": order.currency,
        "grand_total": order.grand_total,
    }


def _postcode_area(order: Order) -> str:
    """Return a UK postcode's letters: enough for a map, too little for a person."""
    if order.delivery is None or order.delivery.country not in UK_COUNTRIES:
        return ""
    found = re.match(r"\s*([A-Za-z]{1,2})[0-9]", order.delivery.postcode)
    return found[1].upper() if found else ""


def _add_event(
    tx: Transaction,
    centra_id: str,
    number: int,
    *,
    from_state: OrderState | None,
    to_state: OrderState,
    reason: str,
    note: str | None = None,
) -> None:
    tx.execute(
        sa.insert(order_events).values(
            centra_id=centra_id,
            number=number,
            from_state=from_state,
            to_state=to_state,
            at=tx.now,
            reason=reason,
            note=note,
        )
    )
