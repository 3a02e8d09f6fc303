"""Follow what Whistl says of the orders it has: allocated, held, rejected, cancelled.

Does not belong here: units by line (`workflows.orders.lines_at_whistl`), when each open order is
read by itself (`status_sweep`), what becomes of one that Whistl stopped for us (`replacement`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import (
    KNOWN,
    SET_ASIDE,
    STOPPED,
    given_back_at,
    set_aside_at,
)
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import (
    exceptions,
    former_numbers,
    orders,
    state,
    unreadable,
)
from centra_whistl_dagster.ledger.engine import RecordNotStored, Transaction
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow
from centra_whistl_dagster.ledger.unreadable import Source
from centra_whistl_dagster.whistl.client import Acceptance, UnreadableOrderView, WhistlOrderView
from centra_whistl_dagster.workflows.exceptions.step_failures import place_of
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.lines_at_whistl import take_over_lines
from centra_whistl_dagster.workflows.orders.replacement import (
    has_left,
    note_former_number_active,
    settle_stopped,
)

OVERLAP = timedelta(minutes=2)

_VIEWS_PER_TRANSACTION = 200
"""Thousands in one transaction would make every other writer of the ledger wait too long."""

_FOLLOWED = {
    "HELD": ExceptionKind.HELD_AT_WHISTL,
    "REJECTED": ExceptionKind.REJECTED_LATE,
    "CANCELLED": ExceptionKind.CANCELLED_AT_WHISTL,
}
_OF_STATUSES = frozenset({*_FOLLOWED.values(), ExceptionKind.UNKNOWN_WHISTL_STATUS})


def follow_order_statuses(link: Link) -> Tally:
    """Read the orders that changed at Whistl since the last poll, and keep their newest status.

    Raises:
        IntegrationError: Whistl could not be read; the cursor stays where it was.
    """
    with link.ledger.reading() as tx:
        cursor = state.reached(tx, state.WHISTL_ORDER_STATUSES)
    read_at = link.now()
    views = list(link.whistl.orders_updated_since(cursor - OVERLAP if cursor else None))
    return note_views(link, views, read_at=read_at)


def note_views(
    link: Link,
    views: Sequence[WhistlOrderView | UnreadableOrderView],
    *,
    read_at: datetime | None = None,
) -> Tally:
    """Take over what Whistl shows of orders, a part at a time.

    With `read_at`, when reading by time of change began, the cursor moves: with the last part, so
    that a part that was not kept is read again.
    """
    tally = Tally(read=len(views))
    moments = [
        view.updated_at
        for view in views
        if isinstance(view, WhistlOrderView) and view.updated_at is not None
    ]
    for start in range(0, max(len(views), 1), _VIEWS_PER_TRANSACTION):
        part = views[start : start + _VIEWS_PER_TRANSACTION]
        is_last = start + len(part) >= len(views)
        with link.ledger.transaction() as tx:
            _note_part(tx, part, tally)
            if is_last and read_at is not None:
                state.advance(tx, state.WHISTL_ORDER_STATUSES, moments, read_at=read_at)
    return tally


@dataclass(frozen=True, slots=True)
class _Part:
    """What is looked up, and written, once for many views: most of them say nothing new."""

    troubled: Collection[str]
    """Numbers of orders with an exception that a view may end."""
    unchanged: list[str] = field(default_factory=list)
    """Orders that were compared, and are as they were."""


def _note_part(
    tx: Transaction, views: Sequence[WhistlOrderView | UnreadableOrderView], tally: Tally
) -> None:
    part = _Part(
        exceptions.unended_subjects(tx, ExceptionKind.UNKNOWN_WHISTL_STATUS)
        | exceptions.unended_subjects(tx, ExceptionKind.UNREADABLE_RECORD)
    )
    for view in views:
        tally.add(_note_alone(tx, view, part))
    orders.update(tx, part.unchanged, whistl_checked_at=tx.now)


def _note_alone(tx: Transaction, view: WhistlOrderView | UnreadableOrderView, part: _Part) -> Fate:
    try:
        with tx.one_record():
            return _note(tx, view, part)
    except RecordNotStored as error:
        row = orders.find_by_whistl_number(tx, view.order_number)
        number = row.number if row else unreadable.NAMELESS
        unreadable.report_not_stored(
            tx, Source.WHISTL, number, place=place_of(error.cause), error=error
        )
        return Failed("could not be stored")


def _note(tx: Transaction, view: WhistlOrderView | UnreadableOrderView, part: _Part) -> Fate:
    row = orders.find_by_whistl_number(tx, view.order_number)
    if isinstance(view, UnreadableOrderView):
        if row is not None:
            part.unchanged.append(row.centra_id)
        return _note_unreadable(tx, row, view)
    if row is None:
        return Skipped("not one of ours")
    if view.order_number != row.whistl_number:
        return _note_former(tx, row, view)
    if row.submitted_at is None:
        # Its acceptance is not settled yet: the look-up does that, and its round reads this again.
        return Skipped("not settled yet")
    is_known = row.whistl_status is not None and row.whistl_status_version >= view.status_version
    is_older = is_known and row.whistl_status_version > view.status_version
    if is_known and (is_older or row.whistl_status == view.status):
        part.unchanged.append(row.centra_id)
        if view.unreadable or str(row.number) in part.troubled:
            _end_what_is_over(tx, row, view)
        return Fate.UNCHANGED
    apply_view(tx, row.centra_id, view)
    return Fate.WRITTEN


def _note_unreadable(tx: Transaction, row: OrderRow | None, view: UnreadableOrderView) -> Fate:
    if row is None and view.order_number:
        return Skipped("not one of ours")
    number = row.number if row else unreadable.NAMELESS
    unreadable.report(tx, Source.WHISTL, number, field=view.field, detail=view.detail)
    return Failed("unreadable")


def _note_former(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> Fate:
    """Notice that Whistl goes on with a number that it had ended; the order has another by now."""
    former = former_numbers.find(tx, view.order_number)
    if former is None or view.status_version <= former.whistl_status_version:
        return Fate.UNCHANGED
    # Seen once: a person may let the order go all the same, and the feed shows this again.
    former_numbers.note_status(
        tx, view.order_number, status=view.status, version=view.status_version
    )
    if view.status in STOPPED:
        return Fate.UNCHANGED
    note_former_number_active(tx, row, view.order_number, f"is working on it again ({view.status})")
    return Fate.WRITTEN


def apply_view(tx: Transaction, centra_id: str, view: WhistlOrderView) -> None:
    """Take over what Whistl says of an order that it has.

    A view is read before the transaction in which it is applied. By then another relay may have
    sent the order under its next number, or read something newer.

    Raises:
        LookupError: the ledger does not have the order.
    """
    row = _row_of(tx, centra_id, view)
    if view.order_number != row.whistl_number:
        _note_former(tx, row, view)
        return
    if row.whistl_status is not None and row.whistl_status_version > view.status_version:
        return
    # Before the lines: which units have left is read from the counts and the status together.
    orders.update(tx, [centra_id], whistl_status=view.status)
    _note_set_aside(tx, row, view)
    take_over_lines(tx, row, view)
    _note_what_is_unreadable(tx, row, view)
    apply_status(tx, centra_id, view)


def _note_set_aside(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> None:
    """Keep since when Whistl has the units outside `available`, or when it put them back.

    A status shows the latest that either can have happened; the history, where there is one, when.
    """
    shown_at = min(view.updated_at or tx.now, tx.now)
    if view.status in SET_ASIDE:
        known = (row.given_back_at or row.allocated_at, set_aside_at(view.history))
        # The latest is the safe one: from then on it has them without a break.
        since = max((at for at in known if at is not None), default=shown_at)
        if row.given_back_at is not None and known[1] is None:
            since = shown_at
        orders.update(tx, [row.centra_id], allocated_at=since, given_back_at=None)
    elif view.status in KNOWN:
        taken_at = row.allocated_at or _last_taken_at(view)
        put_back_at = row.given_back_at or given_back_at(view.history) or shown_at
        if taken_at is not None:
            change = OrderChange(allocated_at=taken_at, given_back_at=put_back_at)
            orders.update(tx, [row.centra_id], **change)


def _last_taken_at(view: WhistlOrderView) -> datetime | None:
    return max((at for status, at in view.history if status in SET_ASIDE), default=None)


def apply_status(tx: Transaction, centra_id: str, shown: WhistlOrderView | Acceptance) -> None:
    """Take over the status in which Whistl shows an order, in whichever answer it says so.

    Of a view, the lines come first: an order of which a part has left is never sent again.

    Raises:
        LookupError: the ledger does not have the order.
    """
    row = _row_of(tx, centra_id, shown)
    orders.update(
        tx,
        [row.centra_id],
        whistl_status=shown.status,
        whistl_status_version=shown.status_version,
        whistl_checked_at=tx.now,
    )
    is_stopped = shown.status in STOPPED
    if is_stopped and row.given_back_at is None:
        # What was set aside for it is in `available` again, at the latest by now.
        orders.update(tx, [row.centra_id], given_back_at=tx.now)
    is_rest_ended = is_stopped and has_left(tx, row)
    # The units that will not be sent are reported by line: the rest of the order is on its way.
    kind = None if is_rest_ended else _FOLLOWED.get(shown.status)
    if kind is None and shown.status not in KNOWN:
        kind = ExceptionKind.UNKNOWN_WHISTL_STATUS
    was_asked = row.cancel_wanted_at or row.stop_for or row.stop_asked_at
    was_stopped_whole = shown.status == "CANCELLED" and was_asked and not is_rest_ended
    exceptions.resolve_order(tx, row.number, _OF_STATUSES - {kind})
    if kind is not None and not was_stopped_whole:
        # Not Whistl's own words for a hold: they may name the customer. The order's story has them.
        message = f"Whistl shows order {row.number} ({row.whistl_number}) as {shown.status}."
        exceptions.about_order(tx, row, kind, message, value=shown.status)
    if is_stopped and row.state is OrderState.SUBMITTED and not is_rest_ended:
        # Read anew: the status set above is kept with the number it belongs to.
        fresh = _row_of(tx, centra_id, shown)
        if was_stopped_whole:
            settle_stopped(tx, fresh)
        else:
            _block(tx, fresh, shown.status)


def _block(tx: Transaction, row: OrderRow, status: str) -> None:
    # No screened_at: no change of reference data sends an order again that Whistl ended.
    orders.move(tx, row, OrderState.BLOCKED, reason=f"{status.lower()} by Whistl", screened_at=None)


def _row_of(tx: Transaction, centra_id: str, shown: WhistlOrderView | Acceptance) -> OrderRow:
    row = orders.find(tx, centra_id)
    if row is None:
        raise LookupError(f"order {shown.order_number} vanished from the ledger")
    return row


def _end_what_is_over(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> None:
    if view.status in KNOWN:
        exceptions.resolve_order(tx, row.number, [ExceptionKind.UNKNOWN_WHISTL_STATUS])
    _note_what_is_unreadable(tx, row, view)


def _note_what_is_unreadable(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> None:
    if not view.unreadable:
        unreadable.resolve(tx, Source.WHISTL, row.number)
        return
    (name, detail), *others = view.unreadable
    more = f" (and {len(others)} more fields)" if others else ""
    unreadable.report(tx, Source.WHISTL, row.number, field=name, detail=f"{detail}{more}")
