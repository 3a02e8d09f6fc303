"""Reading lists from Centra, page by page.

Belongs here: what ends a list, and what one bad record does to the others. Does not belong here:
which lists there are (`client`).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from centra_whistl_dagster.centra.graphql import GraphQL
from centra_whistl_dagster.transport import CallKind
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields

T = TypeVar("T")

_logger = logging.getLogger("centra_whistl_dagster.centra")


def id_of(row: Any) -> object:
    """Return a record's id, else the record itself as text."""
    found = row.get("id") if isinstance(row, Mapping) else None
    return found if isinstance(found, str | int) else repr(row)


def size_id_of(row: Any) -> object:
    """Return the id of a stock row's size, else the row itself as text."""
    size = row.get("productSize") if isinstance(row, Mapping) else None
    found = size.get("id") if isinstance(size, Mapping) else None
    return found if isinstance(found, int) else repr(row)


def rows_of(graphql: GraphQL, operation: str, data: Mapping[str, Any], *path: str) -> list[Any]:
    """Return the list at a path of an answer's data.

    Raises:
        ContractBroken: there is no list. Absent is not empty.
    """
    value: Any = data
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        raise graphql.broken(CallKind.READ, operation, f"{'.'.join(path)} is not a list")
    return value


def pages(
    graphql: GraphQL,
    operation: str,
    variables: Mapping[str, Any],
    *,
    limit: int,
    find: Callable[[Mapping[str, Any]], list[Any]],
    key: Callable[[Any], object] = id_of,
) -> Iterator[Any]:
    """Yield each record of a list once, asking for pages until one is not full.

    Records shift between pages while a list is read, so one may come twice; one that is missed is
    found by the next sweep.

    Raises:
        IntegrationError: the list could not be read to the end. A full page without one new record
            ends it likewise: the server does not turn pages.
    """
    seen: set[object] = set()
    for page in itertools.count(1):
        data, _ = graphql.run(CallKind.READ, operation, {**variables, "limit": limit, "page": page})
        rows = find(data)
        new = [row for row in rows if key(row) not in seen]
        seen.update(key(row) for row in new)
        yield from new
        if len(rows) < limit:
            return
        if not new:
            raise graphql.broken(CallKind.READ, operation, f"page {page} repeats the one before")


def readable(rows: Iterable[Any], read: Callable[[Fields], T]) -> Iterator[T]:
    """Yield the records that can be read, and log the others by field."""
    for row in rows:
        try:
            yield read(Fields(row))
        except BrokenRecord as broken:
            _logger.warning("%s %s is left out: %s", read.__name__, id_of(row), broken)
