"""What an answer of Whistl's to a new order, or its absence, means for the orders that wait."""

from __future__ import annotations

from datetime import timedelta

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

SUBJECT = "Whistl: new orders"
"""What the exception is about; other parts of Whistl may answer all the while."""
_LASTS = timedelta(minutes=1)
"""An outage that is over by then is not worth a person's time."""


def note_answered(tx: Transaction) -> Breaker:
    """Note that Whistl took or refused an order; writes only where an answer had been lost."""
    before = breakers.read(tx)
    after = answered(before)
    if after != before:
        breakers.keep(tx, after)
        exceptions.resolve(tx, SubjectType.CONNECTION, SUBJECT, [ExceptionKind.SYSTEM_UNREACHABLE])
    return after


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
        problem = Problem(
            kind=ExceptionKind.SYSTEM_UNREACHABLE,
            subject_type=SubjectType.CONNECTION,
            subject=SUBJECT,
            field="create_order",
            value="",
            message=f"Whistl has not answered to a new order since {since} (London time). Orders "
            f"wait; one is tried at {next_try}.",
            contents=opened_at.isoformat(),
        )
        exceptions.open_or_refresh(tx, [problem])
    return breaker
