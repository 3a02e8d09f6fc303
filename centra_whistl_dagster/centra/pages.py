"""Reading lists from Centra, page by page: what ends a list, and what one bad record does to it.

Does not belong here: what is read (`client`) and how a record is read (`reading`).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from centra_whistl_dagster.centra import inputs
from centra_whistl_dagster.centra.graphql import GraphQL, RecordsBroken
from centra_whistl_dagster.transport import AnswerTooLarge, CallKind, Json
from centra_whistl_dagster.transport.calls import LANE_PATIENCE_SECONDS
from centra_whistl_dagster.transport.fields import UNRESOLVED, BrokenRecord, Fields, name_of

T = TypeVar("T")

_SAME_DATE = timedelta(seconds=1)
"""Centra gives whole seconds, and whether its ranges include their ends is not documented."""

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
    patience_seconds: float = LANE_PATIENCE_SECONDS,
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
        data = graphql.run(
            CallKind.READ, operation, asked, records=limit, patience_seconds=patience_seconds
        )
        rows = find(data)
        new = [row for row in rows if key(row) not in seen]
        seen.update(key(row) for row in new)
        yield from new
        if len(rows) < limit:
            return
        if not new:
            raise graphql.broken(CallKind.READ, operation, f"page {page} repeats the one before")


@dataclass(slots=True)
class OrderPages:
    """How far a list of orders has been read, oldest order first.

    An order that leaves the list while it is read (locked, shipped, cancelled) moves every later
    one up, and one of them from the next page to the last. So each page begins at the date of the
    last order read, and not at a number of orders; pages are counted only among orders of one date.
    """

    where: Mapping[str, object]
    limit: int
    number: int = 1
    is_read: bool = False
    """The list was read to its end."""
    is_repeating: bool = False
    """A full page had not one new order: the server would repeat it for ever."""
    _from: datetime | None = None
    _seen: set[object] = field(default_factory=set)

    @property
    def filter(self) -> dict[str, object]:
        """Return the filter of the page to read next."""
        if self._from is None:
            return dict(self.where)
        given = self.where.get("orderDate")
        dates = given if isinstance(given, Mapping) else {}
        return {**self.where, "orderDate": {**dates, "from": inputs.iso_utc(self._from)}}

    def new_among(self, rows: Sequence[Json], *, is_full: bool) -> list[Json]:
        """Return the orders of the page just read that were not read before, and turn the page."""
        new = [row for row in rows if id_of(row) not in self._seen]
        self._seen.update(map(id_of, new))
        dates = [at for at in map(_ordered_at, rows) if at is not None]
        reached = max(dates) - _SAME_DATE if dates else None
        if not is_full:
            self.is_read = True
        elif reached is not None and (self._from is None or reached > self._from):
            self._from, self.number = reached, 1
        elif new or self.number == 1:
            self.number += 1
        else:
            self.is_read = self.is_repeating = True
        return new


def order_pages(
    graphql: GraphQL, operation: str, where: Mapping[str, object], *, limit: int
) -> Iterator[Json]:
    """Yield each order that meets a filter once, whatever leaves the list while it is read.

    Raises:
        IntegrationError: the list could not be read to the end.
    """
    pages_ = OrderPages(where, limit)
    while not pages_.is_read:
        asked = {"where": pages_.filter, "limit": limit, "page": pages_.number}
        rows, is_full = _orders(graphql, operation, asked, limit)
        yield from pages_.new_among(rows, is_full=is_full)
        if pages_.is_repeating:
            detail = f"page {pages_.number} repeats the one before"
            raise graphql.broken(CallKind.READ, operation, detail)


def _orders(
    graphql: GraphQL, operation: str, asked: Mapping[str, object], limit: int
) -> tuple[list[Json], bool]:
    """Return a page of orders, and whether it was full.

    Where one of them takes the page with it, that one is marked.
    """
    try:
        data = graphql.run(CallKind.READ, operation, asked, records=limit)
    except (RecordsBroken, AnswerTooLarge):
        stamps = graphql.run(
            CallKind.READ,
            "OrderStamps",
            {
                "open": asked["where"],
                "withOpen": True,
                "withCancelled": False,
                "limit": limit,
                "openPage": asked["page"],
                "cancelledPage": 1,
            },
            records=limit,
        )
        known = rows_of(graphql, "OrderStamps", stamps, "open")
        one_by_one = orders_in_parts(
            graphql, operation, [row for row in known if isinstance(row, dict)]
        )
        # Some may have left meanwhile: what counts is the list by which they were asked for.
        return one_by_one, len(known) >= limit
    rows = rows_of(graphql, operation, data, "orders")
    return rows, len(rows) >= limit


def orders_in_parts(graphql: GraphQL, operation: str, known: list[dict[str, Json]]) -> list[Json]:
    """Read orders by their ids, in ever smaller parts until the one that fails is alone."""
    if not known:
        return []
    ids = [row.get("id") for row in known]
    asked = {"where": {"id": ids}, "limit": len(ids) + 1, "page": 1}
    try:
        data = graphql.run(CallKind.READ, operation, asked, records=len(ids))
    except (RecordsBroken, AnswerTooLarge) as broken:
        if len(known) == 1:
            field = broken.field if isinstance(broken, RecordsBroken) else "record"
            return [{**known[0], UNRESOLVED: field}]
        middle = len(known) // 2
        return [
            *orders_in_parts(graphql, operation, known[:middle]),
            *orders_in_parts(graphql, operation, known[middle:]),
        ]
    return rows_of(graphql, operation, data, "orders")


def _ordered_at(row: Json) -> datetime | None:
    try:
        return Fields(row).optional_moment("orderDate")
    except BrokenRecord:
        return None  # whoever reads the order finds out why


def readable(
    rows: Iterable[Json],
    read: Callable[[Fields], T],
    on_broken: Callable[[Json, BrokenRecord], object] | None = None,
) -> Iterator[T]:
    """Yield the records that can be read; log the others with the field at fault, and pass them on.

    Args:
        rows: the records as they came.
        read: reads one.
        on_broken: called with each that cannot be read, and why.
    """
    for row in rows:
        try:
            yield read(Fields(row))
        except BrokenRecord as broken:
            name = name_of(row, "id", "number") or "without an id"
            _logger.warning("%s %s is left out: %s", read.__name__, name, broken)
            if on_broken:
                on_broken(row, broken)
