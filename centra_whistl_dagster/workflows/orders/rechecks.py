"""Compare orders that Whistl has with Centra every quarter of an hour, by their ids.

They are locked, so Centra's list of open orders does not show them: holds, edits through the API
and missed cancellations are found here. What a reading means is decided in
`workflows.orders.readings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from centra_whistl_dagster.centra.client import OrderStamp, UnreadableOrder
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.ledger import checks, orders, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.workflows.link import Link

_DUE_AFTER = timedelta(minutes=12)
"""A round begins within the next minutes: each order is compared at least every 15."""
_TOGETHER_AFTER = timedelta(minutes=6)
"""Once one order is due, all that were not compared since are: few rounds, each with many."""
_AT_MOST = 1_000
"""Orders compared in one round: five requests of stamps."""


def is_recheck_due(link: Link) -> bool:
    """Say whether a round should begin because a sent order was not compared for a while."""
    with link.ledger.reading() as tx:
        return _is_due(tx) and not checks.was_tried_lately(tx, state.CENTRA_COMPARISON)


def note_round(link: Link) -> None:
    """Note that a round begins in which orders are due, so that a failed one is not begun anew."""
    with link.ledger.reading() as tx:
        is_due = _is_due(tx)
    if is_due:
        with link.ledger.transaction() as tx:
            checks.note_tried(tx, state.CENTRA_COMPARISON)


def _is_due(tx: Transaction) -> bool:
    return bool(checks.due_in_centra(tx, checked_before=tx.now - _DUE_AFTER, limit=1))


def changed_sent_orders(link: Link) -> list[Order | UnreadableOrder]:
    """Return sent orders that differ from the ledger, or are on hold or unpaid.

    Raises:
        IntegrationError: Centra could not be read; the same orders stay due.
    """
    with link.ledger.reading() as tx:
        if not _is_due(tx):
            return []
        rows = checks.due_in_centra(tx, checked_before=tx.now - _TOGETHER_AFTER, limit=_AT_MOST)
    stamps = link.centra.stamps_with_ids([row.centra_id for row in rows])
    changed = _changed(rows, stamps)
    records = list(link.centra.orders_with_ids(changed)) if changed else []
    with link.ledger.transaction() as tx:
        orders.update(tx, [row.centra_id for row in rows], centra_checked_at=tx.now)
    return records


def _changed(rows: Sequence[OrderRow], stamps: Sequence[OrderStamp]) -> list[str]:
    shown = {stamp.centra_id: stamp for stamp in stamps}
    return [
        row.centra_id
        for row in rows
        if (stamp := shown.get(row.centra_id)) is not None
        and (
            (stamp.updated_at, stamp.status) != (row.centra_updated_at, row.centra_status)
            # A hold that is lifted need not change the date.
            or stamp.is_on_hold
            or stamp.is_waiting_for_payment
        )
    ]
