"""Take in Whistl's despatch messages and apply each to its order: the steps of the relay."""

from __future__ import annotations

from centra_whistl_dagster.domain.tally import Fate, Skipped, Tally
from centra_whistl_dagster.ledger import despatches, messages
from centra_whistl_dagster.ledger.despatches import FEED
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import DespatchState
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


def are_there_new_despatches(link: Link) -> bool:
    """Ask Whistl, in one cheap request, for a message whose contents are new."""
    with link.ledger.reading() as tx:
        after = feed.last_sequence(tx)
    page = link.whistl.despatches_after(after, limit=_A_GLANCE)
    hashes = {feed.hash_of(message) for message in page.messages}
    with link.ledger.reading() as tx:
        return bool(hashes - messages.known(tx, FEED, hashes))


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

    A message about an order that we do not know waits, at no cost, until we do.
    """
    with link.ledger.reading() as tx:
        waiting = despatches.waiting(tx)
    tally = Tally(read=len(waiting))
    for despatch in waiting:
        with link.ledger.transaction() as tx:
            became = apply_despatch(tx, link, despatch)
        tally.add(Fate.WRITTEN if became is DespatchState.APPLIED else Skipped(became))
    report_missing(link)
    return tally
