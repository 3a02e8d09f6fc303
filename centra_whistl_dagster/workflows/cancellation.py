"""Ask Whistl to stop orders that Centra cancelled after they were sent."""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.domain.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.engine import Row
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, Refused
from centra_whistl_dagster.whistl.client import CancelAnswer
from centra_whistl_dagster.workflows.link import Link

_ASK_AGAIN = timedelta(minutes=1)


def pass_on_cancellations(link: Link) -> Tally:
    """Tell Whistl of each order that Centra cancelled; where it is too late, tell the owner."""
    with link.ledger.reading() as tx:
        rows = orders.to_be_cancelled(tx, due_by=link.now())
    tally = Tally(read=len(rows))
    for row in rows:
        try:
            answer = link.whistl.cancel_order(row.whistl_number, "cancelled in Centra")
        except IntegrationError as error:
            if _is_too_late(error):
                _too_late(link, row)
                tally.failed["too late"] += 1
                continue
            with link.ledger.transaction() as tx:
                orders.update(tx, [row.centra_id], due_at=link.now() + _ASK_AGAIN)
            tally.failed["whistl not answering"] += 1
        else:
            _settle(link, row, answer)
            tally.written += 1
    return tally


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
        if answer.is_cancelled:
            reason = "Whistl stopped it"
            orders.move(
                tx,
                fresh,
                OrderState.CANCELLED,
                reason=reason,
                now=now,
                cancelled_at=now,
                due_at=None,
            )
        else:
            # Being picked: Whistl will say later whether it could be stopped.
            orders.update(tx, [row.centra_id], due_at=None)


def _too_late(link: Link, row: Row) -> None:
    problem = Problem(
        kind=ExceptionKind.CANCELLED_AFTER_SENDING,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="status",
        value=row.whistl_status or "",
        message=(
            f"Order {row.number} was cancelled in Centra, but Whistl cannot stop it any more "
            f"({row.whistl_number}). It will be delivered."
        ),
    )
    with link.ledger.transaction() as tx:
        orders.update(tx, [row.centra_id], due_at=None)
        link.raise_exceptions(tx, [problem])
