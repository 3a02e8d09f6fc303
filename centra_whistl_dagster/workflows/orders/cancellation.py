"""Ask Whistl to stop orders that Centra cancelled after they were sent."""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.states import OrderState, may_follow
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, Refused
from centra_whistl_dagster.whistl.client import CancelAnswer
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.readings import apply_reading

_ASK_AGAIN = timedelta(minutes=1)


def pass_on_cancellations(link: Link) -> Tally:
    """Tell Whistl of each order that Centra cancelled; where it is too late, tell the owner.

    Each is read once more from Centra just before: one that was resumed is not stopped.

    Raises:
        IntegrationError: Centra could not be asked; the orders not reached yet are tried next time.
    """
    with link.ledger.reading() as tx:
        rows = orders.to_be_cancelled(tx, due_by=link.now())
    tally = Tally(read=len(rows))
    for row in rows:
        if not _is_still_wanted(link, row):
            tally.skipped["resumed in Centra"] += 1
            continue
        try:
            answer = link.whistl.cancel_order(row.whistl_number, "cancelled in Centra")
        except IntegrationError as error:
            if _is_too_late(error):
                with link.ledger.transaction() as tx:
                    _tell(tx, link, row, "Whistl cannot stop it any more: it will be delivered")
                tally.failed["too late"] += 1
                continue
            with link.ledger.transaction() as tx:
                orders.update(tx, [row.centra_id], due_at=link.now() + _ASK_AGAIN)
            tally.failed["whistl not answering"] += 1
        else:
            _settle(link, row, answer)
            tally.written += 1
    return tally


def _is_still_wanted(link: Link, row: Row) -> bool:
    """Read an order once more; one that Centra does not show any more stays cancelled."""
    current = link.centra.orders([row.centra_id])
    with link.ledger.transaction() as tx:
        for order in current:
            apply_reading(tx, link, order)
        fresh = orders.find(tx, row.centra_id)
        return fresh is not None and fresh.cancel_wanted_at is not None


def _is_too_late(error: IntegrationError) -> bool:
    """Whistl may also say no to us, or not show yet an order it has: both pass."""
    if isinstance(error, AccessDenied) or not isinstance(error, Refused):
        return False
    return error.code != "not_found"


def _settle(link: Link, row: Row, answer: CancelAnswer) -> None:
    now = link.now()
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        if fresh is None or fresh.state == OrderState.CANCELLED:
            return
        if not answer.is_cancelled:
            # Being picked: Whistl will say later whether it could be stopped.
            orders.update(tx, [row.centra_id], due_at=None)
        elif may_follow(OrderState(fresh.state), OrderState.CANCELLED):
            orders.move(
                tx,
                fresh,
                OrderState.CANCELLED,
                reason="Whistl stopped it",
                now=now,
                cancelled_at=now,
                due_at=None,
            )
        else:
            _tell(tx, link, row, "a part of it had left before Whistl stopped the rest")


def _tell(tx: Transaction, link: Link, row: Row, what: str) -> None:
    """Tell the owner that customers will get what they cancelled, and ask Whistl no more."""
    problem = Problem(
        kind=ExceptionKind.CANCELLED_AFTER_SENDING,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="status",
        value=row.whistl_status or "",
        message=f"Order {row.number} was cancelled in Centra, but {what} ({row.whistl_number}).",
    )
    orders.update(tx, [row.centra_id], due_at=None)
    link.raise_exceptions(tx, [problem])
