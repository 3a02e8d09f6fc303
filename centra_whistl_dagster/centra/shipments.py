"""Shipments over GraphQL: what Centra has of orders that are leaving, and its answers to writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from centra_whistl_dagster.centra import reading
from centra_whistl_dagster.centra.graphql import GraphQL
from centra_whistl_dagster.centra.pages import orders_in_parts
from centra_whistl_dagster.centra.records import ShipmentWritten
from centra_whistl_dagster.centra.refusals import reasons_in
from centra_whistl_dagster.domain.orders.shipping import ShippingOrder, UnreadableShippingOrder
from centra_whistl_dagster.transport import CallKind
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields, name_of

_OPERATION = "ShippingOrders"
_PER_QUERY = 50


def shipping_orders(
    graphql: GraphQL, ids: Sequence[str]
) -> dict[str, ShippingOrder | UnreadableShippingOrder]:
    """Read what Centra has of orders that are leaving, by Centra's id."""
    absent = UnreadableShippingOrder(field="order", detail="Centra does not show it")
    found: dict[str, ShippingOrder | UnreadableShippingOrder] = dict.fromkeys(ids, absent)
    for start in range(0, len(ids), _PER_QUERY):
        chunk = list(ids[start : start + _PER_QUERY])
        for row in orders_in_parts(graphql, _OPERATION, [{"id": centra_id} for centra_id in chunk]):
            centra_id = name_of(row, "id")
            if centra_id in found:
                found[centra_id] = reading.shipping_order(row)
    return found


def ship(
    graphql: GraphQL,
    kind: CallKind,
    operation: str,
    field: str,
    variables: Mapping[str, object],
) -> ShipmentWritten:
    """Run one mutation of a shipment, and return the shipment that its payload names."""
    data = graphql.run(kind, operation, variables)
    try:
        node = Fields(data).required_child(field).required_child("shipment")
        return ShipmentWritten(
            shipment_id=node.whole("id"),
            number=node.text("number"),
            is_shipped=node.flag("isShipped"),
            is_paid=node.flag("isPaid", default=False),
            is_captured=node.flag("isCaptured", default=False),
            warnings=reasons_in(data, "userWarnings"),
        )
    except BrokenRecord as broken:
        raise graphql.broken(kind, operation, str(broken)) from broken
