"""How orders, lines and shipments read through Centra's schema: one plain function per field.

A field with the name of a dict key or an attribute needs no function. Does not belong here: goods
and their stock (`goods`), which records a caller asked for (`search`), and any change (`orders`,
`shipments`, `stock`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from graphql import GraphQLResolveInfo

from centra_whistl_dagster.simulator.centra.goods import GOODS, WAREHOUSES, Resolver
from centra_whistl_dagster.simulator.centra.times import ZERO_DATE
from centra_whistl_dagster.simulator.world.world import (
    CentraLine,
    CentraOrder,
    CentraShipment,
    Item,
)

VAT_RATE = Decimal("0.2")
STORE = {"id": 1, "name": "Main store", "type": "DIRECT_TO_CONSUMER"}
CURRENCY_IDS = {"GBP": 1, "EUR": 2}


class LineOf(NamedTuple):
    """A line with the order it belongs to."""

    order: CentraOrder
    line: CentraLine
    item: Item | None


class ShipmentOf(NamedTuple):
    """A shipment with the order it belongs to."""

    order: CentraOrder
    shipment: CentraShipment


def money(amount: Decimal, currency: str) -> dict[str, object]:
    """Spell an amount as a MonetaryValue."""
    return {
        "value": float(amount),
        "currency": {"id": CURRENCY_IDS[currency], "code": currency},
        "formattedValue": f"{amount:.2f} {currency}",
    }


def without_tax(amount: Decimal) -> Decimal:
    """Take the tax off a gross amount, to the penny."""
    return (amount / (1 + VAT_RATE)).quantize(Decimal("0.01"))


def _priced(gross: Decimal, order: CentraOrder, *, includingTax: bool) -> dict[str, object]:  # noqa: N803 - Centra's name
    return money(gross if includingTax else without_tax(gross), order.currency)


# ---- orders
def order_status(order: CentraOrder, info: GraphQLResolveInfo) -> str:
    """Show an order's status, or the one that no published list has."""
    unknown: str | None = info.context.world.switch("centra_unknown_status")
    return unknown if unknown and order.is_on_hold else order.status


def gross_total(order: CentraOrder) -> Decimal:
    """Sum what is still wanted, less a discount on the order, and its delivery."""
    goods = sum((line.quantity * line.unit_price for line in order.lines), Decimal(0))
    return goods - order.discount + order.shipping_price


def order_lines(
    order: CentraOrder,
    info: GraphQLResolveInfo,
    includeFullyCancelled: bool = False,  # noqa: N803 - the argument's name in Centra's schema
) -> list[LineOf]:
    """List an order's lines; those wholly cancelled only when asked for."""
    items = info.context.world.items
    return [
        LineOf(order, line, items.get(line.sku))
        for line in order.lines
        if line.quantity or includeFullyCancelled
    ]


def order_totals(order: CentraOrder, _: GraphQLResolveInfo) -> dict[str, object]:
    """Show delivery, tax and any discount on the order; this shop charges no handling."""
    total = gross_total(order)
    return {
        "shipping": money(order.shipping_price, order.currency),
        "handling": money(Decimal(0), order.currency),
        "taxIncluded": money(total - without_tax(total), order.currency),
        "discounts": money(-order.discount, order.currency),
    }


def shipments_of(order: CentraOrder, _: GraphQLResolveInfo) -> list[ShipmentOf]:
    """List an order's shipments."""
    return [ShipmentOf(order, shipment) for shipment in order.shipments]


ORDER: dict[str, Resolver] = {
    "id": lambda order, _: order.order_id,
    "status": order_status,
    "isOnHold": lambda order, _: order.is_on_hold,
    "isLocked": lambda order, _: order.is_locked,
    "isInternal": lambda order, _: order.is_internal,
    "isWaitingForPayment": lambda order, _: order.is_waiting_for_payment,
    "grandTotal": lambda order, _, **tax: _priced(gross_total(order), order, **tax),
    "createdAt": lambda order, _: order.created_at,
    "orderDate": lambda order, _: order.created_at,
    "updatedAt": lambda order, _: order.updated_at,
    "internalComment": lambda order, _: order.internal_comment,
    "otherComment": lambda order, _: order.other_comment,
    "shippingAddress": lambda order, _: order.address,
    "billingAddress": lambda order, _: order.address,
    "country": lambda order, _: (order.address or {}).get("country"),
    "shippingPriceGroup": lambda order, _: {"shippingOption": order.shipping_option},
    "totals": order_totals,
    "store": lambda *_: STORE,
    "lines": order_lines,
    "shipments": shipments_of,
    "externalId": lambda order, _: order.external_id,
}

