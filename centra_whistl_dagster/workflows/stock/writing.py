"""Write one batch of stock quantities to Centra, by SKU or by size, and read them back.

Centra documents neither how many SKUs one `setStock` may name nor what it does with a quantity
below the allocated one, so every write is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, NotSent, Throttled
from centra_whistl_dagster.workflows.link import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAnswer:
    """What came of writing the quantity of one size."""

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

    by_size: dict[int, WriteAnswer]
    """By the size's id in Centra."""
    error: IntegrationError | None = None
    """Why it is not known of some sizes; None where Centra answered for all."""


Refusals = dict[int, str]
"""Why Centra refused a size, by its id, in our own words."""
Send = Callable[[Link, Sequence[StockIntent], str], Refusals]
"""Sends quantities with a description."""


def by_sku(link: Link, batch: Sequence[StockIntent], description: str) -> Refusals:
    """Send quantities to Centra by SKU."""
    quantities = [(intent.sku, intent.to_quantity) for intent in batch]
    result = link.centra.set_physical_stock(quantities, description=description)
    reasons = {line.sku: line.reason for line in result.refused}
    return {each.product_size_id: reasons[each.sku] for each in batch if each.sku in reasons}


def by_size_id(link: Link, batch: Sequence[StockIntent], description: str) -> Refusals:
    """Send quantities to Centra by the id of the size, where several sizes share a SKU."""
    quantities = [(intent.product_size_id, intent.to_quantity) for intent in batch]
    return link.centra.set_physical_stock_of_sizes(quantities, description=description)


def write_batch(
    link: Link, batch: Sequence[StockIntent], *, description: str, send: Send = by_sku
) -> BatchAnswer:
    """Write a batch, and return what came of each size.

    Args:
        link: the connection.
        batch: the quantities, each already written down in the ledger.
        description: what Centra's own log of stock changes shows.
        send: what names the sizes in the call.

    Raises:
        AccessDenied: Centra does not let us write; nothing was written.
    """
    try:
        reasons = send(link, batch, description)
    except AccessDenied:
        raise
    except (NotSent, Throttled) as error:
        return BatchAnswer(by_size=_all(batch, WriteOutcome.NOT_SENT), error=error)
    except IntegrationError as error:
        # The next sync reads Centra's levels and compares anew.
        return BatchAnswer(by_size=_all(batch, WriteOutcome.UNKNOWN), error=error)
    refusals = {
        size_id: WriteAnswer(outcome=WriteOutcome.REFUSED, reason=reason)
        for size_id, reason in reasons.items()
    }
    try:
        refused = [intent for intent in batch if intent.product_size_id in refusals]
        still_refused = refusals.keys() - _take_off_sale(link, refused, send)
        taken = [intent for intent in batch if intent.product_size_id not in still_refused]
        return BatchAnswer(by_size=refusals | _read_back(link, taken))
    except IntegrationError as error:
        return BatchAnswer(by_size=_all(batch, WriteOutcome.UNKNOWN) | refusals, error=error)


def _all(batch: Sequence[StockIntent], outcome: WriteOutcome) -> dict[int, WriteAnswer]:
    return {intent.product_size_id: WriteAnswer(outcome=outcome) for intent in batch}


def _take_off_sale(link: Link, refused: Sequence[StockIntent], send: Send) -> set[int]:
    """Offer nothing of refused sizes of which more is sold than exists; return those sizes.

    A Centra that refuses a quantity below the allocated one would go on selling.
    """
    if not refused:
        return set()
    levels = link.centra.stock_levels_of([intent.product_size_id for intent in refused])
    allocated = {level.product_size_id: level.allocated for level in levels}
    oversold = [
        replace(intent, to_quantity=allocated[intent.product_size_id])
        for intent in refused
        if intent.to_quantity < allocated.get(intent.product_size_id, 0)
    ]
    if not oversold:
        return set()
    refused_again = send(link, oversold, "Oversold: nothing is for sale")
    return {intent.product_size_id for intent in oversold} - refused_again.keys()


def _read_back(link: Link, taken: Sequence[StockIntent]) -> dict[int, WriteAnswer]:
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
            answers[intent.product_size_id] = WriteAnswer(outcome=WriteOutcome.NOT_TAKEN)
            continue
        is_as_wanted = level.physical == intent.to_quantity
        answers[intent.product_size_id] = WriteAnswer(
            outcome=WriteOutcome.WRITTEN if is_as_wanted else WriteOutcome.NOT_TAKEN,
            shown=level.physical,
            allocated=level.allocated,
        )
    return answers
