"""Complete orders once Centra has every parcel of them."""

from __future__ import annotations

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches, order_contents, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import ParcelState


def close_if_known_whole(tx: Transaction, centra_id: str) -> None:
    """Complete an order that Whistl has sent whole, once Centra has every parcel of it.

    That the last message is here does not mean that the ones before it are: every unit must be in a
    parcel that Centra has, or be one that the warehouse could not find.
    """
    row = orders.find(tx, centra_id)
    if row is None or row.state != OrderState.DESPATCHED or not _is_known_whole(tx, row):
        return
    reason = "Centra has every parcel"
    orders.move(tx, row, OrderState.COMPLETED, reason=reason, completed_at=tx.now, due_at=None)


def _is_known_whole(tx: Transaction, row: OrderRow) -> bool:
    parcels = despatches.parcels_of_order(tx, row.centra_id)
    if any(parcel.state != ParcelState.COMPLETED for parcel in parcels):
        return False
    sent = despatches.units_shipped_by_line(tx, row.centra_id)
    return all(
        sent.get(line.line_number, 0) + line.not_found >= line.quantity
        for line in order_contents.lines(tx, row.centra_id)
    )
