"""Follow what Whistl says of the orders it has: allocated, held, rejected, cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import KNOWN, STOPPED, set_aside_at
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import exceptions, order_contents, orders, state
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.workflows.link import Link

OVERLAP = timedelta(minutes=2)

_FOLLOWED = {
    "HELD": ExceptionKind.HELD_AT_WHISTL,
    "REJECTED": ExceptionKind.REJECTED_LATE,
    "CANCELLED": ExceptionKind.CANCELLED_AT_WHISTL,
}


def follow_order_statuses(link: Link) -> Tally:
    """Read the orders Whistl changed since the last look, and keep their newest status.

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
            _note(tx, link, view, tally)
        if views:
            newest = max(view.updated_at for view in views)
            state.set_to(tx, state.WHISTL_ORDER_STATUSES, newest.isoformat(), now=link.now())
    return tally


def _note(tx: Transaction, link: Link, view: WhistlOrderView, tally: Tally) -> None:
    row = orders.find_by_whistl_number(tx, view.order_number)
    if row is None:
        tally.skipped["not one of ours"] += 1
    elif row.submitted_at is None:
        # Its acceptance is not settled yet: the look-up does that, and its round reads this again.
        tally.skipped["not settled yet"] += 1
    elif row.whistl_status_version >= view.status_version and row.whistl_status is not None:
        tally.unchanged += 1
    else:
        apply_view(tx, link, row.centra_id, view)
        tally.written += 1


def apply_view(tx: Transaction, link: Link, centra_id: str, view: WhistlOrderView) -> None:
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
    if view.status not in STOPPED:
        missing = {line.line_number: line.cancelled for line in view.lines if line.cancelled}
        order_contents.note_not_found(tx, row.centra_id, missing)
    subject = str(row.number)
    kind = _FOLLOWED.get(view.status)
    if kind is None and view.status not in KNOWN:
        kind = ExceptionKind.UNKNOWN_WHISTL_STATUS
    was_asked_to_stop = view.status == "CANCELLED" and row.cancel_wanted_at is not None
    exceptions.resolve(
        tx,
        SubjectType.ORDER,
        subject,
        kinds=[
            other
            for other in (*_FOLLOWED.values(), ExceptionKind.UNKNOWN_WHISTL_STATUS)
            if other is not kind
        ],
        now=link.now(),
    )
    if kind is not None and not was_asked_to_stop:
        link.raise_exceptions(tx, [_problem(row, view, kind)])
    if view.status in STOPPED and row.state == OrderState.SUBMITTED:
        _stop(tx, link, row, view, was_asked_to_stop=was_asked_to_stop)


def _stop(
    tx: Transaction, link: Link, row: Row, view: WhistlOrderView, *, was_asked_to_stop: bool
) -> None:
    now = link.now()
    if was_asked_to_stop:
        orders.move(
            tx, row, OrderState.CANCELLED, reason="Whistl stopped it", now=now, cancelled_at=now
        )
    else:
        # No screened_at: no change of reference data brings back an order that Whistl ended.
        # No allocated_at: what was set aside for it is in `available` again.
        orders.move(
            tx,
            row,
            OrderState.BLOCKED,
            reason=f"{view.status.lower()} by Whistl",
            now=now,
            screened_at=None,
            allocated_at=None,
        )


def _problem(row: Row, view: WhistlOrderView, kind: ExceptionKind) -> Problem:
    why = f": {view.hold_reason}" if view.hold_reason else "."
    return Problem(
        kind=kind,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="status",
        value=view.status,
        message=f"Whistl shows order {row.number} ({row.whistl_number}) as {view.status}{why}",
    )
