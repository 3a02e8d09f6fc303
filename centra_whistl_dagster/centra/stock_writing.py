"""Writing a batch of stock figures of which Centra may refuse some.

Belongs here: how to get the others through. Does not belong here: the figures (`workflows`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from centra_whistl_dagster.centra.records import RefusedStockLine, StockWriteResult
from centra_whistl_dagster.transport import AccessDenied, Refused

Level = tuple[str, int]
"""A SKU and its physical quantity."""

_LINE_OF_BATCH = re.compile(r"\bproductSizes\.(\d+)")


def write_apart(
    levels: Sequence[Level], write: Callable[[Sequence[Level]], tuple[str, ...]]
) -> StockWriteResult:
    """Write all levels, taking what is refused apart until the refused ones stand alone.

    A figure is absolute, so one that a refused batch set after all is merely set again. Which lines
    an error's path names only decides where a batch is taken apart: its form is not published, so a
    line counts as refused when it was so alone.

    Raises:
        IntegrationError: other than a refusal; what was written so far stays written.
    """
    written: list[Level] = []
    refused: list[RefusedStockLine] = []
    warnings: list[str] = []
    pending = [list(levels)] if levels else []
    while pending:
        batch = pending.pop()
        try:
            warnings.extend(write(batch))
        except AccessDenied:
            raise
        except Refused as error:
            if len(batch) == 1:
                ((sku, quantity),) = batch
                refused.append(RefusedStockLine(sku=sku, quantity=quantity, reason=error.detail))
            else:
                pending += _taken_apart(batch, error)
        else:
            written += batch
    return StockWriteResult(
        written=tuple(written), refused=tuple(refused), warnings=tuple(warnings)
    )


def _taken_apart(batch: list[Level], error: Refused) -> list[list[Level]]:
    paths = [_LINE_OF_BATCH.search(reason.field) for reason in error.reasons]
    named = {int(found[1]) for found in paths if found}
    suspects = [level for at, level in enumerate(batch) if at in named]
    if suspects and len(suspects) < len(batch):
        return [suspects, [level for at, level in enumerate(batch) if at not in named]]
    middle = len(batch) // 2
    return [batch[middle:], batch[:middle]]
