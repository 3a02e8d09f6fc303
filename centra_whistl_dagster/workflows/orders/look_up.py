"""Find out what became of orders whose answer was lost, by looking them up at Whistl.

Does not belong here: sending (`workflows.orders.submission`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.identity import is_of_same_sale, is_same_order
from centra_whistl_dagster.domain.orders.order import NO_CONTENTS_HASH
from centra_whistl_dagster.domain.orders.states import AT_WHISTL, OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import (
    exceptions,
    generations,
    order_contents,
    orders,
    submissions,
)
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow, SubmissionRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.whistl.mapping import identity_of
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.claims import CLAIM_LASTS
from centra_whistl_dagster.workflows.orders.lag import LOOKED_UP_EVERY, look_up_lag, sample_lag
from centra_whistl_dagster.workflows.orders.readings import note_edited
from centra_whistl_dagster.workflows.orders.settlement import accept, back_off
from centra_whistl_dagster.workflows.orders.statuses import apply_view

_CONFLICT_RE_CHECKED = timedelta(hours=1)
_ROUND_LASTS = timedelta(seconds=20)
"""No look-up is begun later: what is left is looked up in the next round."""
_MOST_UNANSWERED = 3
"""Look-ups without an answer after which the round ends."""


def resolve_orders_in_doubt(link: Link) -> Tally:
    """Look up, by order number, each order whose answer was lost; send nothing.

    A few at a time and for a limited time: while Whistl does not answer, the rest wait for the next
    round.
    """
    with link.ledger.transaction() as tx:
        for row in orders.in_states(tx, [OrderState.SENDING], are_due=True):
            reason = "the process that was sending it stopped"
            orders.move(tx, row, OrderState.IN_DOUBT, reason=reason, due_at=tx.now)
        rows = orders.in_states(tx, [OrderState.IN_DOUBT], are_due=True)
    tally = Tally(read=len(rows))
    ends_at = link.now() + _ROUND_LASTS
    unanswered: list[str] = []

    def look_up(row: OrderRow) -> Fate:
        if link.now() > ends_at or len(unanswered) >= _MOST_UNANSWERED:
            return Skipped("left for the next round")
        return _look_up(link, row, unanswered)

    with ThreadPoolExecutor(link.settings.parallel_calls) as pool:
        for fate in pool.map(look_up, rows):
            tally.add(fate)
    if not unanswered:
        sample_lag(link)
    return tally


def _look_up(link: Link, row: OrderRow, unanswered: list[str]) -> Fate:
    try:
        there = link.whistl.find_order(row.whistl_number)
    except IntegrationError as error:
        unanswered.append(row.whistl_number)
        detail = f"looking it up does not work: {error.detail}"
        with link.ledger.transaction() as tx:
            fresh = orders.find(tx, row.centra_id)
            if fresh is not None and fresh.state is OrderState.IN_DOUBT:
                orders.update(tx, [row.centra_id], **_later(tx, row))
                _alert_if_it_lasts(tx, link, row, detail)
        return Failed("Whistl does not answer")
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        intent = submissions.latest(tx, row.centra_id)
        if fresh is None or intent is None or fresh.state is not OrderState.IN_DOUBT:
            return Fate.UNCHANGED
        if there is None:
            return _settle_absent(tx, link, fresh, intent)
        return settle_found(tx, fresh, there)


def _settle_absent(tx: Transaction, link: Link, row: OrderRow, intent: SubmissionRow) -> Fate:
    shows_by = _shows_by(tx, link, row, intent)
    if tx.now < shows_by:
        # Absent this early proves nothing: Whistl may show a new order only after a while.
        orders.update(tx, [row.centra_id], due_at=min(shows_by, tx.now + LOOKED_UP_EVERY))
        return Fate.UNCHANGED
    reason = "Whistl does not have it"
    # Once may be chance; an order at which Whistl fails each time must not be sent without pause.
    again = _later(tx, row) if row.attempts else OrderChange(attempts=1, due_at=None)
    orders.move(tx, row, OrderState.READY, reason=reason, **again)
    submissions.settle(tx, intent.id, SubmissionOutcome.ABSENT, detail=reason)
    _alert_if_it_lasts(tx, link, row, "Whistl does not have it. It is sent again")
    return Fate.WRITTEN


def _shows_by(tx: Transaction, link: Link, row: OrderRow, intent: SubmissionRow) -> datetime:
    """Return when Whistl shows an order at the latest, if it has it."""
    lag = look_up_lag(tx, link)
    # A process that died may have been calling until its claim ran out.
    shows_by = (intent.settled_at or intent.intent_at + CLAIM_LASTS) + lag
    generation = generations.with_gap(tx)
    if generation is None:
        return shows_by
    gap = generations.gap_of(generation)
    if intent.outcome is SubmissionOutcome.LOOKED_UP_FIRST:
        # No call has followed this intent; in the gap there may have been one.
        return gap.absence_proves(lag)
    is_hidden = generations.must_be_looked_up(tx, row)
    return max(shows_by, gap.absence_proves(lag)) if is_hidden else shows_by


def settle_found(
    tx: Transaction, row: OrderRow, there: WhistlOrderView, *, accepted_by: str = ""
) -> Fate:
    """Settle an order in doubt that Whistl shows: ours, an older attempt of ours, or a stranger.

    Args:
        tx: the transaction.
        row: the order's row, in doubt.
        there: the order that Whistl shows under its number.
        accepted_by: who has said that it is ours; it is then ours whatever it holds.
    """
    intents = submissions.under_number(tx, row.centra_id, row.whistl_number)
    newest = intents[-1]
    found = _attempt_found(tx, row, intents, there)
    is_lost_attempt = found is None and _was_sent_in_gap(tx, row, there)
    if found is None and not accepted_by and not is_lost_attempt:
        return _settle_conflict(tx, row, newest)
    accept(tx, row, there)
    found = found or newest
    if found.id != newest.id:
        detail = "Whistl has an earlier attempt"
        submissions.settle(tx, newest.id, SubmissionOutcome.ABSENT, detail=detail)
        # No content of the order has this hash: whatever Centra shows, Whistl packs something else.
        orders.update(tx, [row.centra_id], sent_hash=found.payload_hash)
    if is_lost_attempt:
        # It was edited in Centra since, or the ledger has earlier contents than were sent.
        orders.update(tx, [row.centra_id], sent_hash=there.payload_hash or NO_CONTENTS_HASH)
    detail = accepted_by or there.status
    submissions.settle(tx, found.id, SubmissionOutcome.FOUND, detail=detail)
    # Whistl may have held, refused or allocated it by now, and its feed of changes has passed.
    apply_view(tx, row.centra_id, there)
    fresh = orders.find(tx, row.centra_id)
    has_newest = not is_lost_attempt and _has_newest_contents(intents, found, there)
    is_surely_newest = accepted_by or has_newest
    if fresh is not None and fresh.state in AT_WHISTL and not is_surely_newest:
        note_edited(tx, fresh)
    return Fate.WRITTEN


def _was_sent_in_gap(tx: Transaction, row: OrderRow, there: WhistlOrderView) -> bool:
    """Say whether Whistl shows an order of ours whose contents the ledger has lost, or never had.

    Our own reference to the sale in Centra is on it; nobody else writes that.
    """
    generation = generations.with_gap(tx)
    if generation is None or not generations.gap_of(generation).may_hide(
        row.ordered_at, now=tx.now
    ):
        return False
    sent = identity_of(order_contents.outgoing(tx, row.centra_id))
    return is_of_same_sale(sent, there.identity)


def _has_newest_contents(
    intents: Sequence[SubmissionRow], found: SubmissionRow, there: WhistlOrderView
) -> bool:
    """Say whether Whistl surely has what was sent last; small differences may not show."""
    newest = intents[-1]
    if there.payload_hash == found.payload_hash:
        return found.payload_hash == newest.payload_hash
    return all(intent.payload_hash == newest.payload_hash for intent in intents)


def _settle_conflict(tx: Transaction, row: OrderRow, newest: SubmissionRow) -> Fate:
    orders.update(tx, [row.centra_id], due_at=tx.now + _CONFLICT_RE_CHECKED)
    submissions.settle(tx, newest.id, SubmissionOutcome.CONFLICT, detail="other contents")
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.ORDER_NUMBER_CONFLICT,
        f"Whistl already has an order {row.whistl_number} with other contents than order "
        f"{row.number} in Centra. It was not sent again. If it is the same order all the same: "
        f"centra-whistl orders accept {row.number} --note WHY.",
        field="order_number",
        value=row.whistl_number,
    )
    return Failed(SubmissionOutcome.CONFLICT)


def _attempt_found(
    tx: Transaction,
    row: OrderRow,
    intents: Sequence[SubmissionRow],
    there: WhistlOrderView,
) -> SubmissionRow | None:
    """Return the attempt, the newest if several, whose contents Whistl has; None for a stranger.

    Whistl's hash of the contents is proof when it equals ours. When it differs it proves nothing:
    then what we sent is compared.
    """
    newest_first = list(reversed(intents))
    for intent in newest_first:
        if there.payload_hash is not None and intent.payload_hash == there.payload_hash:
            return intent
    newest = newest_first[0]
    sent = identity_of(order_contents.outgoing(tx, row.centra_id))
    if is_same_order(sent, there.identity):
        return newest
    earlier = [one for one in newest_first if one.payload_hash != newest.payload_hash]
    if earlier and is_of_same_sale(sent, there.identity):
        # Contents that we have sent before, and have not kept.
        return earlier[0]
    return None


def _later(tx: Transaction, row: OrderRow) -> OrderChange:
    return OrderChange(attempts=row.attempts + 1, due_at=tx.now + back_off(row.attempts))


def _alert_if_it_lasts(tx: Transaction, link: Link, row: OrderRow, detail: str) -> None:
    if row.attempts + 1 < link.settings.look_ups_before_alarm:
        return
    intent = submissions.latest(tx, row.centra_id)
    is_first = intent is not None and intent.outcome is SubmissionOutcome.LOOKED_UP_FIRST
    what = (
        f"Order {row.number} is looked up at Whistl before it is sent, after a gap in the ledger"
        if is_first
        else f"Whistl's answer for order {row.number} was lost"
    )
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.ORDER_IN_DOUBT,
        f"{what}, and {detail}.",
        field="order_number",
        value=row.whistl_number,
    )
