"""Find out what became of orders whose answer was lost, by looking them up at Whistl.

Belongs here: when a look-up proves something, and what it proves. Does not belong here: sending
(`workflows.orders.submission`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Tally
from centra_whistl_dagster.ledger import exceptions, order_contents, orders, submissions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow, SubmissionRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.readings import note_edited
from centra_whistl_dagster.workflows.orders.statuses import apply_view
from centra_whistl_dagster.workflows.orders.submission import CLAIM_LASTS, accept, back_off

_CONFLICT_RE_CHECKED = timedelta(hours=1)


def resolve_orders_in_doubt(link: Link) -> Tally:
    """Look up, by order number, each order whose answer was lost; send nothing."""
    with link.ledger.transaction() as tx:
        for row in orders.in_states(tx, [OrderState.SENDING], are_due=True):
            reason = "the process that was sending it stopped"
            orders.move(tx, row, OrderState.IN_DOUBT, reason=reason, due_at=tx.now)
        rows = orders.in_states(tx, [OrderState.IN_DOUBT], are_due=True)
    tally = Tally(read=len(rows))
    for row in rows:
        tally.add(_look_up(link, row))
    return tally


def _look_up(link: Link, row: OrderRow) -> Fate:
    try:
        there = link.whistl.find_order(row.whistl_number)
    except IntegrationError as error:
        detail = f"looking it up does not work: {error.detail}"
        with link.ledger.transaction() as tx:
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
        return _settle_found(tx, fresh, there)


def _settle_absent(tx: Transaction, link: Link, row: OrderRow, intent: SubmissionRow) -> Fate:
    # A process that died may have been calling until its claim ran out.
    gone_by = intent.settled_at or intent.intent_at + CLAIM_LASTS
    shows_by = gone_by + link.settings.look_up_lag
    if tx.now < shows_by:
        # Absent this early proves nothing: Whistl may show a new order only after a while.
        orders.update(tx, [row.centra_id], due_at=shows_by)
        return Fate.UNCHANGED
    reason = "Whistl does not have it"
    # Once may be chance; an order at which Whistl fails each time must not be sent without pause.
    again = _later(tx, row) if row.attempts else OrderChange(attempts=1, due_at=None)
    orders.move(tx, row, OrderState.READY, reason=reason, **again)
    submissions.settle(tx, intent.id, SubmissionOutcome.ABSENT, detail=reason)
    _alert_if_it_lasts(tx, link, row, "Whistl does not have it. It is sent again")
    return Fate.WRITTEN


def _settle_found(tx: Transaction, row: OrderRow, there: WhistlOrderView) -> Fate:
    *_, newest = intents = submissions.of_order(tx, row.centra_id)
    found = _attempt_found(tx, row, intents, there)
    if found is None:
        orders.update(tx, [row.centra_id], due_at=tx.now + _CONFLICT_RE_CHECKED)
        submissions.settle(tx, newest.id, SubmissionOutcome.CONFLICT, detail="other contents")
        exceptions.about_order(
            tx,
            row,
            ExceptionKind.ORDER_NUMBER_CONFLICT,
            f"Whistl already has an order {row.whistl_number} with other contents than order "
            f"{row.number} in Centra. It was not sent again.",
            field="order_number",
            value=row.whistl_number,
        )
        return Failed(SubmissionOutcome.CONFLICT)
    accept(tx, row, there)
    # Whistl may have held, refused or allocated it by now, and its feed of changes has passed.
    apply_view(tx, row.centra_id, there)
    if found.id != newest.id:
        detail = "Whistl has an earlier attempt"
        submissions.settle(tx, newest.id, SubmissionOutcome.ABSENT, detail=detail)
        # No content of the order has this hash: whatever Centra shows, Whistl packs something else.
        orders.update(tx, [row.centra_id], sent_hash=found.payload_hash)
        note_edited(tx, row)
    submissions.settle(tx, found.id, SubmissionOutcome.FOUND, detail=there.status)
    return Fate.WRITTEN


def _attempt_found(
    tx: Transaction,
    row: OrderRow,
    intents: Sequence[SubmissionRow],
    there: WhistlOrderView,
) -> SubmissionRow | None:
    """Return the attempt, the newest if several, whose contents Whistl has; None for a stranger."""
    newest_first = list(reversed(intents))
    if there.payload_hash is not None:
        same = (one for one in newest_first if one.payload_hash == there.payload_hash)
        return next(same, None)
    ours = Counter((line.sku, line.quantity) for line in order_contents.lines(tx, row.centra_id))
    theirs = Counter((line.sku, line.ordered) for line in there.lines)
    return newest_first[0] if ours == theirs else None


def _later(tx: Transaction, row: OrderRow) -> OrderChange:
    return OrderChange(attempts=row.attempts + 1, due_at=tx.now + back_off(row.attempts))


def _alert_if_it_lasts(tx: Transaction, link: Link, row: OrderRow, detail: str) -> None:
    if row.attempts + 1 < link.settings.look_ups_before_alarm:
        return
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.ORDER_IN_DOUBT,
        f"Whistl's answer for order {row.number} was lost, and {detail}.",
        field="order_number",
        value=row.whistl_number,
    )
