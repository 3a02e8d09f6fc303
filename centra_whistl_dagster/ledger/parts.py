"""Many ids in few queries.

Belongs here: how many go into one IN list. Does not belong here: any query.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_IN_LIST = 500
"""SQLite and PostgreSQL take many more; plans stay cached with one size."""


def parts(ids: Iterable[T]) -> Iterator[list[T]]:
    """Yield ids in lists short enough for one query."""
    everything = list(ids)
    for start in range(0, len(everything), _IN_LIST):
        yield everything[start : start + _IN_LIST]
