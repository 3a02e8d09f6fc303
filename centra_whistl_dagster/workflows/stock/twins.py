"""Take sizes off sale whose SKU another active size has too, until each has one of its own."""

from __future__ import annotations

from centra_whistl_dagster.ledger import stock
from centra_whistl_dagster.ledger.engine import Lease
from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.transport import AccessDenied, NotSent, OutcomeUnknown
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock.centra_levels import last_levels


def hold_twins(link: Link, lease: Lease, snapshot_id: str) -> int:
    """Set each such size to what Centra has allocated of it; return how many were still for sale.

    Raises:
        IntegrationError: Centra gave no usable answer; the next full sync tries again.
    """
    levels = last_levels(link)
    if levels is None or not levels.twins or levels.within_minutes is not None:
        return 0
    shown = link.centra.stock_levels_of([twin.product_size_id for twin in levels.twins])
    intents = [
        StockIntent(
            sku=level.sku,
            product_size_id=level.product_size_id,
            from_quantity=level.physical,
            to_quantity=level.allocated,
            whistl_available=0,
            units_held=0,
            units_left=0,
            buffer=0,
        )
        for level in shown
        if level.physical > level.allocated
    ]
    for intent in intents:
        _write(link, lease, snapshot_id, intent)
    return len(intents)


def _write(link: Link, lease: Lease, snapshot_id: str, intent: StockIntent) -> None:
    with link.ledger.transaction() as tx:
        lease.renew(tx)
        (write_id,) = stock.open_writes(tx, [intent], snapshot_id=snapshot_id).values()
    outcome = WriteOutcome.REFUSED
    try:
        link.centra.set_physical_stock_of_sizes(
            [(intent.product_size_id, intent.to_quantity)],
            description=f"{intent.sku} is on several sizes: nothing is for sale",
        )
        outcome = WriteOutcome.WRITTEN
    except OutcomeUnknown:
        outcome = WriteOutcome.UNKNOWN
        raise
    except (AccessDenied, NotSent):
        outcome = WriteOutcome.NOT_SENT
        raise
    finally:
        with link.ledger.transaction() as tx:
            # Not read back: it is no figure of the SKU as a whole.
            stock.settle_write(tx, write_id, outcome, read_back=None)
