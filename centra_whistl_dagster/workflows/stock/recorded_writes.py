"""Write a batch of stock quantities to Centra: in the ledger before the call, settled after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from centra_whistl_dagster.ledger import stock
from centra_whistl_dagster.ledger.engine import Lease, Transaction
from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.transport import AccessDenied
from centra_whistl_dagster.workflows.access import CallGroup, note_permitted, note_refused
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock.writing import (
    BatchAnswer,
    Send,
    WriteAnswer,
    by_sku,
    write_batch,
)


def write_recorded(
    link: Link,
    lease: Lease,
    snapshot_id: str,
    batch: Sequence[StockIntent],
    *,
    description: str,
    note: Callable[[Transaction, StockIntent, WriteAnswer], None],
    send: Send = by_sku,
) -> BatchAnswer | None:
    """Write a batch, and record what came of each size.

    Args:
        link: the connection.
        lease: on Centra's stock.
        snapshot_id: of Whistl's, the one that the quantities are worked out with.
        batch: the quantities; no size is in it twice.
        description: what Centra's own log of stock changes shows.
        note: raises or resolves the exceptions about a size, in the transaction that settles it.
        send: what names the sizes in the call.

    Returns:
        what came of each size; None where the token lacks the permission, which its owner knows
        now. Nothing was written then, and the next batch would be refused alike.

    Raises:
        LeaseTaken: shipments may be being completed; nothing was written.
        AccessDenied: Centra refuses the token as a whole; nothing was written.
    """
    with link.ledger.transaction() as tx:
        lease.renew(tx)
        ids = stock.open_writes(tx, batch, snapshot_id=snapshot_id)
    try:
        answer = write_batch(link, batch, description=description, send=send)
    except AccessDenied as error:
        with link.ledger.transaction() as tx:
            for write_id in ids.values():
                stock.settle_write(tx, write_id, WriteOutcome.NOT_SENT, read_back=None)
        if not note_refused(link, CallGroup.STOCK, error):
            raise
        return None
    answers = answer.by_size
    with link.ledger.transaction() as tx:
        if any(each.outcome is WriteOutcome.WRITTEN for each in answers.values()):
            note_permitted(tx, CallGroup.STOCK)
        for intent in batch:
            of_size = answers[intent.product_size_id]
            # What a size that shares its SKU shows is no figure of the SKU as a whole.
            shown = of_size.shown if send is by_sku else None
            stock.settle_write(tx, ids[intent.product_size_id], of_size.outcome, read_back=shown)
            note(tx, intent, of_size)
    return answer
