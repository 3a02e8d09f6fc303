"""Write one batch of stock quantities to Centra, and read them back.

Centra documents neither how many SKUs one `setStock` may name nor what it does with a quantity
below the allocated one, so every write is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, NotSent, Throttled
from centra_whistl_dagster.workflows.link import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAnswer:
    """What came of writing the quantity of one SKU."""

    outcome: WriteOutcome
    shown: int | None = None
    """The physical quantity that Centra showed afterwards; None when it was not read back."""
    allocated: int = 0
    """Units that Centra had allocated then."""
    reason: str = ""
    """Centra's own, where it refused."""

    def may_wait(self, wanted: int) -> bool:
        """Say whether the SKU may wait for its own interval: no more is for sale than should be."""
        if self.outcome is WriteOutcome.NOT_TAKEN:
            return self.shown is not None and self.shown <= max(wanted, self.allocated)
        return self.outcome in {WriteOutcome.WRITTEN, WriteOutcome.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer:
    """What came of writing a batch."""

    by_sku: dict[str, WriteAnswer]
    error: IntegrationError | None = None
    """Why it is not known of some SKUs; None where Centra answered for all."""


def write_batch(link: Link, batch: Sequence[StockIntent], *, description: str) -> BatchAnswer:
    """Write a batch, and return what came of each SKU.

    Args:
        link: the connection.
        batch: the quantities, each already written down in the ledger.
        description: what Centra's own log of stock changes shows.

    Raises:
        AccessDenied: Centra does not let us write; nothing was written.
    """
    quantities = [(intent.sku, intent.to_quantity) for intent in batch]
    try:
        result = link.centra.set_physical_stock(quantities, description=description)
    except AccessDenied:
        raise
    except (NotSent, Throttled) as error:
        return BatchAnswer(by_sku=_all(batch, WriteOutcome.NOT_SENT), error=error)
    except IntegrationError as error:
        # The next sync reads Centra's levels and compares anew.
        return BatchAnswer(by_sku=_all(batch, WriteOutcome.UNKNOWN), error=error)
    refusals = {
        line.sku: WriteAnswer(outcome=WriteOutcome.REFUSED, reason=line.reason)
        for line in result.refused
    }
    try:
        off_sale = _take_off_sale(link, [intent for intent in batch if intent.sku in refusals])
        taken = [intent for intent in batch if intent.sku not in refusals.keys() - off_sale]
        return BatchAnswer(by_sku=refusals | _read_back(link, taken))
    except IntegrationError as error:
        return BatchAnswer(by_sku=_all(batch, WriteOutcome.UNKNOWN) | refusals, error=error)


def _all(batch: Sequence[StockIntent], outcome: WriteOutcome) -> dict[str, WriteAnswer]:
    return {intent.sku: WriteAnswer(outcome=outcome) for intent in batch}


def _take_off_sale(link: Link, refused: Sequence[StockIntent]) -> set[str]:
    """Offer nothing of refused SKUs of which more is sold than exists; return those SKUs.

    A Centra that refuses a quantity below the allocated one would go on selling.
    """
    if not refused:
        return set()
    levels = link.centra.stock_levels_of([intent.product_size_id for intent in refused])
    allocated = {level.product_size_id: level.allocated for level in levels}
    oversold = [
        (intent.sku, allocated[intent.product_size_id])
        for intent in refused
        if intent.to_quantity < allocated.get(intent.product_size_id, 0)
    ]
    if not oversold:
        return set()
    result = link.centra.set_physical_stock(oversold, description="Oversold: nothing is for sale")
    return {sku for sku, _ in result.written}


def _read_back(link: Link, taken: Sequence[StockIntent]) -> dict[str, WriteAnswer]:
    """Compare a batch with what Centra shows. No shipment is completed meanwhile: it must agree."""
    levels = {
        level.product_size_id: level
        for level in link.centra.stock_levels_of([intent.product_size_id for intent in taken])
    }
    answers = {}
    for intent in taken:
        level = levels.get(intent.product_size_id)
        if level is None:
            # Centra said yes, and has no stock of it all the same.
            answers[intent.sku] = WriteAnswer(outcome=WriteOutcome.NOT_TAKEN)
            continue
        is_as_wanted = level.physical == intent.to_quantity
        answers[intent.sku] = WriteAnswer(
            outcome=WriteOutcome.WRITTEN if is_as_wanted else WriteOutcome.NOT_TAKEN,
            shown=level.physical,
            allocated=level.allocated,
        )
    return answers
