"""Send screened orders to Whistl, each once: intent, call, settlement.

Does not belong here: what makes an order fit to be sent (`workflows.orders.screening`, `.claims`),
and what became of an order whose answer was lost (`.look_up`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.endings import PROVED_OVER_BY_ACCEPTANCE
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.breaker import (
    Breaker,
    BreakerState,
    probe_order,
)
from centra_whistl_dagster.domain.orders.refusals import pause_before_retry
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import breaker as breakers
from centra_whistl_dagster.ledger import exceptions, orders, submissions
from centra_whistl_dagster.ledger.engine import LedgerUnavailable, Transaction
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.witness import WitnessUnusable
from centra_whistl_dagster.transport import (
    AccessDenied,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
)
from centra_whistl_dagster.whistl.client import Acceptance, WhistlOrderView
from centra_whistl_dagster.whistl.refusals import says_number_is_taken
from centra_whistl_dagster.workflows.continuity import about_to_send
from centra_whistl_dagster.workflows.exceptions.step_failures import cause_of
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.claims import Claim, Current, claim, read_again
from centra_whistl_dagster.workflows.orders.gate import SILENT, Gate
from centra_whistl_dagster.workflows.orders.lag import FIRST_LOOK_UP, look_up_lag, note_shown_late
from centra_whistl_dagster.workflows.orders.outage import (
    note_answered,
    note_lost,
    note_not_sent,
    note_silence,
)
from centra_whistl_dagster.workflows.orders.statuses import apply_status
from centra_whistl_dagster.workflows.orders.submission_problems import (
    failure,
    refusals_of,
)

_logger = logging.getLogger(__name__)

PART = 20
"""Orders read again at once: with many, the last are sent minutes after Centra was asked. Also the
most that Whistl has and that are not locked in Centra yet."""
_NEWEST = 100
"""Of a backlog, so many of the newest orders go among the oldest in each round."""
_ROUND_LASTS = timedelta(seconds=120)
"""No part of orders is begun later: cancellations and look-ups wait for the round to end."""
_LONGEST_WAIT = timedelta(minutes=5)
_QUOTA_USED = Skipped("Whistl's limit is reached")
_NO_ACCESS = Skipped("Whistl refuses us access")
_NO_RECORD = Skipped("the ledger or its witness cannot be used")


def submit_ready_orders(
    link: Link, *, at_most: int = 500, after_part: Callable[[], None] = lambda: None
) -> Tally:
    """Send orders that are ready, oldest first with some of the newest among them, a few at a time.

    Each order is read once more from Centra just before. While Whistl does not answer, one order at
    a time is tried, ever more seldom.

    Args:
        link: the connection.
        at_most: orders in one round.
        after_part: called after each few orders, so that what follows an acceptance does not wait
            for the whole round.

    Raises:
        IntegrationError: Centra could not be asked; nothing was sent.
        WitnessUnusable, LedgerUnavailable: nothing more may be sent until a person has acted.
    """
    _free_refused(link)
    with link.ledger.reading() as tx:
        breaker = breakers.read(tx)
        rows = submissions.ready(tx, at_most=at_most, newest=_NEWEST)
        standing = breaker.state(tx.now)
    tally = Tally(read=len(rows))
    if standing is BreakerState.HALF_OPEN:
        rows = _probe(link, breaker, rows)
    elif standing is BreakerState.OPEN:
        rows = []
    tally.add(SILENT, tally.read - len(rows))
    gate = Gate(breaker, at_once=link.settings.parallel_calls)
    ends_at = link.now() + _ROUND_LASTS
    with ThreadPoolExecutor(link.settings.parallel_calls) as pool:
        for start in range(0, len(rows), PART):
            part = rows[start : start + PART]
            if gate.is_shut:
                tally.add(gate.why, len(part))
            elif link.now() > ends_at:
                tally.add(Skipped("left for the next round"), len(part))
            else:
                for fate in pool.map(lambda one: _send(link, gate, one), read_again(link, part)):
                    tally.add(fate)
                after_part()
    return tally


def _free_refused(link: Link) -> None:
    """Make orders ready whose refusal may have passed; exceptions stay until Whistl takes them."""
    with link.ledger.reading() as tx:
        if not submissions.refused_due(tx):
            return
    with link.ledger.transaction() as tx:
        for row in submissions.refused_due(tx):
            reason = "tried again after Whistl refused it"
            orders.move(tx, row, OrderState.READY, reason=reason, due_at=None)


def _probe(link: Link, breaker: Breaker, rows: Sequence[OrderRow]) -> list[OrderRow]:
    """Return the one order to try, if Whistl answers a read; a read puts no order in doubt."""
    row = probe_order(breaker, [(row.centra_id, row) for row in rows])
    if row is None:
        return []
    try:
        link.whistl.find_order(row.whistl_number)
    except IntegrationError:
        with link.ledger.transaction() as tx:
            note_silence(tx)
        return []
    return [row]


def _send(link: Link, gate: Gate, current: Current) -> Fate:
    """Send one order; whatever fails about it must not keep the others back."""
    try:
        return _claimed_and_sent(link, gate, current)
    except (WitnessUnusable, LedgerUnavailable):
        # No fault of this order's: the next would fail alike.
        gate.shut(_NO_RECORD)
        raise
    except Exception as error:  # noqa: BLE001 - reported with the order's number
        # Without the traceback: its last line may quote a record.
        _logger.error("order %s could not be sent: %s", current.row.number, cause_of(error))  # noqa: TRY400
        with link.ledger.transaction() as tx:
            _report_failure(tx, current.row, error)
        return Failed("failed in our own code")


def _report_failure(tx: Transaction, row: OrderRow, error: Exception) -> None:
    """Open the exception that sending an order fails, and leave the order alone for a while.

    One whose intent is written stays as it is: it is looked up once its claim has run out.
    """
    fresh = orders.find(tx, row.centra_id)
    if fresh is not None and fresh.state is OrderState.READY:
        later = OrderChange(attempts=fresh.attempts + 1, due_at=tx.now + back_off(fresh.attempts))
        orders.update(tx, [row.centra_id], **later)
    exceptions.open_or_refresh(tx, [failure(row, error)])


def _claimed_and_sent(link: Link, gate: Gate, current: Current) -> Fate:
    with gate.entered() as may_go:
        if not may_go:
            return gate.why
        claimed = claim(link, current)
        if isinstance(claimed, Skipped):
            return claimed
        try:
            about_to_send(link, claimed.effect)
        except WitnessUnusable:
            _settle_not_called(link, claimed)
            raise
        outcome = _sent(link, gate, claimed)
        return Fate.WRITTEN if outcome is SubmissionOutcome.ACCEPTED else Failed(outcome)


def _sent(link: Link, gate: Gate, claimed: Claim) -> SubmissionOutcome:
    try:
        answer = link.whistl.submit_order(claimed.body, idempotency_key=claimed.idempotency_key)
    except (NotSent, Throttled, AccessDenied) as error:
        gate.shut(_why_shut(error))
        return _settle_not_sent(link, claimed, error)
    except OutcomeUnknown as error:
        return _settle_unknown(link, gate, claimed, error.detail, is_lost=True)
    except Refused as error:
        if says_number_is_taken(error, link.settings.whistl.duplicate_codes):
            # By our own earlier attempt, or by something else. The look-up tells.
            return _settle_unknown(link, gate, claimed, error.detail, is_lost=False)
        return _settle_refused(link, gate, claimed, error)
    if answer.is_replayed:
        # It has had the order for longer than we know; the look-up tells what became of it since.
        return _settle_unknown(link, gate, claimed, "Whistl had it already", is_lost=False)
    with link.ledger.transaction() as tx:
        gate.note(note_answered(tx))
        row = _settle(tx, claimed, SubmissionOutcome.ACCEPTED, answer.status)
        if row is not None:
            accept(tx, row, answer)
            # It may be held or rejected already; the feed does not show that a second time.
            apply_status(tx, row.centra_id, answer)
    return SubmissionOutcome.ACCEPTED


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


def _settle_not_sent(link: Link, claimed: Claim, error: IntegrationError) -> SubmissionOutcome:
    with link.ledger.transaction() as tx:
        row = _settle(tx, claimed, SubmissionOutcome.NOT_SENT, error.detail)
        if row is not None:
            reason, change = _postponed(tx, row, error)
            orders.move(tx, row, OrderState.READY, reason=reason, **change)
            note_not_sent(tx, error, submissions.not_sent_in_a_row(tx, row.centra_id))
    return SubmissionOutcome.NOT_SENT


def _settle_not_called(link: Link, claimed: Claim) -> None:
    reason = "not sent: the ledger's witness cannot be used"
    with link.ledger.transaction() as tx:
        row = _settle(tx, claimed, SubmissionOutcome.NOT_SENT, reason)
        if row is not None:
            orders.move(tx, row, OrderState.READY, reason=reason, due_at=None)


def _why_shut(error: IntegrationError) -> Skipped:
    if isinstance(error, AccessDenied):
        return _NO_ACCESS
    return _QUOTA_USED if isinstance(error, Throttled) else SILENT


def _postponed(tx: Transaction, row: OrderRow, error: IntegrationError) -> tuple[str, OrderChange]:
    """Return why an order was not sent and when it goes; waiting for a quota is no failure."""
    if isinstance(error, Throttled) and error.retry_after_seconds is not None:
        wait = min(timedelta(seconds=error.retry_after_seconds), _LONGEST_WAIT)
        return "not sent: Whistl's limit is reached", OrderChange(due_at=tx.now + wait)
    later = OrderChange(attempts=row.attempts + 1, due_at=tx.now + back_off(row.attempts))
    if isinstance(error, AccessDenied):
        return "not sent: Whistl refuses us access", later
    return "not sent: Whistl could not be reached", later


def _settle_unknown(
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


def _settle_refused(link: Link, gate: Gate, claimed: Claim, error: Refused) -> SubmissionOutcome:
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
