"""What Whistl's view of an order says of each line: units that have left, units that never will."""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.despatches import units_gone
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import HAS_LEFT, STOPPED
from centra_whistl_dagster.ledger import despatches, exceptions, order_contents, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.workflows.orders.closing import end_if_over
from centra_whistl_dagster.workflows.orders.short_picks import note_not_sent
from centra_whistl_dagster.workflows.shipments.awaited_despatches import note_awaited

_CANCELLED, _REJECTED = ExceptionKind.CANCELLED_AT_WHISTL, ExceptionKind.REJECTED_LATE


def take_over_lines(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> None:
    """Record how far each line has come at Whistl.

    An order may be ended here: when the rest of it is cancelled at Whistl after a part had left, or
    when nothing of it could be found.
    """
    gone = {
        line.line_number: units_gone(
            view.status,
            ordered=line.ordered,
            despatched=line.despatched or 0,
            cancelled=line.cancelled or 0,
        )
        for line in view.lines
    }
    has_ended = any(line.cancelled for line in view.lines)
    # Some servers show the status and no counts.
    has_left = any(gone.values()) or not HAS_LEFT.isdisjoint(_statuses(view))
    if row.state is OrderState.SUBMITTED and not has_left and not has_ended:
        # Nearly every view is one of these; there is nothing to compare.
        return
    order_contents.note_gone(tx, row.centra_id, gone)
    in_parcels = despatches.units_shipped_by_line(tx, row.centra_id)
    has_left = has_left or any(in_parcels.values())
    if has_left and view.status in STOPPED and row.state is OrderState.SUBMITTED:
        reason = "Whistl stopped the rest after a part had left"
        left_at = view.updated_at or tx.now
        orders.move(tx, row, OrderState.PART_DESPATCHED, reason=reason, despatched_at=left_at)
    if view.status not in STOPPED:
        ended = {line.line_number: line.cancelled for line in view.lines if line.cancelled}
        note_not_sent(tx, row, ended)
    elif any(gone.values()) or any(in_parcels.values()):
        end_rest(tx, row)
    # Else it was stopped as a whole, and its units are in Whistl's `available` again; or only its
    # message can say which of its units have left.
    end_if_over(tx, row.centra_id)
    if has_left:
        note_awaited(tx, row.centra_id)


def _statuses(view: WhistlOrderView) -> set[str]:
    return {view.status, *(status for status, _ in view.history)}


def end_rest(tx: Transaction, row: OrderRow) -> None:
    """Record that nothing more will be sent of an order that Whistl stopped after a part had left.

    It is reported by line: the order is not lost as a whole, as its status alone would say.
    """
    in_parcels = despatches.units_shipped_by_line(tx, row.centra_id)
    ended = {
        line.line_number: line.quantity - max(line.gone or 0, in_parcels.get(line.line_number, 0))
        for line in order_contents.lines(tx, row.centra_id)
    }
    note_not_sent(tx, row, {number: max(0, units) for number, units in ended.items()})
    exceptions.resolve_order(tx, row.number, [_CANCELLED, _REJECTED])