LINE: dict[str, Resolver] = {
    "id": lambda of, _: of.line.line_id,
    "quantity": lambda of, _: of.line.quantity,
    "cancelledQuantity": lambda of, _: of.line.cancelled,
    "returnedQuantity": lambda *_: 0,
    "shippedQuantity": lambda of, _: of.line.shipped,
    "size": lambda of, _: of.item.size_name if of.item else "",
    "productNumber": lambda of, _: of.item.product_number if of.item else "",
    "productName": lambda of, _: of.item.name if of.item else None,
    "productVariantName": lambda of, _: of.item.variant_number if of.item else None,
    "comment": lambda *_: None,
    "unitPrice": lambda of, _, **tax: _priced(of.line.unit_price, of.order, **tax),
    "lineValue": lambda of, _, **tax: _priced(
        of.line.unit_price * of.line.quantity, of.order, **tax
    ),
    "taxPercent": lambda *_: float(VAT_RATE * 100),
    "productSize": lambda of, _: of.item if of.line.has_product_size else None,
    "allocations": lambda of, _: (
        [
            {
                "id": of.line.line_id,
                "quantity": of.line.quantity - of.line.demand,
                "warehouse": WAREHOUSES[of.line.warehouse_id],
            }
        ]
        if of.line.quantity > of.line.demand
        else []
    ),
}

# ---- shipments
SHIPMENT: dict[str, Resolver] = {
    "id": lambda of, _: of.shipment.shipment_id,
    "number": lambda of, _: of.shipment.number,
    "createdAt": lambda of, _: of.shipment.created_at,
    "updatedAt": lambda of, _: of.shipment.updated_at,
    "isGoodToGo": lambda of, _: of.shipment.is_good_to_go,
    "isShipped": lambda of, _: of.shipment.shipped_at is not None,
    "isOnHold": lambda of, _: of.order.is_on_hold,
    "isPaid": lambda of, _: of.shipment.is_paid,
    "isCaptured": lambda of, _: of.shipment.is_captured,
    "trackingNumber": lambda of, _: of.shipment.info.get("trackingNumber"),
    "returnTrackingNumber": lambda of, _: of.shipment.info.get("returnTrackingNumber"),
    "numberOfPackages": lambda of, _: of.shipment.info.get("packagesNumber") or 0,
    "additionalMessage": lambda of, _: of.shipment.additional_message,
    "shippedAt": lambda of, info: (
        ZERO_DATE
        if of.order.number in info.context.world.switch("centra_unreadable_shipments_of")
        else of.shipment.shipped_at
    ),
    "carrierInformation": lambda of, _: (
        {
            "carrierName": of.shipment.info.get("carrier"),
            "serviceName": of.shipment.info.get("service"),
        }
        if of.shipment.info.get("carrier") or of.shipment.info.get("service")
        else None
    ),
    "lines": lambda of, info: [
        {
            "id": of.shipment.shipment_id * 100 + place,
            "quantity": of.shipment.lines[line.line_id],
            "orderLine": LineOf(of.order, line, info.context.world.items.get(line.sku)),
        }
        for place, line in enumerate(of.order.lines)
        if line.line_id in of.shipment.lines
    ],
}


VIEWS: dict[str, dict[str, Resolver]] = {
    "DirectToConsumerOrder": ORDER,
    "ProductOrderLine": LINE,
    "BundleOrderLine": LINE,
    "DirectToConsumerShipment": SHIPMENT,
    **GOODS,
}


def type_name(value: object, *_: object) -> str:
    """Name the concrete type behind one of the schema's interfaces."""
    if isinstance(value, CentraOrder):
        return "DirectToConsumerOrder"
    return "DirectToConsumerShipment" if isinstance(value, ShipmentOf) else "ProductOrderLine"
