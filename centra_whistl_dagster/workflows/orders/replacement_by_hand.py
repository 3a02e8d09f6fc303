"""Send an order again under its next number because a person has decided so."""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.changes_after_sending import StopReason
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED
from centra_whistl_dagster.ledger import exceptions, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.replacement import (
    AT_WHISTL_WHOLE,
    can_renumber,
    has_left,
    next_number,
    send_again,
)


class CannotReplace(Exception):
    """The order cannot be sent again; the message says why and what can be done."""


def replace_by_hand(link: Link, number: int) -> str:
    """Send an order again under its next number, because a person has decided so.

    Returns:
        what happens next, in one sentence.

    Raises:
        CannotReplace: there is no such order, it has left, or its next number would be too long.
    """
    with link.ledger.transaction() as tx:
        row = orders.find_by_number(tx, number)
        if row is None:
            raise CannotReplace(f"The ledger has no order {number}.")
        if row.state in UNSENT and row.submitted_at is None:
            return _let_go(tx, row)
        if not can_renumber(tx, link, row):
            raise CannotReplace(
                f"{next_number(tx, row)} exceeds Whistl's limit. Enter order {number} anew."
            )
        new = next_number(tx, row)
        if row.state in {OrderState.BLOCKED, OrderState.CANCELLED}:
            if has_left(tx, row):
                raise CannotReplace(f"A part of order {number} has left. Enter the rest anew.")
            if row.whistl_status not in STOPPED:
                raise CannotReplace(f"Whistl does not show {row.whistl_number} as ended yet.")
            orders.note(tx, row, "to be sent again, decided by hand")
            send_again(tx, row, OrderState.RECEIVED, ended_at=row.cancelled_at or row.state_since)
            return f"Order {number} is checked and sent to Whistl as {new}."
        if row.state not in AT_WHISTL_WHOLE:
            raise CannotReplace(f"Order {number} has left, at least in part.")
        orders.note(tx, row, "to be stopped and sent again, decided by hand")
        orders.update(
            tx,
            [row.centra_id],
            stop_for=StopReason.BY_HAND,
            stop_due_at=tx.now,
            stop_attempts=0,
        )
        return (
            f"Whistl is asked to stop {row.whistl_number}. Once it has, order {number} is sent as "
            f"{new}."
        )


def _let_go(tx: Transaction, row: OrderRow) -> str:
    """Let go an order that was kept back because Whistl went on with an earlier number."""
    if row.former_active_at is None:
        raise CannotReplace(f"Order {row.number} is not at Whistl: it is {row.state}.")
    orders.update(tx, [row.centra_id], former_active_at=None)
    exceptions.resolve_order(tx, row.number, [ExceptionKind.STOPPED_ORDER_SENT])
    orders.move(tx, row, OrderState.RECEIVED, reason="to be sent all the same, decided by hand")
    return f"Order {row.number} is checked and sent to Whistl as {row.whistl_number}."
