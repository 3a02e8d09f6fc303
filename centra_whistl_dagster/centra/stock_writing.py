"""Writing a batch of stock quantities when Centra refuses some of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from centra_whistl_dagster.centra.records import RefusedStockLine, StockWriteResult
from centra_whistl_dagster.transport import AccessDenied, Refused

Level = tuple[str, int]
"""A SKU and its physical quantity."""

_LINE_OF_BATCH = re.compile(r"\bproductSizes\.(\d+)")


def write_apart(
    levels: Sequence[Level], write: Callable[[Sequence[Level]], None]
) -> StockWriteResult:
    """Write all levels, splitting each refused batch until the refused levels stand alone.

    A quantity is absolute, so setting it twice does no harm. The lines that an error's path names
    only decide where a batch is split: the path's format is not published, so a line counts as
    refused only when Centra refused it on its own.

    Raises:
        IntegrationError: other than a refusal; what was written so far stays written.
    """
    written: list[Level] = []
    refused: list[RefusedStockLine] = []
    pending = [list(levels)] if levels else []
    while pending:
        batch = pending.pop()
        try:
            write(batch)
        except AccessDenied:
            raise
        except Refused as error:
            if len(batch) == 1:
                ((sku, quantity),) = batch
                refused.append(RefusedStockLine(sku=sku, quantity=quantity, reason=error.detail))
            else:
                pending += _split(batch, error)
        else:
            written += batch
    return StockWriteResult(written=tuple(written), refused=tuple(refused))


def _split(batch: list[Level], error: Refused) -> list[list[Level]]:
    paths = [_LINE_OF_BATCH.search(reason.field) for reason in error.reasons]
    named = {int(path[1]) for path in paths if path}
    suspects = [level for at, level in enumerate(batch) if at in named]
    if suspects and len(suspects) < len(batch):
        return [suspects, [level for at, level in enumerate(batch) if at not in named]]
    middle = len(batch) // 2
    return [batch[middle:], batch[:middle]]
