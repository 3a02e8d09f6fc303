"""The cheap poll for changed orders: two lists in one request, each read to its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from centra_whistl_dagster.centra import inputs, reading
from centra_whistl_dagster.centra.graphql import GraphQL
from centra_whistl_dagster.centra.pages import OrderPages, readable, rows_of
from centra_whistl_dagster.centra.records import OrderStamp, OrderStamps
from centra_whistl_dagster.transport import CallKind

_OPERATION = "OrderStamps"


def order_stamps(graphql: GraphQL, since: datetime | None, *, page_size: int) -> OrderStamps:
    """Return the stamps of the orders that changed since a moment; None reads every open one.

    Raises:
        IntegrationError: a list could not be read to its end.
    """
    cancelled = None if since is None else inputs.cancelled_orders(since)
    return _read(graphql, inputs.open_orders(since), cancelled, page_size=page_size)


def stamps_that_meet(
    graphql: GraphQL, where: Mapping[str, object], *, page_size: int
) -> tuple[OrderStamp, ...]:
    """Return the stamps of the orders that meet a filter.

    Raises:
        IntegrationError: the list could not be read to its end.
    """
    return list_that_meets(graphql, where, page_size=page_size).open


def list_that_meets(
    graphql: GraphQL, where: Mapping[str, object], *, page_size: int
) -> OrderStamps:
    """Return the same as open orders, with how many could not be read.

    Raises:
        IntegrationError: the list could not be read to its end.
    """
    return _read(graphql, where, None, page_size=page_size)


def _read(
    graphql: GraphQL,
    open_: Mapping[str, object],
    cancelled: Mapping[str, object] | None,
    *,
    page_size: int,
) -> OrderStamps:
    stamps: dict[str, list[OrderStamp]] = {"open": [], "cancelled": []}
    listed = 0
    lists = {
        "open": OrderPages(open_, page_size),
        "cancelled": OrderPages(cancelled or {}, page_size, is_read=cancelled is None),
    }
    while wanted := {name: pages for name, pages in lists.items() if not pages.is_read}:
        variables = {
            "open": lists["open"].filter,
            "cancelled": lists["cancelled"].filter,
            "withOpen": "open" in wanted,
            "withCancelled": "cancelled" in wanted,
            "limit": page_size,
            "openPage": lists["open"].number,
            "cancelledPage": lists["cancelled"].number,
        }
        data = graphql.run(CallKind.READ, _OPERATION, variables, records=page_size)
        for name, pages in wanted.items():
            rows = rows_of(graphql, _OPERATION, data, name)
            new = pages.new_among(rows, is_full=len(rows) >= page_size)
            listed += len(new)
            stamps[name].extend(readable(new, reading.stamp))
    return OrderStamps(
        open=tuple(stamps["open"]),
        cancelled=tuple(stamps["cancelled"]),
        unreadable=listed - sum(map(len, stamps.values())),
    )
