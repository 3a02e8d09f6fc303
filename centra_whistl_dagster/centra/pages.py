"""Reading lists from Centra, page by page: what ends a list, and what one bad record does to it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from centra_whistl_dagster.centra.graphql import GraphQL
from centra_whistl_dagster.transport import CallKind, Json
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields, name_of

T = TypeVar("T")

_logger = logging.getLogger("centra_whistl_dagster.centra")


def id_of(row: Json) -> object:
    """Return what identifies a record: its id, else the record itself as text."""
    given = row.get("id") if isinstance(row, dict) else None
    return given if isinstance(given, str | int) else repr(row)


def size_id_of(row: Json) -> object:
    """Return what identifies a stock row: its size's id, else the row itself as text."""
    size = row.get("productSize") if isinstance(row, dict) else None
    given = size.get("id") if isinstance(size, dict) else None
    return given if isinstance(given, int) else repr(row)


def rows_of(graphql: GraphQL, operation: str, data: Mapping[str, Json], *path: str) -> list[Json]:
    """Return the list at a path of an answer's data.

    Raises:
        ContractBroken: there is no list. Absent is not empty.
    """
    value: object = data
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        raise graphql.broken(CallKind.READ, operation, f"{'.'.join(path)} is not a list")
    return value


def pages(
    graphql: GraphQL,
    operation: str,
    variables: Mapping[str, object],
    *,
    limit: int,
    find: Callable[[Mapping[str, Json]], list[Json]],
    key: Callable[[Json], object] = id_of,
) -> Iterator[Json]:
    """Yield each record of a list once, asking for pages until one is not full.

    Records shift between pages while a list is read, so one may come twice; one that is missed is
    found by the next sweep.

    Raises:
        IntegrationError: the list could not be read to the end. A full page without one new record
            is an error too: the server repeats one page for ever.
    """
    seen: set[object] = set()
    for page in itertools.count(1):
        asked = {**variables, "limit": limit, "page": page}
        data = graphql.run(CallKind.READ, operation, asked, records=limit)
        rows = find(data)
        new = [row for row in rows if key(row) not in seen]
        seen.update(key(row) for row in new)
        yield from new
        if len(rows) < limit:
            return
        if not new:
            raise graphql.broken(CallKind.READ, operation, f"page {page} repeats the one before")


def readable(rows: Iterable[Json], read: Callable[[Fields], T]) -> Iterator[T]:
    """Yield the records that can be read, and log the others with the field at fault."""
    for row in rows:
        try:
            yield read(Fields(row))
        except BrokenRecord as broken:
            name = name_of(row, "id", "number") or "without an id"
            _logger.warning("%s %s is left out: %s", read.__name__, name, broken)
