"""What the ledger remembers of one order, for the person who asks what became of it."""

from __future__ import annotations

import re
from collections.abc import Collection

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.ledger import desk_actions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import (
    AlertRow,
    DeskActionRow,
    ExceptionRow,
    OrderEventRow,
    OrderRow,
)
from centra_whistl_dagster.ledger.states import DeskSubject
from centra_whistl_dagster.ledger.tables import (
    alerts,
    exception_orders,
    exceptions,
    former_numbers,
    order_events,
    parcels,
)


def whistl_numbers(tx: Transaction, row: OrderRow) -> list[str]:
    """Return every number that an order has had at Whistl, the present one last."""
    former = sa.select(former_numbers.c.whistl_number).where(
        former_numbers.c.centra_id == row.centra_id
    )
    return [*tx.execute(former).scalars(), row.whistl_number]


def all_numbers(tx: Transaction, row: OrderRow) -> list[str]:
    """Return an order's number in Centra, and every one at Whistl."""
    return [str(row.number), *whistl_numbers(tx, row)]


def events(tx: Transaction, centra_id: str) -> list[OrderEventRow]:
    """Return every move of an order, oldest first."""
    query = sa.select(order_events).where(order_events.c.centra_id == centra_id)
    return tx.rows(OrderEventRow, query.order_by(order_events.c.id))


def exceptions_of(tx: Transaction, row: OrderRow) -> list[ExceptionRow]:
    """Return every exception about an order, its contents or its parcels, oldest first."""
    of_order = sa.and_(
        exceptions.c.subject_type == SubjectType.ORDER, exceptions.c.subject == str(row.number)
    )
    is_linked = exceptions.c.id.in_(
        sa.select(exception_orders.c.exception_id).where(
            exception_orders.c.centra_id == row.centra_id
        )
    )
    of_parcels = sa.and_(
        exceptions.c.subject_type == SubjectType.DESPATCH,
        exceptions.c.subject.in_(
            sa.select(parcels.c.despatch_id).where(parcels.c.centra_id == row.centra_id)
        ),
    )
    query = sa.select(exceptions).where(sa.or_(of_order, is_linked, of_parcels))
    return tx.rows(ExceptionRow, query.order_by(exceptions.c.opened_at, exceptions.c.id))


def desk_actions_about(tx: Transaction, row: OrderRow) -> list[DeskActionRow]:
    """Return what people did at the desk about an order's exceptions."""
    ids = [str(each.id) for each in exceptions_of(tx, row)]
    done = desk_actions.about(tx, DeskSubject.EXCEPTION, ids)
    return sorted((each for rows in done.values() for each in rows), key=lambda each: each.id)


def alerts_about(tx: Transaction, row: OrderRow) -> list[AlertRow]:
    """Return the alerts that name an order, oldest first."""
    query = sa.select(alerts).where(alerts.c.body.contains(str(row.number)))
    rows = tx.rows(AlertRow, query.order_by(alerts.c.id))
    numbers = all_numbers(tx, row)
    return [alert for alert in rows if names_order(alert.body, numbers)]


def names_order(text: str, numbers: Collection[str]) -> bool:
    """Say whether a text names an order by one of its numbers.

    The same digits within a longer number, such as a tracking number, are about somebody else.
    Whistl's number is more than Centra's with a letter before it: its prefix may end in a digit.
    """
    any_number = "|".join(re.escape(number) for number in numbers)
    return re.search(rf"(?<!\d)(?:{any_number})(?!\d)", text) is not None
