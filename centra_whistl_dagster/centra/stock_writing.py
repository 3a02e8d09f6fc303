"""Writing a batch of stock quantities when Centra refuses some of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from centra_whistl_dagster.transport import AccessDenied, Refused

Size = TypeVar("Size", str, int)
"""What names a size of a product: its SKU, or Centra's id of it."""

_LINE_OF_BATCH = re.compile(r"\bproductSizes\.(\d+)")


def write_apart(
    levels: Sequence[tuple[Size, int]], write: Callable[[Sequence[tuple[Size, int]]], None]
) -> dict[Size, str]:
    """Write all levels, splitting each refused batch until the refused levels stand alone.

    A quantity is absolute, so setting it twice does no harm. The lines that an error's path names
    only decide where a batch is split: the path's format is not published, so a line counts as
    refused only when Centra refused it on its own.

    Args:
        levels: physical quantities, each with what names its size.
        write: makes one call.

    Returns:
        why Centra refused a size, by its name: codes and fields, never Centra's sentence.

    Raises:
        IntegrationError: other than a refusal; what was written so far stays written.
    """
    refused: dict[Size, str] = {}
    pending = [list(levels)] if levels else []
    while pending:
        batch = pending.pop()
        try:
            write(batch)
        except AccessDenied:
            raise
        except Refused as error:
            if len(batch) == 1:
                refused[batch[0][0]] = error.detail
            else:
                pending += _split(batch, error)
    return refused


def _split(batch: list[tuple[Size, int]], error: Refused) -> list[list[tuple[Size, int]]]:
    paths = [_LINE_OF_BATCH.search(reason.field) for reason in error.reasons]
    named = {int(path[1]) for path in paths if path}
    suspects = [level for at, level in enumerate(batch) if at in named]
    if suspects and len(suspects) < len(batch):
        return [suspects, [level for at, level in enumerate(batch) if at not in named]]
    middle = len(batch) // 2
    return [batch[middle:], batch[:middle]]
