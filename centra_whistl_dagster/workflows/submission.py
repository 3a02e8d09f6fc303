"""Send screened orders to Whistl, each once, and find out what became of lost answers.

Belongs here: intent, call, settlement, look-up. Does not belong here: what makes an order fit to be
sent (`workflows.screening`) and what the request looks like (`whistl.mapping`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from centra_whistl_dagster.domain.orders import Order, Permission, content_hash, permission
from centra_whistl_dagster.domain.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import exceptions, orders, submissions
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.ledger.submissions import Outcome
from centra_whistl_dagster.transport import (
    AccessDenied,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
)
from centra_whistl_dagster.whistl.client import Acceptance, WhistlOrderView
from centra_whistl_dagster.whistl.mapping import payload_hash
from centra_whistl_dagster.workflows.intake import apply_reading
from centra_whistl_dagster.workflows.link import Link

CLAIM_LASTS = timedelta(seconds=90)
"""Longer than any call may take: an intent still open after this belongs to a process that died."""

_LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One order that this process, and no other, is sending."""

    row: Row
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
        rows = orders.in_states(tx, [OrderState.READY], due_by=link.now(), limit=at_most)
    tally = Tally(read=len(rows))
    if not rows:
        return tally
    current = {order.centra_id: order for order in link.centra.orders([r.centra_id for r in rows])}
    whistl_is_gone = Event()

    def send(row: Row) -> str:
        if whistl_is_gone.is_set():
            return "whistl not answering"
        claim = _claim(link, row, current.get(row.centra_id))
        return _send(link, claim, whistl_is_gone) if claim else "changed since it was screened"

    with ThreadPoolExecutor(link.settings.parallel_calls) as pool:
        for fate in pool.map(send, rows):
            if fate == Outcome.ACCEPTED:
                tally.written += 1
            elif fate in set(Outcome):
                tally.failed[fate] += 1
            else:
                tally.skipped[fate] += 1
    return tally


def resolve_orders_in_doubt(link: Link) -> Tally:
    """Look up, by order number, each order whose answer was lost; send nothing."""
    now = link.now()
    with link.ledger.transaction() as tx:
        for row in orders.in_states(tx, [OrderState.SENDING], due_by=now):
            reason = "the process that was sending it stopped"
            orders.move(tx, row, OrderState.IN_DOUBT, reason=reason, now=now, due_at=now)
    with link.ledger.reading() as tx:
        rows = orders.in_states(tx, [OrderState.IN_DOUBT], due_by=now)
    tally = Tally(read=len(rows))
    for row in rows:
        fate = _look_up(link, row)
        if fate in {Outcome.FOUND, Outcome.ABSENT}:
            tally.written += 1
        elif fate is None:
            tally.unchanged += 1
        else:
            tally.failed[fate] += 1
    return tally


def lock_accepted_orders(link: Link) -> Tally:
    """Lock in Centra, in one batch, the orders Whistl has, so that nobody edits them unseen."""
    with link.ledger.reading() as tx:
        rows = orders.unlocked(tx, due_by=link.now())
    tally = Tally(read=len(rows))
    if not rows:
        return tally
    ids = [row.centra_id for row in rows]
    link.centra.lock_orders(ids)
    with link.ledger.transaction() as tx:
        orders.update(tx, ids, locked_at=link.now())
    tally.written = len(rows)
    return tally


def _claim(link: Link, row: Row, order: Order | None) -> _Claim | None:
    """Write the intent to send an order, or send it back when it is no longer what was screened."""
    now = link.now()
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        if fresh is None or fresh.state != OrderState.READY:
            return None
        if order is None:
            reason = "Centra does not show it any more"
            orders.move(tx, fresh, OrderState.WAITING, reason=reason, now=now)
            return None
        is_as_screened = content_hash(order) == fresh.content_hash
        if permission(order) is not Permission.MAY_BE_SENT or not is_as_screened:
            apply_reading(tx, link, order)
            return None
        body = orders.outgoing(tx, row.centra_id)
        digest = payload_hash(body)
        orders.move(
            tx,
            fresh,
            OrderState.SENDING,
            reason="being sent",
            now=now,
            due_at=now + CLAIM_LASTS,
            sent_hash=fresh.content_hash,
        )
        intent_id = submissions.open_intent(
            tx,
            centra_id=row.centra_id,
            whistl_number=row.whistl_number,
            payload_hash=digest,
            now=now,
        )
    return _Claim(row=fresh, intent_id=intent_id, body=body, payload_hash=digest)


