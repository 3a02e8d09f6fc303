"""Ask Whistl to stop orders: cancelled, held, moved or edited in Centra after they were sent.

Belongs here: asking, how often, and what Whistl's answer proves. Does not belong here: which orders
are to be stopped (`workflows.orders.after_sending`), and what becomes of one that was
(`workflows.orders.replacement`).
"""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.after_sending_decision import standing_of
from centra_whistl_dagster.domain.orders.changes_after_sending import (
    KINDS,
    Standing,
    StopReason,
)
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import AT_WHISTL
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import exceptions, orders, stops
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, Refused
from centra_whistl_dagster.whistl.client import CancelAnswer
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.after_sending import BEFORE_PACKED, changes_of, notify
from centra_whistl_dagster.workflows.orders.readings import apply_reading
from centra_whistl_dagster.workflows.orders.replacement import (
    has_left,
    settle_stopped,
    still_active,
)
from centra_whistl_dagster.workflows.orders.statuses import apply_view

_AT_ONCE = 50
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(minutes=15)
_NO_ANSWER = Failed("Whistl does not answer")
_NOT_WANTED = Skipped("not to be stopped any more")

_WORDS = {
    StopReason.CANCELLED: "cancelled in Centra",
    StopReason.SENT_ALREADY: "sent under an earlier number",
    StopReason.PAUSED: "on hold in Centra",
    StopReason.EDITED: "changed in Centra, to be sent again",
    StopReason.BY_HAND: "to be sent again",
}
_KIND = {
    StopReason.CANCELLED: ExceptionKind.CANCELLED_AFTER_SENDING,
    StopReason.PAUSED: ExceptionKind.HELD_AFTER_SENDING,
    StopReason.EDITED: ExceptionKind.EDITED_AFTER_SENDING,
    StopReason.BY_HAND: ExceptionKind.EDITED_AFTER_SENDING,
}


def pass_on_cancellations(link: Link) -> Tally:
    """Ask Whistl to stop each order that is due; where it cannot, alert the owner.

    Each order is read once more from Centra just before: one that was resumed is not stopped. Once
    Whistl does not answer, the others wait for the next round.

    Raises:
        IntegrationError: Centra could not be asked; nothing was passed on.
    """
    with link.ledger.reading() as tx:
        rows = stops.to_be_stopped(tx, limit=_AT_ONCE)
    tally = Tally(read=len(rows))
    current = link.centra.orders([row.centra_id for row in rows]) if rows else []
    shown = {order.centra_id: order for order in current}
    is_gone = False
    for row in rows:
        fate = Skipped("Whistl does not answer") if is_gone else _pass_on(link, row, shown)
        is_gone = is_gone or fate == _NO_ANSWER
        tally.add(fate)
    return tally


