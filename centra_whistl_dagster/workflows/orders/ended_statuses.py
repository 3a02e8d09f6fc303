"""Read once more how Centra shows orders that have ended here.

Completing the last parcel changes an order's status in Centra, and nobody reads a shipped order
again: the history would show it as confirmed for ever, and finance a difference that is none.
"""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.ledger import ended_orders
from centra_whistl_dagster.workflows.link import Link

_AT_ONCE = 400
"""In two or three requests, at each check of the balance: more than the busiest shop completes."""
_ASKED_AGAIN_AFTER = timedelta(days=1)


def note_ended_statuses(link: Link) -> int:
    """Take over Centra's status of orders that were completed here; return how many were read.

    One that Centra still shows as open is asked for again a day later.

    Raises:
        IntegrationError: Centra could not be read.
    """
    with link.ledger.reading() as tx:
        ids = ended_orders.open_in_centra(
            tx, asked_before=tx.now - _ASKED_AGAIN_AFTER, limit=_AT_ONCE
        )
    if not ids:
        return 0
    shown = {stamp.centra_id: stamp.status for stamp in link.centra.stamps_with_ids(ids)}
    with link.ledger.transaction() as tx:
        for centra_id in ids:
            ended_orders.note_status(tx, centra_id, shown.get(centra_id))
    return len(shown)
