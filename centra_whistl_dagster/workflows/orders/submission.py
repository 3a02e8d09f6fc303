"""Send screened orders to Whistl, each once.

Belongs here: intent, call, settlement. Does not belong here: what makes an order fit to be sent
(`workflows.orders.screening`), what the request looks like (`whistl.mapping`), and what became of
an order whose answer was lost (`workflows.orders.look_up`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any

from centra_whistl_dagster.domain.exceptions.endings import PROVED_OVER_BY_ACCEPTANCE
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem
from centra_whistl_dagster.domain.orders.order import Order, content_hash
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import exceptions, order_contents, orders, submissions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.transport import (
    AccessDenied,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Reason,
    Refused,
    Throttled,
)
from centra_whistl_dagster.whistl.client import Acceptance, WhistlOrderView
from centra_whistl_dagster.whistl.mapping import payload_hash
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.readings import apply_reading, may_be_sent

CLAIM_LASTS = timedelta(seconds=90)
"""Longer than any call may take: an intent still open after this belongs to a process that died."""

_READ_AGAIN_TOGETHER = 20
"""Orders read again at once: with many, the last are sent minutes after Centra was asked."""

_LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One order that this process, and no other, is sending."""

    row: OrderRow
    intent_id: int
    body: dict[str, Any]
    payload_hash: str

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt with the same contents."""
        return f"{self.row.whistl_number}-{self.payload_hash[:24]}"


def submit_ready_orders(link: Link, *, at_most: int = 500) -> Tally:
    """Send orders that are ready, oldest first, a few at a time.

    Each order is read once more from Centra just before: one that was held, cancelled or changed
    since it was screened goes back instead of out.

    Raises:
        IntegrationError: Centra could not be asked; nothing was sent.
    """
    with link.ledger.reading() as tx:
        rows = orders.in_states(tx, [OrderState.READY], are_due=True, limit=at_most)
    tally = Tally(read=len(rows))
    whistl_is_gone = Event()

    def send(row: OrderRow, order: Order | None) -> Fate:
        if whistl_is_gone.is_set():
            return Skipped("Whistl does not answer")
        claim = _claim(link, row, order)
        if claim is None:
            return Skipped("changed since it was screened")
        outcome = _send(link, claim, whistl_is_gone)
        return Fate.WRITTEN if outcome is SubmissionOutcome.ACCEPTED else Failed(outcome)

    with ThreadPoolExecutor(link.settings.parallel_calls) as pool:
        for start in range(0, len(rows), _READ_AGAIN_TOGETHER):
            part = rows[start : start + _READ_AGAIN_TOGETHER]
            ids = [] if whistl_is_gone.is_set() else [row.centra_id for row in part]
            current = {order.centra_id: order for order in link.centra.orders(ids)}
            for fate in pool.map(send, part, [current.get(row.centra_id) for row in part]):
                tally.add(fate)
    return tally


def _claim(link: Link, row: OrderRow, order: Order | None) -> _Claim | None:
    """Write the intent to send an order, or send it back when it is no longer what was screened."""
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        if fresh is None or fresh.state is not OrderState.READY:
            return None
        if order is None:
            reason = "Centra does not show it any more"
            orders.move(tx, fresh, OrderState.WAITING, reason=reason)
            return None
        is_as_screened = content_hash(order) == fresh.content_hash
        if not (is_as_screened and may_be_sent(link, order, fresh)):
            apply_reading(tx, link, order)
            return None
        body = order_contents.outgoing(tx, row.centra_id)
        digest = payload_hash(body)
        orders.move(
            tx,
            fresh,
            OrderState.SENDING,
            reason="being sent",
            due_at=tx.now + CLAIM_LASTS,
            sent_hash=fresh.content_hash,
            # Centra lets it go now: an earlier cancellation has been taken back.
            cancel_wanted_at=None,
        )
        intent_id = submissions.open_intent(
            tx,
            centra_id=row.centra_id,
            whistl_number=row.whistl_number,
            payload_hash=digest,
        )
    return _Claim(row=fresh, intent_id=intent_id, body=body, payload_hash=digest)


def _send(link: Link, claim: _Claim, whistl_is_gone: Event) -> SubmissionOutcome:
    try:
        answer = link.whistl.submit_order(claim.body, idempotency_key=claim.idempotency_key)
    except (NotSent, Throttled, AccessDenied) as error:
        whistl_is_gone.set()
        return _settle_not_sent(link, claim, error)
    except OutcomeUnknown as error:
        return _settle_unknown(link, claim, error.detail)
    except Refused as error:
        return _settle_refused(link, claim, error)
    if answer.is_replayed:
        # It has had the order for longer than we know; the look-up tells what became of it since.
        return _settle_unknown(link, claim, "Whistl had it already")
    with link.ledger.transaction() as tx:
        row = _settle(tx, claim, SubmissionOutcome.ACCEPTED, answer.status)
        if row is not None:
            accept(tx, row, answer)
    return SubmissionOutcome.ACCEPTED


def _settle(
    tx: Transaction, claim: _Claim, outcome: SubmissionOutcome, detail: str
) -> OrderRow | None:
    """Settle an intent; return the order's row, or None when the order does not wait for it.

    An answer may come so late that the order was looked up, has moved on, or was sent again.
    """
    row = orders.find(tx, claim.row.centra_id)
    newest = submissions.latest(tx, claim.row.centra_id)
    if row is None or newest is None:
        raise LookupError(f"order {claim.row.number} vanished from the ledger")
    is_waiting = row.state in {OrderState.SENDING, OrderState.IN_DOUBT}
    is_awaited = is_waiting and newest.id == claim.intent_id
    # What a look-up has proved meanwhile says more than that the answer was lost.
    if is_awaited or outcome is not SubmissionOutcome.UNKNOWN:
        submissions.settle(tx, claim.intent_id, outcome, detail=detail)
    return row if is_awaited else None


def accept(tx: Transaction, row: OrderRow, answer: Acceptance | WhistlOrderView) -> None:
    """Note that Whistl has an order."""
    orders.move(
        tx,
        row,
        OrderState.SUBMITTED,
        reason="Whistl has it",
        submitted_at=tx.now,
        whistl_order_id=answer.whistl_order_id,
        whistl_status=answer.status,
        whistl_status_version=answer.status_version,
        attempts=0,
        # Due at once where Centra cancelled it while it was on its way.
        due_at=tx.now if row.cancel_wanted_at else None,
    )
    exceptions.end_for_order(tx, row, PROVED_OVER_BY_ACCEPTANCE)


def _settle_not_sent(link: Link, claim: _Claim, error: IntegrationError) -> SubmissionOutcome:
    with link.ledger.transaction() as tx:
        row = _settle(tx, claim, SubmissionOutcome.NOT_SENT, error.detail)
        if row is None:
            return SubmissionOutcome.NOT_SENT
        orders.move(
            tx,
            row,
            OrderState.READY,
            reason="not sent: Whistl could not be reached",
            attempts=row.attempts + 1,
            due_at=tx.now + back_off(row.attempts),
        )
    return SubmissionOutcome.NOT_SENT


def _settle_unknown(link: Link, claim: _Claim, detail: str) -> SubmissionOutcome:
    with link.ledger.transaction() as tx:
        row = _settle(tx, claim, SubmissionOutcome.UNKNOWN, detail)
        if row is None:
            return SubmissionOutcome.UNKNOWN
        orders.move(
            tx,
            row,
            OrderState.IN_DOUBT,
            reason="the answer was lost",
            due_at=tx.now + link.settings.look_up_lag,
        )
    return SubmissionOutcome.UNKNOWN


def _settle_refused(link: Link, claim: _Claim, error: Refused) -> SubmissionOutcome:
    if error.code == "duplicate_order":
        # The number is taken: by our own earlier attempt, or by something else. The look-up tells.
        return _settle_unknown(link, claim, error.detail)
    with link.ledger.transaction() as tx:
        row = _settle(tx, claim, SubmissionOutcome.REFUSED, error.code)
        if row is None:
            return SubmissionOutcome.REFUSED
        # What it was screened against stays: only when that changes, or the order itself, is it
        # worth another try.
        orders.move(tx, row, OrderState.BLOCKED, reason="refused by Whistl", due_at=None)
        exceptions.set_for_order(tx, row.centra_id, _refusals(row, error))
    return SubmissionOutcome.REFUSED


def _refusals(row: OrderRow, error: Refused) -> list[Problem]:
    # Whistl's own sentence is left out: it may repeat what the customer typed.
    reasons = error.reasons or (Reason(code=error.code or str(error.status), field="order"),)
    return [
        exceptions.order_problem(
            row.number,
            ExceptionKind.WHISTL_REFUSED,
            f"Whistl refused order {row.number}: {reason}.",
            field=reason.field,
            value=reason.code,
        )
        for reason in reasons
    ]


def back_off(attempts: int) -> timedelta:
    """Return how long to leave an order alone after so many attempts that came to nothing."""
    return min(timedelta(seconds=5 * 2 ** min(attempts, 10)), _LONGEST_WAIT)