def back_off(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts that came to nothing."""
    return min(_FIRST_WAIT * (1 << min(attempts - 1, 10)), _LONGEST_WAIT)


def _pass_on(link: Link, row: OrderRow, shown: dict[str, Order]) -> Fate:
    order = shown.get(row.centra_id)
    fresh = _as_it_is_now(link, row, order)
    if fresh is None or fresh.stop_for is None:
        return _NOT_WANTED
    try:
        answer = link.whistl.cancel_order(fresh.whistl_number, _WORDS[fresh.stop_for])
    except IntegrationError as error:
        return _not_asked(link, fresh, order, error)
    if not answer.is_cancelled:
        return _note_asked(link, fresh, order)
    return _settle(link, fresh, order, answer)


def _as_it_is_now(link: Link, row: OrderRow, order: Order | None) -> OrderRow | None:
    """Apply a last reading; an order that Centra does not show any more is stopped as planned."""
    with link.ledger.transaction() as tx:
        if order is not None:
            apply_reading(tx, link, order)
        return orders.find(tx, row.centra_id)


def _still_there(tx: Transaction, asked: OrderRow) -> OrderRow | None:
    """Return an order as it is after Whistl was asked to stop it; None if the answer is too late.

    Another relay may have read the stop first, and the order may have its next number by now.
    """
    fresh = orders.find(tx, asked.centra_id)
    if fresh is None or fresh.state not in AT_WHISTL:
        return None
    return fresh if fresh.whistl_number == asked.whistl_number else None


def _not_asked(link: Link, row: OrderRow, order: Order | None, error: IntegrationError) -> Fate:
    is_refused = isinstance(error, Refused) and not isinstance(error, AccessDenied)
    # Whistl may not show an order yet that it has.
    is_absent = is_refused and isinstance(error, Refused) and error.code == "not_found"
    with link.ledger.transaction() as tx:
        fresh = _still_there(tx, row)
        if fresh is None or fresh.stop_for is None:
            return _NOT_WANTED if is_refused else _NO_ANSWER
        attempts = fresh.stop_attempts + 1
        is_last = attempts >= link.configuration.after_sending.stop_attempts
        if is_refused and (is_last or not is_absent):
            orders.update(tx, [row.centra_id], stop_attempts=attempts, stop_due_at=None)
            why = "does not know the order" if is_absent else "cannot stop it any more"
            _alert(tx, link, fresh, order, f"Whistl {why}.", is_too_late=not is_absent)
            return Failed("not known to Whistl" if is_absent else "too late")
        what = f"Whistl was asked {attempts} times and did not answer."
        _ask_again_later(tx, link, fresh, order, what)
    return Failed("not known to Whistl yet") if is_absent else _NO_ANSWER


def _ask_again_later(
    tx: Transaction, link: Link, row: OrderRow, order: Order | None, what: str
) -> None:
    """Postpone the next question, the longer the more there were; in time, alert the owner."""
    attempts = row.stop_attempts + 1
    due_at = tx.now + back_off(attempts)
    orders.update(tx, [row.centra_id], stop_attempts=attempts, stop_due_at=due_at)
    if attempts >= link.configuration.after_sending.stop_attempts:
        _alert(tx, link, row, order, what)


def _note_asked(link: Link, row: OrderRow, order: Order | None) -> Fate:
    """Note that Whistl tries to stop an order that is being picked, and ask again in time."""
    policy = link.configuration.after_sending
    with link.ledger.transaction() as tx:
        fresh = _still_there(tx, row)
        if fresh is None:
            return _NOT_WANTED
        asked_at = fresh.stop_asked_at or tx.now
        orders.update(tx, [row.centra_id], stop_asked_at=asked_at)
        if fresh.stop_for is None:
            return _NOT_WANTED
        # The first answer: those that were lost before it do not count against Whistl.
        attempts = fresh.stop_attempts + 1 if fresh.stop_asked_at else 1
        is_last = attempts >= policy.stop_attempts
        follow_up_at = tx.now + timedelta(minutes=policy.stop_follow_up_minutes)
        due_at = None if is_last else follow_up_at
        orders.update(tx, [row.centra_id], stop_attempts=attempts, stop_due_at=due_at)
        if is_last or fresh.stop_asked_at is not None:
            since = f"{asked_at:%d %b %H:%M} UTC"
            what = f"Whistl was asked to stop it at {since} and has not said whether it could."
            _alert(tx, link, fresh, order, what)
    return Fate.WRITTEN


def _settle(link: Link, row: OrderRow, order: Order | None, answer: CancelAnswer) -> Fate:
    """Take over that Whistl has stopped an order; one that may be sent again needs proof of it."""
    with link.ledger.transaction() as tx:
        fresh = _still_there(tx, row)
        if fresh is None:
            return _NOT_WANTED
        if fresh.stop_for is StopReason.CANCELLED and not has_left(tx, fresh):
            orders.update(tx, [row.centra_id], whistl_status=answer.status)
            settle_stopped(tx, fresh)
            return Fate.WRITTEN
        # Nobody may want it stopped any more, but it was asked for: it is not Whistl's own doing.
        orders.update(tx, [row.centra_id], stop_asked_at=fresh.stop_asked_at or tx.now)
    return _settle_as_shown(link, row, order)


def _settle_as_shown(link: Link, row: OrderRow, order: Order | None) -> Fate:
    """Take over what Whistl shows of an order that it says it has stopped."""
    try:
        view = link.whistl.find_order(row.whistl_number)
    except IntegrationError as error:
        return _not_asked(link, row, order, error)
    with link.ledger.transaction() as tx:
        fresh = _still_there(tx, row)
        if fresh is None:
            return _NOT_WANTED
        if view is None or view.status not in STOPPED:
            if fresh.stop_for is None:
                return _NOT_WANTED
            what = "Whistl says that it stopped the order, and does not show it as stopped."
            _ask_again_later(tx, link, fresh, order, what)
            return Skipped("Whistl does not show it as stopped yet")
        apply_view(tx, row.centra_id, view)
        _alert_if_a_part_left(tx, link, row, order)
    return Fate.WRITTEN


def _alert_if_a_part_left(tx: Transaction, link: Link, row: OrderRow, order: Order | None) -> None:
    fresh = _still_there(tx, row)
    # Stopped whole, it is not at Whistl any more; if it still is, the message of a part is to come.
    if fresh is not None and fresh.stop_for is not None:
        orders.update(tx, [row.centra_id], stop_due_at=None)
        _alert(tx, link, fresh, order, "A part of it had left before Whistl stopped the rest.")


def _alert(
    tx: Transaction,
    link: Link,
    row: OrderRow,
    order: Order | None,
    what: str,
    *,
    is_too_late: bool = False,
) -> None:
    """Alert the owner that Whistl goes on with an order that it should stop."""
    if row.stop_for is StopReason.SENT_ALREADY:
        exceptions.open_or_refresh(
            tx, [still_active(row, f"An earlier number of it has left. {what}")]
        )
        return
    kind = _KIND[row.stop_for or StopReason.CANCELLED]
    standing = standing_of(row.state, row.whistl_status)
    if is_too_late and standing in BEFORE_PACKED:
        standing = Standing.PACKED
    changes = changes_of(tx, link, row, order) if order else {}
    concerned = {change: fields for change, fields in changes.items() if change in KINDS[kind]}
    if concerned:
        notify(tx, row, kind, standing, concerned, first=what, order=order)
        return
    message = (
        f"Order {row.number} is {_WORDS[row.stop_for or StopReason.CANCELLED]}. {what} At Whistl "
        f"({row.whistl_number}): {standing}. Call Whistl if it must not leave; once it has left, "
        "agree a return with the customer."
    )
    value = row.whistl_status or ""
    exceptions.about_order(tx, row, kind, message, field="order", value=value)
