"""Take in Whistl's despatch messages and apply each to its order: the steps of the relay."""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import despatches, exceptions, messages
from centra_whistl_dagster.ledger.despatches import FEED
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import DespatchState
from centra_whistl_dagster.workflows.exceptions.step_failures import cause_of
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.shipments import despatch_feed as feed
from centra_whistl_dagster.workflows.shipments.awaited_despatches import (
    are_any_overdue,
    report_missing,
)
from centra_whistl_dagster.workflows.shipments.despatch_effects import apply_despatch

_RE_READ = 500
"""Messages that a sweep reads again: one that came late under an old number is found."""
_A_GLANCE = 20
_NOT_APPLIED = ExceptionKind.DESPATCH_NOT_APPLIED


def are_there_new_despatches(link: Link) -> bool:
    """Ask Whistl, in one cheap request, for a message whose contents are new."""
    with link.ledger.reading() as tx:
        after = feed.last_sequence(tx)
    page = link.whistl.despatches_after(after, limit=_A_GLANCE)
    with link.ledger.reading() as tx:
        return any(feed.is_news(tx, message) for message in page.messages)


def count_to_read_again(link: Link, tx: Transaction) -> int:
    """Return how many reasons there are to read Whistl's messages again now."""
    is_overdue = are_any_overdue(tx, link.configuration.despatches)
    return messages.count_unreadable_due(tx, FEED) + feed.is_gap_due(tx) + is_overdue


def pull_despatches(link: Link, *, is_sweep: bool = False) -> Tally:
    """Store every message after the cursor; contents that were stored before change nothing.

    What cannot be read, sequences that were left out, and messages that an order waits for in vain
    are read again.

    Args:
        link: the connection.
        is_sweep: read the last few hundred messages again.

    Raises:
        IntegrationError: Whistl could not be read; pages already stored are kept.
    """
    with link.ledger.reading() as tx:
        sequence = feed.last_sequence(tx)
        is_sweep = is_sweep or are_any_overdue(tx, link.configuration.despatches)
        if is_sweep:
            sequence = min(sequence, despatches.sequence_back(tx, _RE_READ))
    tally = Tally()
    if is_sweep and sequence > 0:
        feed.read_from_the_start(link, tally)
    has_more = True
    while has_more:
        page = link.whistl.despatches_after(sequence, limit=feed.PAGE)
        with link.ledger.transaction() as tx:
            feed.store_page(tx, page, tally)
            feed.move_cursor(tx, page)
        # A server that says "more" without moving on would keep us here for ever.
        has_more = page.has_more and page.next_after_sequence > sequence
        sequence = page.next_after_sequence
    feed.read_gap_again(link, tally)
    feed.read_unreadable_again(link, tally)
    return tally


def apply_despatches(link: Link) -> Tally:
    """Turn stored messages into parcels to be written to Centra, and report those that are missing.

    A message about an order that we do not know waits, at no cost, until we do. One that cannot be
    applied is reported and tried again later: it does not keep the others from being applied.
    """
    with link.ledger.reading() as tx:
        waiting = despatches.waiting(tx)
    tally = Tally(read=len(waiting))
    for despatch in waiting:
        tally.add(_applied(link, despatch))
    report_missing(link)
    return tally


def _applied(link: Link, despatch: Despatch) -> Fate:
    try:
        with link.ledger.transaction() as tx:
            became = apply_despatch(tx, link, despatch)
            exceptions.resolve(tx, SubjectType.DESPATCH, despatch.despatch_id, [_NOT_APPLIED])
    except Exception as error:  # noqa: BLE001 - reported; one of the ledger itself ends the next lines too
        with link.ledger.transaction() as tx:
            despatches.postpone(tx, despatch)
            exceptions.open_or_refresh(tx, [_not_applied(despatch, error)])
        return Failed("could not be applied")
    return Fate.WRITTEN if became is DespatchState.APPLIED else Skipped(became)


def _not_applied(despatch: Despatch, error: Exception) -> Problem:
    # The error's own text may quote the message.
    what = cause_of(error)
    return Problem(
        kind=_NOT_APPLIED,
        subject_type=SubjectType.DESPATCH,
        subject=despatch.despatch_id,
        field="",
        value=despatch.order_number,
        message=(
            f"Despatch {despatch.despatch_id} of {despatch.order_number} could not be applied to "
            f"its order: {what}. It is tried again regularly; Centra does not have its parcels."
        ),
    )
