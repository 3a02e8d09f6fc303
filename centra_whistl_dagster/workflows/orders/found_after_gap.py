"""Take over one order that Whistl has and that the ledger, after a gap, does not know as sent."""

from __future__ import annotations

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.orders.identity import is_of_same_sale, is_same_order
from centra_whistl_dagster.domain.orders.order import (
    ARCHIVED,
    NO_CONTENTS_HASH,
    SHIPPED,
    Order,
    content_hash,
)
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped
from centra_whistl_dagster.ledger import orders, submissions, unreadable
from centra_whistl_dagster.ledger.engine import RecordNotStored, Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.unreadable import Source
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.whistl.mapping import identity_in_centra
from centra_whistl_dagster.workflows.exceptions.step_failures import place_of
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import take_in
from centra_whistl_dagster.workflows.orders.readings import apply_reading
from centra_whistl_dagster.workflows.orders.replacement import next_number, send_again
from centra_whistl_dagster.workflows.orders.settlement import accept
from centra_whistl_dagster.workflows.orders.statuses import apply_view

NOT_STORED = Failed("could not be stored")
_NOT_OURS = Skipped("not one of ours")
_REASON = "Whistl has it; the ledger did not know, after a gap"


def take_over(
    link: Link, record: Order | UnreadableOrder | None, views: list[WhistlOrderView]
) -> Fate:
    """Take over one order as Whistl has it; one that fails keeps none of the others out.

    Args:
        link: the connection.
        record: the order in Centra; None where Centra has no such order.
        views: what Whistl has of it, its first number first.
    """
    if record is None:
        return _NOT_OURS
    with link.ledger.transaction() as tx:
        if isinstance(record, UnreadableOrder):
            take_in(tx, link, record)
            return NOT_STORED
        try:
            with tx.one_record():
                return _taken_over(tx, link, record, views)
        except RecordNotStored as error:
            unreadable.report_not_stored(
                tx, Source.CENTRA, record.number, place=place_of(error.cause), error=error
            )
            return NOT_STORED


def _taken_over(tx: Transaction, link: Link, order: Order, views: list[WhistlOrderView]) -> Fate:
    """Take over one order number after number."""
    if any(not _is_of_this_sale(view, order) for view in views):
        # Whether it is ours all the same is for its own look-up, which compares the contents.
        return _NOT_OURS
    for view in views:
        row = orders.find(tx, order.centra_id) or _added(tx, order, views[0].order_number)
        if row.whistl_number != view.order_number:
            if not _may_be_renumbered(tx, row, view):
                continue
            send_again(tx, row, OrderState.RECEIVED, ended_at=row.state_since)
        _accept(tx, order, view)
    if order.status not in {SHIPPED, ARCHIVED}:
        apply_reading(tx, link, order)
    unreadable.resolve(tx, Source.CENTRA, order.number)
    after = orders.find(tx, order.centra_id)
    is_known = after is not None and after.whistl_number == views[-1].order_number
    return Fate.WRITTEN if is_known else Failed("an earlier number goes on at Whistl")


def _is_of_this_sale(view: WhistlOrderView, order: Order) -> bool:
    ours = identity_in_centra(order)
    return is_of_same_sale(ours, view.identity) or is_same_order(ours, view.identity)


def _added(tx: Transaction, order: Order, whistl_number: str) -> OrderRow:
    orders.add(tx, order, whistl_number=whistl_number, state=OrderState.RECEIVED, reason=_REASON)
    row = orders.find(tx, order.centra_id)
    if row is None:
        raise LookupError(f"order {order.number} vanished from the ledger")
    return row


def _may_be_renumbered(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> bool:
    is_ended = row.whistl_status in STOPPED and row.state in {
        OrderState.BLOCKED,
        OrderState.CANCELLED,
    }
    return is_ended and next_number(tx, row) == view.order_number


def _accept(tx: Transaction, order: Order, view: WhistlOrderView) -> None:
    """Note that Whistl has the order under its present number, as if that had been found there."""
    row = orders.find(tx, order.centra_id)
    if row is None:
        raise LookupError(f"order {order.number} vanished from the ledger")
    if row.submitted_at is None and row.state in {*UNSENT, OrderState.CANCELLED}:
        intent = submissions.open_intent(
            tx,
            centra_id=row.centra_id,
            whistl_number=row.whistl_number,
            payload_hash=view.payload_hash or "",
        )
        submissions.settle(tx, intent, SubmissionOutcome.FOUND, detail=view.status)
        orders.refresh(tx, order)
        accept(tx, row, view)
        is_same = is_same_order(identity_in_centra(order), view.identity)
        orders.update(
            tx,
            [row.centra_id],
            sent_hash=content_hash(order) if is_same else view.payload_hash or NO_CONTENTS_HASH,
            locked_at=tx.now if order.is_locked else None,
        )
    apply_view(tx, order.centra_id, view)
