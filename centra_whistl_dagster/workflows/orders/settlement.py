"""What came of an order that was sent to Whistl: its intent is settled, and the order moved.

Does not belong here: the call itself (`workflows.orders.submission`), and what a look-up finds
(`.look_up`).
"""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.endings import PROVED_OVER_BY_ACCEPTANCE
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.refusals import pause_before_retry
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exceptions, orders, submissions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, Refused, Throttled
from centra_whistl_dagster.whistl.client import Acceptance, WhistlOrderView
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.claims import Claim
from centra_whistl_dagster.workflows.orders.gate import Gate
from centra_whistl_dagster.workflows.orders.lag import FIRST_LOOK_UP, look_up_lag, note_shown_late
from centra_whistl_dagster.workflows.orders.outage import note_answered, note_lost, note_not_sent
from centra_whistl_dagster.workflows.orders.statuses import apply_status
from centra_whistl_dagster.workflows.orders.submission_problems import refusals_of

_LONGEST_WAIT = timedelta(minutes=5)


def _settle(
    tx: Transaction, claimed: Claim, outcome: SubmissionOutcome, detail: str
) -> OrderRow | None:
    """Settle an intent; return the order's row, or None when the order does not wait for it.

    An answer may come so late that the order was looked up, has moved on, or was sent again.
    """
    row = orders.find(tx, claimed.row.centra_id)
    newest = submissions.latest(tx, claimed.row.centra_id)
    if row is None or newest is None:
        raise LookupError(f"order {claimed.row.number} vanished from the ledger")
    exceptions.resolve_order(tx, row.number, [ExceptionKind.STEP_FAILING])
    is_waiting = row.state in {OrderState.SENDING, OrderState.IN_DOUBT}
    is_awaited = is_waiting and newest.id == claimed.intent_id
    # What a look-up has proved meanwhile says more than that the answer was lost.
    if is_awaited or outcome is not SubmissionOutcome.UNKNOWN:
        submissions.settle(tx, claimed.intent_id, outcome, detail=detail)
    return row if is_awaited else None


def accept(tx: Transaction, row: OrderRow, answer: Acceptance | WhistlOrderView) -> None:
    """Note that Whistl has an order; in which status, the caller takes over afterwards."""
    orders.move(
        tx,
        row,
        OrderState.SUBMITTED,
        reason="Whistl has it",
        submitted_at=tx.now,
        whistl_order_id=answer.whistl_order_id,
        attempts=0,
        due_at=None,
    )
    exceptions.end_for_order(tx, row, PROVED_OVER_BY_ACCEPTANCE)


def settle_accepted(
    link: Link, gate: Gate, claimed: Claim, answer: Acceptance
) -> SubmissionOutcome:
    """Note that Whistl took an order."""
    with link.ledger.transaction() as tx:
        gate.note(note_answered(tx))
        row = _settle(tx, claimed, SubmissionOutcome.ACCEPTED, answer.status)
        if row is not None:
            accept(tx, row, answer)
            # It may be held or rejected already; the feed does not show that a second time.
            apply_status(tx, row.centra_id, answer)
    return SubmissionOutcome.ACCEPTED


def settle_not_sent(link: Link, claimed: Claim, error: IntegrationError) -> SubmissionOutcome:
    """Make an order ready again that provably never reached Whistl."""
    with link.ledger.transaction() as tx:
        row = _settle(tx, claimed, SubmissionOutcome.NOT_SENT, error.detail)
        if row is not None:
            reason, change = _postponed(tx, row, error)
            orders.move(tx, row, OrderState.READY, reason=reason, **change)
            note_not_sent(tx, error, submissions.not_sent_in_a_row(tx, row.centra_id))
    return SubmissionOutcome.NOT_SENT


def settle_not_called(link: Link, claimed: Claim) -> None:
    """Make an order ready again whose call was not made, for want of the ledger's witness."""
    reason = "not sent: the ledger's witness cannot be used"
    with link.ledger.transaction() as tx:
        row = _settle(tx, claimed, SubmissionOutcome.NOT_SENT, reason)
        if row is not None:
            orders.move(tx, row, OrderState.READY, reason=reason, due_at=None)


def _postponed(tx: Transaction, row: OrderRow, error: IntegrationError) -> tuple[str, OrderChange]:
    """Return why an order was not sent and when it goes; waiting for a quota is no failure."""
    if isinstance(error, Throttled) and error.retry_after_seconds is not None:
        wait = min(timedelta(seconds=error.retry_after_seconds), _LONGEST_WAIT)
        return "not sent: Whistl's limit is reached", OrderChange(due_at=tx.now + wait)
    later = OrderChange(attempts=row.attempts + 1, due_at=tx.now + back_off(row.attempts))
    if isinstance(error, AccessDenied):
        return "not sent: Whistl refuses us access", later
    return "not sent: Whistl could not be reached", later


def settle_unknown(
    link: Link, gate: Gate, claimed: Claim, detail: str, *, is_lost: bool
) -> SubmissionOutcome:
    """Put an order in doubt: the answer was lost, or Whistl has something under its number."""
    with link.ledger.transaction() as tx:
        if is_lost:
            gate.note(note_lost(tx, claimed.row.centra_id))
        else:
            gate.note(note_answered(tx))
            sent = claimed.row
            note_shown_late(tx, submissions.under_number(tx, sent.centra_id, sent.whistl_number))
        row = _settle(tx, claimed, SubmissionOutcome.UNKNOWN, detail)
        if row is not None:
            reason = "the answer was lost" if is_lost else "Whistl has an order with its number"
            # That it is shown proves something at once; that it is not, only after the lag.
            wait = min(FIRST_LOOK_UP, look_up_lag(tx, link)) if is_lost else timedelta(0)
            orders.move(tx, row, OrderState.IN_DOUBT, reason=reason, due_at=tx.now + wait)
    return SubmissionOutcome.UNKNOWN


def settle_refused(link: Link, gate: Gate, claimed: Claim, error: Refused) -> SubmissionOutcome:
    """Block an order that Whistl will not take as it is, and report each reason."""
    with link.ledger.transaction() as tx:
        gate.note(note_answered(tx))
        refused_before = submissions.times_refused(tx, claimed.row.centra_id)
        row = _settle(tx, claimed, SubmissionOutcome.REFUSED, error.code)
        if row is None:
            return SubmissionOutcome.REFUSED
        codes = [reason.code for reason in error.reasons] or [error.code]
        pause = pause_before_retry(codes, refused_before)
        due_at = tx.now + pause if pause else None
        # What it was screened against stays: when that changes, or the order itself, it is screened
        # and tried again.
        orders.move(tx, row, OrderState.BLOCKED, reason="refused by Whistl", due_at=due_at)
        refusals = refusals_of(row, error, due_at)
        exceptions.set_for_order(tx, row.centra_id, [ExceptionKind.WHISTL_REFUSED], refusals)
    return SubmissionOutcome.REFUSED


def back_off(attempts: int) -> timedelta:
    """Return how long to leave an order alone after so many attempts that came to nothing."""
    return min(timedelta(seconds=5 * 2 ** min(attempts, 10)), _LONGEST_WAIT)
