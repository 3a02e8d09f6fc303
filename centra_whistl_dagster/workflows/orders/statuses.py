"""Follow what Whistl says of the orders it has: allocated, held, rejected, cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import KNOWN, STOPPED, set_aside_at
from centra_whistl_dagster.domain.tally import Fate, Skipped, Tally
from centra_whistl_dagster.ledger import (
    exceptions,
    former_numbers,
    orders,
    state,
)
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.lines_at_whistl import take_over_lines
from centra_whistl_dagster.workflows.orders.replacement import (
    note_former_number_active,
    settle_stopped,
)

OVERLAP = timedelta(minutes=2)

_FOLLOWED = {
    "HELD": ExceptionKind.HELD_AT_WHISTL,
    "REJECTED": ExceptionKind.REJECTED_LATE,
    "CANCELLED": ExceptionKind.CANCELLED_AT_WHISTL,
}


def follow_order_statuses(link: Link) -> Tally:
    """Read the orders that changed at Whistl since the last poll, and keep their newest status.

    Raises:
        IntegrationError: Whistl could not be read; the cursor stays where it was.
    """
    with link.ledger.reading() as tx:
        cursor = state.read(tx, state.WHISTL_ORDER_STATUSES)
    since = datetime.fromisoformat(cursor) - OVERLAP if cursor else None
    views = list(link.whistl.orders_updated_since(since))
    tally = Tally(read=len(views))
    with link.ledger.transaction() as tx:
        for view in views:
            tally.add(_note(tx, view))
        if views:
            newest = max(view.updated_at for view in views)
            state.set_to(tx, state.WHISTL_ORDER_STATUSES, newest.isoformat())
    return tally


def _note(tx: Transaction, view: WhistlOrderView) -> Fate:
    row = orders.find_by_whistl_number(tx, view.order_number)
    if row is None:
        return Skipped("not one of ours")
    if view.order_number != row.whistl_number:
        return _note_former(tx, row, view)
    if row.submitted_at is None:
        # Its acceptance is not settled yet: the look-up does that, and its round reads this again.
        return Skipped("not settled yet")
    if row.whistl_status_version >= view.status_version and row.whistl_status is not None:
        return Fate.UNCHANGED
    apply_view(tx, row.centra_id, view)
    return Fate.WRITTEN


def _note_former(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> Fate:
    """Notice that Whistl goes on with a number that it had ended; the order has another by now."""
    former = former_numbers.find(tx, view.order_number)
    is_older = former is None or view.status_version <= former.whistl_status_version
    if is_older or view.status in STOPPED:
        return Fate.UNCHANGED
    note_former_number_active(tx, row, view.order_number, f"shows as {view.status}")
    return Fate.WRITTEN


def apply_view(tx: Transaction, centra_id: str, view: WhistlOrderView) -> None:
    """Take over what Whistl says of an order that it has.

    Raises:
        LookupError: the ledger does not have the order.
    """
    row = orders.find(tx, centra_id)
    if row is None:
        raise LookupError(f"order {view.order_number} vanished from the ledger")
    orders.update(
        tx,
        [row.centra_id],
        whistl_status=view.status,
        whistl_status_version=view.status_version,
        allocated_at=row.allocated_at or set_aside_at(view.history),
    )
    has_left = take_over_lines(tx, row, view)
    is_rest_ended = view.status in STOPPED and has_left
    # The units that will not be sent are reported by line: the rest of the order is on its way.
    kind = None if is_rest_ended else _FOLLOWED.get(view.status)
    if kind is None and view.status not in KNOWN:
        kind = ExceptionKind.UNKNOWN_WHISTL_STATUS
    was_asked = row.cancel_wanted_at or row.stop_for or row.stop_asked_at
    was_stopped_whole = view.status == "CANCELLED" and was_asked is not None and not has_left
    of_statuses = {*_FOLLOWED.values(), ExceptionKind.UNKNOWN_WHISTL_STATUS}
    exceptions.resolve_order(tx, row.number, of_statuses - {kind})
    if kind is not None and not was_stopped_whole:
        why = f": {view.hold_reason}" if view.hold_reason else "."
        message = f"Whistl shows order {row.number} ({row.whistl_number}) as {view.status}{why}"
        exceptions.about_order(tx, row, kind, message, value=view.status)
    if view.status in STOPPED and row.state is OrderState.SUBMITTED and not has_left:
        _end(tx, row, was_stopped_whole=was_stopped_whole, status=view.status)


def _end(tx: Transaction, row: OrderRow, *, status: str, was_stopped_whole: bool) -> None:
    # Read anew: the status set above is kept with the number it belongs to.
    fresh = orders.find(tx, row.centra_id) or row
    if was_stopped_whole:
        settle_stopped(tx, fresh)
        return
    # No screened_at: no change of reference data sends an order again that Whistl ended.
    # No allocated_at: what was set aside for it is in `available` again.
    orders.move(
        tx,
        fresh,
        OrderState.BLOCKED,
        reason=f"{status.lower()} by Whistl",
        screened_at=None,
        allocated_at=None,
    )
