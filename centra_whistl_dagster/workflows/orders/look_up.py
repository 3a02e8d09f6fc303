"""Find out what became of orders whose answer was lost, by looking them up at Whistl.

Belongs here: when a look-up proves something, and what it proves. Does not belong here: sending
(`workflows.orders.submission`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import order_contents, orders, submissions
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.ledger.submissions import Outcome
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.readings import edited_after_sending
from centra_whistl_dagster.workflows.orders.statuses import apply_view
from centra_whistl_dagster.workflows.orders.submission import CLAIM_LASTS, accept, back_off

_CONFLICT_LOOKED_AT_AGAIN = timedelta(hours=1)


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


def _look_up(link: Link, row: Row) -> str | None:
    try:
        there = link.whistl.find_order(row.whistl_number)
    except IntegrationError as error:
        detail = f"looking it up does not work: {error.detail}"
        with link.ledger.transaction() as tx:
            orders.update(tx, [row.centra_id], **_later(link, row))
            _tell_if_it_lasts(tx, link, row, detail)
        return "whistl not answering"
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        intent = submissions.latest(tx, row.centra_id)
        if fresh is None or intent is None or fresh.state != OrderState.IN_DOUBT:
            return None
        if there is None:
            return _settle_absent(tx, link, fresh, intent)
        return _settle_found(tx, link, fresh, there)


def _settle_absent(tx: Transaction, link: Link, row: Row, intent: Row) -> Outcome | None:
    now = link.now()
    # A process that died may have been calling until its claim ran out.
    gone_by: datetime = intent.settled_at or intent.intent_at + CLAIM_LASTS
    shows_by = gone_by + link.settings.look_up_lag
    if now < shows_by:
        # Absent this early proves nothing: Whistl may show a new order only after a while.
        orders.update(tx, [row.centra_id], due_at=shows_by)
        return None
    reason = "Whistl does not have it"
    # Once may be chance; an order at which Whistl fails each time must not be sent without pause.
    again = _later(link, row) if row.attempts else {"attempts": 1, "due_at": None}
    orders.move(tx, row, OrderState.READY, reason=reason, now=now, **again)
    submissions.settle(tx, intent.id, Outcome.ABSENT, detail=reason, now=now)
    _tell_if_it_lasts(tx, link, row, "Whistl does not have it. It is sent again")
    return Outcome.ABSENT


def _settle_found(tx: Transaction, link: Link, row: Row, there: WhistlOrderView) -> Outcome:
    now = link.now()
    *_, newest = intents = submissions.of_order(tx, row.centra_id)
    found = _attempt_found(tx, row, intents, there)
    if found is None:
        orders.update(tx, [row.centra_id], due_at=now + _CONFLICT_LOOKED_AT_AGAIN)
        submissions.settle(tx, newest.id, Outcome.CONFLICT, detail="other contents", now=now)
        link.raise_exceptions(tx, [_conflict(row)])
        return Outcome.CONFLICT
    accept(tx, link, row, there)
    # Whistl may have held, refused or allocated it by now, and its feed of changes has passed.
    apply_view(tx, link, row.centra_id, there)
    if found.id != newest.id:
        detail = "Whistl has an earlier attempt"
        submissions.settle(tx, newest.id, Outcome.ABSENT, detail=detail, now=now)
        # No content of the order has this hash: whatever Centra shows, Whistl packs something else.
        orders.update(tx, [row.centra_id], sent_hash=found.payload_hash)
        link.raise_exceptions(tx, [edited_after_sending(row.number)])
    submissions.settle(tx, found.id, Outcome.FOUND, detail=there.status, now=now)
    return Outcome.FOUND


def _attempt_found(
    tx: Transaction, row: Row, intents: Sequence[Row], there: WhistlOrderView
) -> Row | None:
    """Return the attempt, the newest if several, whose contents Whistl has; None for a stranger."""
    newest_first = list(reversed(intents))
    if there.payload_hash is not None:
        same = (one for one in newest_first if one.payload_hash == there.payload_hash)
        return next(same, None)
    ours = Counter((line.sku, line.quantity) for line in order_contents.lines(tx, row.centra_id))
    theirs = Counter((line.sku, line.ordered) for line in there.lines)
    return newest_first[0] if ours == theirs else None


def _later(link: Link, row: Row) -> dict[str, object]:
    return {"attempts": row.attempts + 1, "due_at": link.now() + back_off(row.attempts)}


def _tell_if_it_lasts(tx: Transaction, link: Link, row: Row, detail: str) -> None:
    if row.attempts + 1 < link.settings.look_ups_before_alarm:
        return
    problem = Problem(
        kind=ExceptionKind.ORDER_IN_DOUBT,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="order_number",
        value=row.whistl_number,
        message=f"Whistl's answer for order {row.number} was lost, and {detail}.",
    )
    link.raise_exceptions(tx, [problem])


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
