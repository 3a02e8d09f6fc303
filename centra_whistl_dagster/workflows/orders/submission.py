"""Send screened orders to Whistl, each once: intent, call, settlement.

Does not belong here: what makes an order fit to be sent (`workflows.orders.screening`, `.claims`),
what its answer changes (`.settlement`), and what became of it if that was lost (`.look_up`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from centra_whistl_dagster.domain.orders.breaker import (
    Breaker,
    BreakerState,
    probe_order,
)
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
from centra_whistl_dagster.whistl.refusals import says_number_is_taken
from centra_whistl_dagster.workflows.continuity import about_to_send
from centra_whistl_dagster.workflows.exceptions.step_failures import cause_of
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.claims import Claim, Current, claim, read_again
from centra_whistl_dagster.workflows.orders.gate import SILENT, Gate
from centra_whistl_dagster.workflows.orders.outage import (
    note_silence,
)
from centra_whistl_dagster.workflows.orders.settlement import (
    back_off,
    settle_accepted,
    settle_not_called,
    settle_not_sent,
    settle_refused,
    settle_unknown,
)
from centra_whistl_dagster.workflows.orders.submission_problems import failure

_logger = logging.getLogger(__name__)

PART = 20
"""Orders read again at once: with many, the last are sent minutes after Centra was asked. Also the
most that Whistl has and that are not locked in Centra yet."""
_NEWEST = 100
"""Of a backlog, so many of the newest orders go among the oldest in each round."""
_ROUND_LASTS = timedelta(seconds=120)
"""No part of orders is begun later: cancellations and look-ups wait for the round to end."""
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
            settle_not_called(link, claimed)
            raise
        outcome = _sent(link, gate, claimed)
        return Fate.WRITTEN if outcome is SubmissionOutcome.ACCEPTED else Failed(outcome)


def _sent(link: Link, gate: Gate, claimed: Claim) -> SubmissionOutcome:
    try:
        answer = link.whistl.submit_order(claimed.body, idempotency_key=claimed.idempotency_key)
    except (NotSent, Throttled, AccessDenied) as error:
        gate.shut(_why_shut(error))
        return settle_not_sent(link, claimed, error)
    except OutcomeUnknown as error:
        return settle_unknown(link, gate, claimed, error.detail, is_lost=True)
    except Refused as error:
        if says_number_is_taken(error, link.settings.whistl.duplicate_codes):
            # By our own earlier attempt, or by something else. The look-up tells.
            return settle_unknown(link, gate, claimed, error.detail, is_lost=False)
        return settle_refused(link, gate, claimed, error)
    if answer.is_replayed:
        # It has had the order for longer than we know; the look-up tells what became of it since.
        return settle_unknown(link, gate, claimed, "Whistl had it already", is_lost=False)
    return settle_accepted(link, gate, claimed, answer)


def _why_shut(error: IntegrationError) -> Skipped:
    if isinstance(error, AccessDenied):
        return _NO_ACCESS
    return _QUOTA_USED if isinstance(error, Throttled) else SILENT