def _send(link: Link, claim: _Claim, whistl_is_gone: Event) -> Outcome:
    try:
        answer = link.whistl.submit_order(claim.body, idempotency_key=claim.idempotency_key)
    except (NotSent, Throttled, AccessDenied) as error:
        whistl_is_gone.set()
        return _settle_not_sent(link, claim, error)
    except OutcomeUnknown as error:
        return _settle_unknown(link, claim, error)
    except Refused as error:
        return _settle_refused(link, claim, error)
    with link.ledger.transaction() as tx:
        row = _sending_row(tx, claim)
        _accept(tx, link, row, answer)
        submissions.settle(
            tx, claim.intent_id, Outcome.ACCEPTED, detail=answer.status, now=link.now()
        )
    return Outcome.ACCEPTED


def _sending_row(tx: Transaction, claim: _Claim) -> Row:
    row = orders.find(tx, claim.row.centra_id)
    if row is None:
        raise LookupError(f"order {claim.row.number} vanished from the ledger")
    return row


def _accept(tx: Transaction, link: Link, row: Row, answer: Acceptance | WhistlOrderView) -> None:
    now = link.now()
    orders.move(
        tx,
        row,
        OrderState.SUBMITTED,
        reason="Whistl has it",
        now=now,
        submitted_at=now,
        whistl_order_id=answer.whistl_order_id,
        whistl_status=answer.status,
        whistl_status_version=answer.status_version,
        attempts=0,
        # Due at once where Centra cancelled it while it was on its way.
        due_at=now if row.cancel_wanted_at else None,
    )
    subject = str(row.number)
    exceptions.resolve(tx, SubjectType.ORDER, subject, now=now)
    link.set_exceptions_of_order(tx, row.centra_id, [])
    if row.sent_hash != row.content_hash:
        link.raise_exceptions(
            tx,
            [
                Problem(
                    kind=ExceptionKind.EDITED_AFTER_SENDING,
                    subject_type=SubjectType.ORDER,
                    subject=subject,
                    field="order",
                    value="",
                    message=f"Order {row.number} was changed in Centra while it was being sent.",
                )
            ],
        )


def _settle_not_sent(link: Link, claim: _Claim, error: IntegrationError) -> Outcome:
    now = link.now()
    with link.ledger.transaction() as tx:
        row = _sending_row(tx, claim)
        orders.move(
            tx,
            row,
            OrderState.READY,
            reason="not sent: Whistl could not be reached",
            now=now,
            attempts=row.attempts + 1,
            due_at=now + _back_off(row.attempts),
        )
        submissions.settle(tx, claim.intent_id, Outcome.NOT_SENT, detail=error.detail, now=now)
    return Outcome.NOT_SENT


def _settle_unknown(link: Link, claim: _Claim, error: IntegrationError) -> Outcome:
    now = link.now()
    with link.ledger.transaction() as tx:
        row = _sending_row(tx, claim)
        orders.move(
            tx,
            row,
            OrderState.IN_DOUBT,
            reason="the answer was lost",
            now=now,
            due_at=now + link.settings.look_up_lag,
        )
        submissions.settle(tx, claim.intent_id, Outcome.UNKNOWN, detail=error.detail, now=now)
    return Outcome.UNKNOWN


