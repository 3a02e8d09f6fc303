"""Which orders hold a SKU, found without reading every order for every SKU.

A sum over five thousand SKUs and two thousand orders then takes one walk over the lines, not ten
million comparisons.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Generic, TypeVar

O = TypeVar("O")  # noqa: E741 - the order type, of either system


class LineIndex(Generic[O]):
    """Orders by SKU, reading only what the source gained since last asked: a source never loses."""

    def __init__(
        self, source: Callable[[], Collection[O]], skus_of: Callable[[O], Iterable[str]]
    ) -> None:
        self._source = source
        self._skus_of = skus_of
        self._read = 0
        self._orders: dict[str, list[O]] = defaultdict(list)

    def with_sku(self, sku: str) -> list[O]:
        """Return the orders that have a line of this SKU, oldest first, each once."""
        self._catch_up()
        return self._orders.get(sku, [])

    def include(self, order: O, sku: str) -> None:
        """Let an order that is already in the source be found by one more SKU."""
        self._catch_up()
        if not any(known is order for known in self._orders[sku]):
            self._orders[sku].append(order)

    def _catch_up(self) -> None:
        source = self._source()
        if len(source) == self._read:
            return
        for order in itertools.islice(source, self._read, None):
            for sku in dict.fromkeys(self._skus_of(order)):
                self._orders[sku].append(order)
        self._read = len(source)
