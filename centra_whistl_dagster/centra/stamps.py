"""The cheap look at which orders changed: two lists in one request, each read to its end.

Belongs here: how both are paged together. Does not belong here: what is done about a change
(`workflows.orders.intake`), or reading an order whole (`client`).
"""

from __future__ import annotations

from datetime import datetime

from centra_whistl_dagster.centra import inputs, mapping
from centra_whistl_dagster.centra.graphql import GraphQL
from centra_whistl_dagster.centra.pages import readable, rows_of
from centra_whistl_dagster.centra.records import OrderStamp, OrderStamps
from centra_whistl_dagster.transport import CallKind


def order_stamps(graphql: GraphQL, since: datetime | None, *, page_size: int) -> OrderStamps:
    """Return the stamps of the orders that changed since a moment; None looks at every open one.

    Raises:
        IntegrationError: a list could not be read to its end.
    """
    found: dict[str, dict[str, OrderStamp]] = {"open": {}, "cancelled": {}}
    wanted = {"open": True, "cancelled": since is not None}
    page = 0
    while any(wanted.values()):
        page += 1
        variables = {
            "open": inputs.open_orders(since),
            "cancelled": inputs.cancelled_orders(since),
            "withOpen": wanted["open"],
            "withCancelled": wanted["cancelled"],
            "limit": page_size,
            "page": page,
        }
        data, _ = graphql.run(CallKind.READ, "OrderStamps", variables)
        for name in [name for name, is_wanted in wanted.items() if is_wanted]:
            rows = rows_of(graphql, "OrderStamps", data, name)
            known = len(found[name])
            found[name].update((one.centra_id, one) for one in readable(rows, mapping.stamp))
            # A server that does not turn pages would bring the same full one for ever.
            is_new = len(found[name]) > known
            wanted[name] = is_new and len(rows) >= page_size
    return OrderStamps(
        open=tuple(found["open"].values()), cancelled=tuple(found["cancelled"].values())
    )