def _settle_refused(link: Link, claim: _Claim, error: Refused) -> Outcome:
    now = link.now()
    if error.code == "duplicate_order":
        # The number is taken: by our own earlier attempt, or by something else. The look-up tells.
        return _settle_unknown(link, claim, error)
    with link.ledger.transaction() as tx:
        row = _sending_row(tx, claim)
        # Screened against nothing: only a change of the order itself, not of the reference data,
        # makes a refused order worth another try.
        orders.move(
            tx,
            row,
            OrderState.BLOCKED,
            reason="refused by Whistl",
            now=now,
            due_at=None,
            screened_at=None,
        )
        submissions.settle(tx, claim.intent_id, Outcome.REFUSED, detail=error.code, now=now)
        link.set_exceptions_of_order(tx, row.centra_id, _refusals(row, error))
    return Outcome.REFUSED


def _refusals(row: Row, error: Refused) -> list[Problem]:
    reasons = error.reasons or ((error.code, "order", error.detail),)
    return [
        Problem(
            kind=ExceptionKind.WHISTL_REFUSED,
            subject_type=SubjectType.ORDER,
            subject=str(row.number),
            field=field,
            value=code,
            message=f"Whistl refused order {row.number}: {message}",
        )
        for code, field, message in reasons
    ]


def _look_up(link: Link, row: Row) -> str | None:
    now = link.now()
    try:
        there = link.whistl.find_order(row.whistl_number)
    except IntegrationError as error:
        with link.ledger.transaction() as tx:
            orders.update(
                tx,
                [row.centra_id],
                attempts=row.attempts + 1,
                due_at=now + _back_off(row.attempts),
            )
            if row.attempts + 1 >= link.settings.look_ups_before_alarm:
                link.raise_exceptions(tx, [_in_doubt(row, error)])
        return "whistl not answering"
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        intent = submissions.latest(tx, row.centra_id)
        if fresh is None or intent is None or fresh.state != OrderState.IN_DOUBT:
            return None
        return _settle_look_up(tx, link, fresh, intent, there)


def _settle_look_up(
    tx: Transaction, link: Link, row: Row, intent: Row, there: WhistlOrderView | None
) -> Outcome | None:
    now = link.now()
    if there is None:
        shows_by: datetime = intent.intent_at + link.settings.look_up_lag
        if now < shows_by:
            # Absent this early proves nothing: Whistl may show a new order only after a while.
            orders.update(tx, [row.centra_id], due_at=shows_by)
            return None
        reason = "Whistl does not have it"
        orders.move(tx, row, OrderState.READY, reason=reason, now=now, due_at=None)
        submissions.settle(tx, intent.id, Outcome.ABSENT, detail=reason, now=now)
        return Outcome.ABSENT
    if there.payload_hash not in {None, intent.payload_hash}:
        orders.update(tx, [row.centra_id], due_at=now + timedelta(hours=1))
        submissions.settle(tx, intent.id, Outcome.CONFLICT, detail="other contents", now=now)
        link.raise_exceptions(tx, [_conflict(row)])
        return Outcome.CONFLICT
    _accept(tx, link, row, there)
    submissions.settle(tx, intent.id, Outcome.FOUND, detail=there.status, now=now)
    return Outcome.FOUND


def _conflict(row: Row) -> Problem:
    return Problem(
        kind=ExceptionKind.ORDER_NUMBER_CONFLICT,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="order_number",
        value=row.whistl_number,
        message=(
            f"Whistl already has an order {row.whistl_number} with other contents than order "
            f"{row.number} in Centra. It was not sent again."
        ),
    )


def _in_doubt(row: Row, error: IntegrationError) -> Problem:
    return Problem(
        kind=ExceptionKind.ORDER_IN_DOUBT,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="order_number",
        value=row.whistl_number,
        message=(
            f"Whistl's answer for order {row.number} was lost and looking it up does not work: "
            f"{error.detail}"
        ),
    )


def _back_off(attempts: int) -> timedelta:
    return min(timedelta(seconds=5 * 2 ** min(attempts, 10)), _LONGEST_WAIT)
