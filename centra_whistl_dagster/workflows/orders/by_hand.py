"""What a person decides about one order: it is ours, or it is to be sent again now."""

from __future__ import annotations

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.look_up import settle_found

_TRIED_AGAIN = "tried again by hand"


class CannotDecide(Exception):
    """What was asked for does not fit where the order stands; the message says why."""


def accept_as_ours(link: Link, number: str, *, note: str, who: str) -> str:
    """Take the order that Whistl has under an order's number for that order.

    For an order in doubt whose look-up found other contents, once a person has compared the two.

    Args:
        link: the connection.
        number: Centra's number of the order.
        note: why; kept with the order.
        who: the person's name; kept with the order.

    Returns:
        Whistl's status of the order.

    Raises:
        CannotDecide: the order is not in doubt, or Whistl does not show it.
        IntegrationError: Whistl could not be asked.
    """
    with link.ledger.reading() as tx:
        row = _in_doubt(tx, number)
    there = link.whistl.find_order(row.whistl_number)
    if there is None:
        raise CannotDecide(
            f"Whistl shows no order {row.whistl_number}: there is nothing to accept."
        )
    with link.ledger.transaction() as tx:
        fresh = _in_doubt(tx, number)
        settle_found(tx, fresh, there, accepted_by=f"accepted as ours by {who}")
        reason = "accepted as ours by hand"
        orders.note(tx, fresh, reason, note=f"{who}: {note}", state=OrderState.SUBMITTED)
    return there.status


def retry_now(link: Link, number: str, *, note: str, who: str) -> str:
    """Have an order tried again in the next round, without waiting for its time.

    Args:
        link: the connection.
        number: Centra's number of the order.
        note: why; kept with the order.
        who: the person's name; kept with the order.

    Returns:
        What happens to it next, in words.

    Raises:
        CannotDecide: nothing about the order waits for another try.
    """
    with link.ledger.transaction() as tx:
        row = _known(tx, number)
        kept = f"{who}: {note}"
        if row.state is OrderState.BLOCKED and row.screened_at is not None:
            screen_again(tx, row, note=kept)
            return "it is screened again and, if nothing is wrong with it, sent"
        if row.state in {OrderState.READY, OrderState.IN_DOUBT} and row.due_at is not None:
            try_now(tx, row, note=kept)
            return "it is sent" if row.state is OrderState.READY else "it is looked up at Whistl"
    raise CannotDecide(_why_not(row))


def screen_again(tx: Transaction, row: OrderRow, *, note: str) -> None:
    """Have a blocked order screened in the next round.

    Never sent straight to Whistl: screening may have blocked it since Whistl refused it.
    """
    to = OrderState.RECEIVED
    orders.move(tx, row, to, reason=_TRIED_AGAIN, note=note, due_at=None, attempts=0)


def try_now(tx: Transaction, row: OrderRow, *, note: str) -> None:
    """Have the next step of an order taken in the next round, without waiting for its time."""
    orders.update(tx, [row.centra_id], due_at=tx.now)
    orders.note(tx, row, _TRIED_AGAIN, note=note)


def _why_not(row: OrderRow) -> str:
    if row.state is OrderState.BLOCKED:
        return (
            f"Order {row.number} is blocked for a reason that another try does not remove: see "
            "centra-whistl exceptions."
        )
    return f"Order {row.number} is {row.state}: nothing about it waits for another try."


def _known(tx: Transaction, number: str) -> OrderRow:
    digits = number.strip()
    row = (
        orders.find_by_number(tx, int(digits)) if digits.isascii() and digits.isdecimal() else None
    )
    if row is None:
        raise CannotDecide(
            f"No order {digits or number!r} is known here. Give Centra's order number."
        )
    return row


def _in_doubt(tx: Transaction, number: str) -> OrderRow:
    row = _known(tx, number)
    if row.state is not OrderState.IN_DOUBT:
        raise CannotDecide(
            f"Order {row.number} is {row.state}, not in doubt: nothing is to accept."
        )
    return row
