"""End orders: completed once every parcel is settled, blocked where none of it will leave."""

from __future__ import annotations

from centra_whistl_dagster.domain.orders.order import CANCELLED
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches, order_contents, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import FINISHED_PARCELS


def end_if_over(tx: Transaction, centra_id: str) -> None:
    """Move an order on as far as its parcels, and the units that will not be sent, allow.

    Called after either changes: a part-despatched order whose rest Whistl has ended has nothing
    more to wait for, and one of which nothing is ever sent must not pass for completed.
    """
    row = orders.find(tx, centra_id)
    if row is None or row.state not in _AT_WHISTL_STILL:
        return
    sent = despatches.units_shipped_by_line(tx, centra_id)
    is_over = _is_all_accounted_for(tx, row, sent)
    if is_over and not any(sent.values()):
        # No screened_at, as for every order that Whistl itself ended.
        orders.move(
            tx,
            row,
            OrderState.BLOCKED,
            reason="Whistl will send none of it",
            screened_at=None,
            given_back_at=row.given_back_at or tx.now,
            despatched_at=None,
        )
    elif is_over and row.state is OrderState.PART_DESPATCHED:
        orders.move(tx, row, OrderState.DESPATCHED, reason="Whistl will send no more of it")
    close_if_known_whole(tx, centra_id)


def close_if_known_whole(tx: Transaction, centra_id: str) -> None:
    """Complete an order that Whistl has sent whole, once each of its parcels is settled in Centra.

    That the last message is here does not mean that the ones before it are: every unit must be in a
    parcel that Centra has or does not want, or be one that the warehouse will not send. What a
    parcel that Centra does not want asks of people is in its own exception.
    """
    row = orders.find(tx, centra_id)
    if row is None or row.state != OrderState.DESPATCHED or not _is_known_whole(tx, row):
        return
    is_cancelled = row.centra_status == CANCELLED
    reason = "sent, though cancelled in Centra" if is_cancelled else "Centra has every parcel"
    completed_at = None if is_cancelled else tx.now
    orders.move(
        tx, row, OrderState.COMPLETED, reason=reason, completed_at=completed_at, due_at=None
    )


_AT_WHISTL_STILL = frozenset(
    {OrderState.SUBMITTED, OrderState.PART_DESPATCHED, OrderState.DESPATCHED}
)


def _is_known_whole(tx: Transaction, row: OrderRow) -> bool:
    parcels = despatches.parcels_of_order(tx, row.centra_id)
    states = {parcel.state for parcel in parcels}
    if not states or states - FINISHED_PARCELS:
        return False
    sent = despatches.units_shipped_by_line(tx, row.centra_id)
    return _is_all_accounted_for(tx, row, sent)


def _is_all_accounted_for(tx: Transaction, row: OrderRow, sent: dict[int, int]) -> bool:
    lines = order_contents.lines(tx, row.centra_id)
    return bool(lines) and all(
        sent.get(line.line_number, 0) + line.not_found >= line.quantity for line in lines
    )
