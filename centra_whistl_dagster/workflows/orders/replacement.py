"""Send an order again under its next number, once Whistl has stopped the one it had.

No two numbers of an order are ever meant to leave: the new one is given only when Whistl shows the
old one as ended, with nothing of it despatched.
"""

from __future__ import annotations

from datetime import datetime

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem
from centra_whistl_dagster.domain.orders.changes_after_sending import KINDS, StopReason
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.domain.orders.whistl_numbers import renumbered
from centra_whistl_dagster.ledger import (
    despatches,
    exceptions,
    former_numbers,
    order_contents,
    orders,
)
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.workflows.link import Installation

_GOES_BACK_TO = {
    StopReason.PAUSED: OrderState.WAITING,
    StopReason.EDITED: OrderState.RECEIVED,
    StopReason.BY_HAND: OrderState.RECEIVED,
    StopReason.SENT_ALREADY: OrderState.BLOCKED,
}
_OVER_ONCE_STOPPED = (
    *KINDS,
    ExceptionKind.CANCELLED_AT_WHISTL,
    ExceptionKind.REJECTED_LATE,
    ExceptionKind.SHORT_PICK,
    ExceptionKind.HELD_AT_WHISTL,
)
"""What was true of the number that Whistl has ended, and is not of the order."""
AT_WHISTL_WHOLE = frozenset({OrderState.SENDING, OrderState.IN_DOUBT, OrderState.SUBMITTED})
"""States in which Whistl has an order, or may have it, and nothing of it has left."""


def next_number(tx: Transaction, row: OrderRow) -> str:
    """Return the number under which an order would be sent after its present one."""
    former = former_numbers.of_order(tx, row.centra_id)
    first = former[0].whistl_number if former else row.whistl_number
    return renumbered(first, len(former) + 1)


def can_renumber(tx: Transaction, link: Installation, row: OrderRow) -> bool:
    """Say whether Whistl's limit leaves room for the order's next number."""
    return len(next_number(tx, row)) <= link.configuration.screening.order_number_characters


def has_left(tx: Transaction, row: OrderRow) -> bool:
    """Say whether anything of an order has left, as far as messages and Whistl's views show."""
    return (
        row.state is OrderState.PART_DESPATCHED
        or row.despatched_at is not None
        or any(line.gone for line in order_contents.lines(tx, row.centra_id))
        or any(despatches.units_shipped_by_line(tx, row.centra_id).values())
    )


def settle_stopped(tx: Transaction, row: OrderRow) -> None:
    """End an order that Whistl has stopped because it was asked to, or bring it back to be sent."""
    if row.stop_for is StopReason.CANCELLED or row.cancel_wanted_at is not None:
        orders.move(
            tx,
            row,
            OrderState.CANCELLED,
            reason="Whistl stopped it",
            cancelled_at=tx.now,
            due_at=None,
            stop_for=None,
            stop_due_at=None,
            stop_asked_at=None,
        )
        exceptions.resolve_order(tx, row.number, _OVER_ONCE_STOPPED)
        return
    # Asked for and taken back while Whistl was still trying: it is screened and sent once more.
    to = _GOES_BACK_TO.get(row.stop_for or StopReason.EDITED, OrderState.RECEIVED)
    send_again(tx, row, to, ended_at=tx.now)


def send_again(tx: Transaction, row: OrderRow, to: OrderState, *, ended_at: datetime) -> None:
    """Bring an order that Whistl has ended back to `to`, to be sent under its next number.

    Args:
        tx: the transaction.
        row: the order's row as read in this transaction.
        to: where it goes: waiting, received or blocked.
        ended_at: when Whistl gave back what it had set aside for it.
    """
    number = next_number(tx, row)
    former_numbers.retire(tx, row, ended_at=min(ended_at, row.given_back_at or ended_at))
    none = {line.line_number: 0 for line in order_contents.lines(tx, row.centra_id)}
    order_contents.note_not_found(tx, row.centra_id, none)
    order_contents.note_gone(tx, row.centra_id, none)
    orders.move(
        tx,
        row,
        to,
        reason=f"Whistl has ended {row.whistl_number}; to be sent as {number}",
        whistl_number=number,
        whistl_order_id=None,
        whistl_status=None,
        whistl_status_version=0,
        submitted_at=None,
        sent_hash=None,
        allocated_at=None,
        given_back_at=None,
        screened_at=None,
        cancelled_at=None,
        cancel_wanted_at=None,
        attempts=0,
        due_at=None,
        stop_for=None,
        stop_due_at=None,
        stop_asked_at=None,
        stop_attempts=0,
        despatch_awaited_since=None,
    )
    exceptions.resolve_order(tx, row.number, _OVER_ONCE_STOPPED)


def note_former_number_active(tx: Transaction, row: OrderRow, former: str, what: str) -> None:
    """Alert the owner that Whistl goes on with a number it had ended, and stop the present one."""
    exceptions.open_or_refresh(tx, [still_active(row, f"Whistl had ended {former} and {what}.")])
    orders.update(tx, [row.centra_id], former_active_at=row.former_active_at or tx.now)
    if row.state in UNSENT - {OrderState.BLOCKED}:
        reason = f"Whistl goes on with {former}"
        orders.move(tx, row, OrderState.BLOCKED, reason=reason, screened_at=None)
    elif row.state in {*AT_WHISTL_WHOLE, OrderState.PART_DESPATCHED} and row.stop_for is None:
        orders.update(
            tx,
            [row.centra_id],
            stop_for=StopReason.SENT_ALREADY,
            stop_due_at=tx.now,
            stop_attempts=0,
        )


def still_active(
    row: OrderRow, what: str = "Whistl had ended an earlier number of it and goes on with it."
) -> Problem:
    """Return why an order is kept back, or stopped, of which an earlier number goes on."""
    return exceptions.order_problem(
        row.number,
        ExceptionKind.STOPPED_ORDER_SENT,
        f"Order {row.number}: {what} {row.whistl_number} is held back, or stopped if Whistl still "
        "can, so that the goods are not sent twice.",
        field="order_number",
        value=row.whistl_number,
        contents=row.whistl_number,
    )


def number_too_long(row: OrderRow, limit: int) -> Problem:
    """Return why an order cannot be sent under its next number."""
    return exceptions.order_problem(
        row.number,
        ExceptionKind.ORDER_NUMBER_INVALID,
        f"Order {row.number} would be sent again as {row.whistl_number}, which exceeds Whistl's "
        f"{limit} characters. Enter it as a new order and cancel this one.",
        field="order_number",
        value=row.whistl_number,
    )
