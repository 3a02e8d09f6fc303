"""What Whistl's view of an order says of each line: units that have left, units that never will."""

from __future__ import annotations

from centra_whistl_dagster.domain.orders.despatches import units_gone
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED
from centra_whistl_dagster.ledger import despatches, order_contents
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.workflows.orders.closing import end_if_over
from centra_whistl_dagster.workflows.orders.short_picks import note_not_sent
from centra_whistl_dagster.workflows.shipments.awaited_despatches import note_awaited


def take_over_lines(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> bool:
    """Record how far each line has come at Whistl; return whether any unit has left.

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
    if row.state is OrderState.SUBMITTED and not any(gone.values()) and not has_ended:
        # Nearly every view is one of these; there is nothing to compare.
        return False
    order_contents.note_gone(tx, row.centra_id, gone)
    in_parcels = despatches.units_shipped_by_line(tx, row.centra_id)
    has_left = any(gone.values()) or any(in_parcels.values())
    if view.status not in STOPPED:
        ended = {line.line_number: line.cancelled or 0 for line in view.lines}
    elif has_left:
        ended = {
            line.line_number: line.quantity
            - max(gone.get(line.line_number, 0), in_parcels.get(line.line_number, 0))
            for line in order_contents.lines(tx, row.centra_id)
        }
    else:
        # Stopped as a whole: its units are in Whistl's `available` again.
        ended = {}
    note_not_sent(tx, row, {number: units for number, units in ended.items() if units > 0})
    end_if_over(tx, row.centra_id)
    note_awaited(tx, row.centra_id)
    return has_left
