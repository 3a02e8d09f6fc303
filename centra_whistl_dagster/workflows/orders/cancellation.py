"""Ask Whistl to stop orders that were cancelled in Centra after they were sent."""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.states import OrderState, may_follow
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import exceptions, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, Refused
from centra_whistl_dagster.whistl.client import CancelAnswer
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.readings import apply_reading

_ASK_AGAIN = timedelta(minutes=1)


def pass_on_cancellations(link: Link) -> Tally:
    """Pass each cancellation on to Whistl; where it is too late, alert the owner.

    Each order is read once more from Centra just before: one that was resumed is not stopped.

    Raises:
        IntegrationError: Centra could not be asked; the orders not reached yet are tried next time.
    """
    with link.ledger.reading() as tx:
        rows = orders.to_be_cancelled(tx)
    tally = Tally(read=len(rows))
    for row in rows:
        tally.add(_pass_on(link, row))
    return tally


def _pass_on(link: Link, row: OrderRow) -> Fate:
    if not _is_still_wanted(link, row):
        return Skipped("resumed in Centra")
    try:
        answer = link.whistl.cancel_order(row.whistl_number, "cancelled in Centra")
    except IntegrationError as error:
        with link.ledger.transaction() as tx:
            if _is_too_late(error):
                _alert(tx, row, "Whistl cannot stop it any more: it will be delivered")
                return Failed("too late")
            orders.update(tx, [row.centra_id], due_at=tx.now + _ASK_AGAIN)
        return Failed("Whistl does not answer")
    _settle(link, row, answer)
    return Fate.WRITTEN


def _is_still_wanted(link: Link, row: OrderRow) -> bool:
    """Read an order once more; one that Centra does not show any more stays cancelled."""
    current = link.centra.orders([row.centra_id])
    with link.ledger.transaction() as tx:
        for order in current:
            apply_reading(tx, link, order)
        fresh = orders.find(tx, row.centra_id)
        return fresh is not None and fresh.cancel_wanted_at is not None


def _is_too_late(error: IntegrationError) -> bool:
    """Whistl may also refuse our token, or not show yet an order it has: both pass."""
    if isinstance(error, AccessDenied) or not isinstance(error, Refused):
        return False
    return error.code != "not_found"


def _settle(link: Link, row: OrderRow, answer: CancelAnswer) -> None:
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        if fresh is None or fresh.state is OrderState.CANCELLED:
            return
        if not answer.is_cancelled:
            # Being picked: Whistl will say later whether it could be stopped.
            orders.update(tx, [row.centra_id], due_at=None)
        elif may_follow(fresh.state, OrderState.CANCELLED):
            reason = "Whistl stopped it"
            orders.move(
                tx, fresh, OrderState.CANCELLED, reason=reason, cancelled_at=tx.now, due_at=None
            )
        else:
            _alert(tx, row, "a part of it had left before Whistl stopped the rest")


def _alert(tx: Transaction, row: OrderRow, what: str) -> None:
    """Alert the owner that the customer will get what was cancelled, and ask Whistl no more."""
    orders.update(tx, [row.centra_id], due_at=None)
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.CANCELLED_AFTER_SENDING,
        f"Order {row.number} was cancelled in Centra, but {what} ({row.whistl_number}).",
        value=row.whistl_status or "",
    )
