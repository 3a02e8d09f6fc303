"""What an answer of Whistl's to a new order, or its absence, means for the orders that wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from centra_whistl_dagster.domain.effects import must_owner_hear
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.breaker import (
    Breaker,
    answer_lost,
    answered,
    probe_failed,
)
from centra_whistl_dagster.ledger import breaker as breakers
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import SubmissionRow
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, Throttled

SUBJECT = "Whistl: new orders"
"""What the exception is about; other parts of Whistl may answer all the while."""
_LASTS = timedelta(minutes=1)
"""An outage that is over by then is not worth a person's time."""
_QUOTA_LASTS = timedelta(minutes=15)
"""A backlog may use up a quota several times; a limit that lets nothing through for so long is
no backlog."""
_KINDS = (ExceptionKind.SYSTEM_UNREACHABLE, ExceptionKind.CREDENTIALS_REFUSED)


def note_answered(tx: Transaction) -> Breaker:
    """Note that Whistl took or refused an order: new orders reach it, and it lets us send them."""
    before = breakers.read(tx)
    after = answered(before)
    if after != before:
        breakers.keep(tx, after)
    exceptions.resolve(tx, SubjectType.CONNECTION, SUBJECT, _KINDS)
    return after


def note_not_sent(
    tx: Transaction, error: IntegrationError, in_a_row: Sequence[SubmissionRow]
) -> None:
    """Alert the owner when Whistl refuses us access, or a new order keeps failing to leave.

    The exception stays until Whistl answers to an order, so that a round in which no order is due
    does not resolve it.

    Args:
        tx: the transaction.
        error: why the order was not sent this time.
        in_a_row: the order's newest intents, oldest first, none of which was sent.
    """
    if isinstance(error, AccessDenied):
        # No repetition makes refused access better.
        kind, what = ExceptionKind.CREDENTIALS_REFUSED, "Whistl refuses us new orders"
    else:
        is_quota = isinstance(error, Throttled)
        lasts = tx.now - in_a_row[0].intent_at if in_a_row else timedelta(0)
        passes_within = _QUOTA_LASTS if is_quota else _LASTS
        if lasts < passes_within or not must_owner_hear(len(in_a_row)):
            return
        kind = ExceptionKind.SYSTEM_UNREACHABLE
        what = "Whistl's limit keeps new orders back" if is_quota else "No order can be sent"
    message = f"{what}: {error.detail}. Orders wait, and are tried again. {error.advice}".strip()
    exceptions.open_or_refresh(tx, [_problem(kind, message)])


def note_lost(tx: Transaction, centra_id: str) -> Breaker:
    """Note that the answer to an order was lost."""
    return _kept(tx, answer_lost(breakers.read(tx), centra_id, now=tx.now))


def note_silence(tx: Transaction) -> Breaker:
    """Note that Whistl did not even answer a read, so that no order was tried."""
    return _kept(tx, probe_failed(breakers.read(tx), now=tx.now))


def _kept(tx: Transaction, breaker: Breaker) -> Breaker:
    breakers.keep(tx, breaker)
    opened_at, probe_at = breaker.opened_at, breaker.probe_at
    if opened_at is not None and probe_at is not None and tx.now - opened_at >= _LASTS:
        since, next_try = (f"{at.astimezone(LONDON):%H:%M}" for at in (opened_at, probe_at))
        message = (
            f"Whistl has not answered to a new order since {since} (London time). Orders wait; one "
            f"is tried at {next_try}."
        )
        exceptions.open_or_refresh(tx, [_problem(ExceptionKind.SYSTEM_UNREACHABLE, message)])
    return breaker


def _problem(kind: ExceptionKind, message: str) -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.CONNECTION,
        subject=SUBJECT,
        field="create_order",
        value="",
        message=message,
        # Times and what the network says change with each attempt, and are not news.
        contents=SUBJECT,
    )
