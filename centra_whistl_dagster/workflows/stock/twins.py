"""Take sizes off sale whose SKU another active size has too, until each has one of its own."""

from __future__ import annotations

from centra_whistl_dagster.centra.records import CentraStockLevel
from centra_whistl_dagster.domain.stock.cadence import SKUS_OF_A_BATCH
from centra_whistl_dagster.ledger.engine import Lease
from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.transport import AccessDenied, IntegrationError
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock.cadence import allowed_for_stock
from centra_whistl_dagster.workflows.stock.centra_levels import last_levels
from centra_whistl_dagster.workflows.stock.recorded_writes import write_recorded
from centra_whistl_dagster.workflows.stock.shared_skus import sizes_by_sku
from centra_whistl_dagster.workflows.stock.sku_exceptions import (
    resolve_shared_write,
    resolve_writes_of_former_sizes,
    update_shared_write_exceptions,
)
from centra_whistl_dagster.workflows.stock.writing import by_size_id

_DESCRIPTION = "Several sizes share this SKU: nothing is for sale"


def hold_twins(link: Link, lease: Lease, snapshot_id: str) -> list[IntegrationError | None]:
    """Set each such size to what Centra has allocated of it, where any is still for sale.

    Sizes beyond Centra's quota are left for the next full sync.

    Returns:
        by batch, why it is not known of some sizes what came of them; None where it is.

    Raises:
        IntegrationError: Centra does not show these sizes; the next full sync tries again.
        AccessDenied: Centra refuses the token as a whole, or to show what was written.
        LeaseTaken: see `write_recorded`.
    """
    levels = last_levels(link)
    if levels is None or not levels.twins or levels.within_minutes is not None:
        return []
    shown = list(link.centra.stock_levels_of([twin.product_size_id for twin in levels.twins]))
    with link.ledger.transaction() as tx:
        resolve_writes_of_former_sizes(tx, sizes_by_sku(levels.twins))
        for level in shown:
            if not _is_for_sale(level):
                resolve_shared_write(tx, level.sku, level.product_size_id)
    intents = [_off_sale(level) for level in shown if _is_for_sale(level)]
    most = allowed_for_stock(link).batches * SKUS_OF_A_BATCH
    errors: list[IntegrationError | None] = []
    for start in range(0, len(intents[:most]), SKUS_OF_A_BATCH):
        answer = write_recorded(
            link,
            lease,
            snapshot_id,
            intents[start : start + SKUS_OF_A_BATCH],
            description=_DESCRIPTION,
            note=update_shared_write_exceptions,
            send=by_size_id,
        )
        if answer is None:
            break
        errors.append(answer.error)
        if isinstance(answer.error, AccessDenied):
            raise answer.error
    return errors


def _is_for_sale(level: CentraStockLevel) -> bool:
    return level.physical > level.allocated


def _off_sale(level: CentraStockLevel) -> StockIntent:
    return StockIntent(
        sku=level.sku,
        product_size_id=level.product_size_id,
        from_quantity=level.physical,
        to_quantity=level.allocated,
        whistl_available=0,
        units_held=0,
        units_left=0,
        buffer=0,
    )
