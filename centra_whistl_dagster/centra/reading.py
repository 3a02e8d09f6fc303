"""Centra's JSON, read into the domain's records; null is allowed wherever Centra may send it.

Does not belong here: whether an order is good enough to send, which is `screening`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from centra_whistl_dagster.centra.records import (
    CentraProductSize,
    CentraStockLevel,
    OrderStamp,
    UnreadableOrder,
    UnreadableStockLevel,
)
from centra_whistl_dagster.domain.orders.order import (
    Address,
    CentraShipment,
    CentraShipmentLine,
    Order,
    OrderLine,
    ShippingOption,
)
from centra_whistl_dagster.domain.orders.shipping import ShippingOrder, UnreadableShippingOrder
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields, name_of


def order_or_unreadable(node: object) -> Order | UnreadableOrder:
    """Read one order; if that fails, return its number and the field at fault."""
    try:
        return order(Fields(node))
    except BrokenRecord as broken:
        number = name_of(node, "number", "id") or "without a number"
        return UnreadableOrder(number=number, field=broken.field, detail=broken.detail)


def order(node: Fields) -> Order:
    """Read one order whole.

    Raises:
        BrokenRecord: naming the field that does not match the schema.
    """
    total = node.required_child("grandTotal")
    lines = [line for line in node.children("lines") if line.whole("quantity") != 0]
    return Order(
        centra_id=node.required_text("id"),
        number=node.whole("number"),
        status=node.required_text("status"),
        is_on_hold=node.flag("isOnHold"),
        is_locked=node.flag("isLocked"),
        is_internal=node.flag("isInternal"),
        is_waiting_for_payment=node.flag("isWaitingForPayment"),
        ordered_at=node.moment("orderDate"),
        updated_at=node.moment("updatedAt"),
        currency=_currency(total),
        grand_total=total.required_number("value"),
        shipping_total=_total(node, "shipping"),
        tax_total=_total(node, "taxIncluded"),
        delivery=_address(node),
        shipping_option=_shipping_option(node),
        lines=tuple(_line(line) for line in lines),
        shipments=tuple(shipment(child) for child in node.children("shipments")),
        warehouse_ids=frozenset(
            warehouse.whole("id")
            for line in lines
            for allocation in line.children("allocations")
            if (warehouse := allocation.child("warehouse")) is not None
        ),
        other_comment=node.text("otherComment"),
    )


def stamp(node: Fields) -> OrderStamp:
    """Read one order's stamp. Raises BrokenRecord."""
    return OrderStamp(
        centra_id=node.required_text("id"),
        number=node.whole("number"),
        status=node.required_text("status"),
        is_on_hold=node.flag("isOnHold", default=False),
        is_waiting_for_payment=node.flag("isWaitingForPayment", default=False),
        updated_at=node.moment("updatedAt"),
    )


def shipment(node: Fields) -> CentraShipment:
    """Read one shipment. Raises BrokenRecord."""
    carrier = node.child("carrierInformation")
    return CentraShipment(
        shipment_id=node.whole("id"),
        number=node.text("number"),
        is_shipped=node.flag("isShipped"),
        shipped_at=node.optional_moment("shippedAt"),
        tracking_number=node.text("trackingNumber"),
        carrier=carrier.text("carrierName") if carrier else "",
        lines=tuple(
            CentraShipmentLine(
                line_id=line.required_child("orderLine").whole("id"),
                quantity=line.whole("quantity"),
            )
            for line in node.children("lines")
        ),
        is_good_to_go=node.flag("isGoodToGo", default=False),
        is_paid=node.flag("isPaid", default=False),
        is_captured=node.flag("isCaptured", default=False),
    )


def shipping_order(node: object) -> ShippingOrder | UnreadableShippingOrder:
    """Read what Centra has of an order that is leaving, or say which field is at fault."""
    try:
        fields = Fields(node)
        lines = fields.children("lines")
        return ShippingOrder(
            centra_id=fields.required_text("id"),
            number=fields.whole("number"),
            status=fields.required_text("status"),
            wanted={line.whole("id"): line.whole("quantity") for line in lines},
            allocated=_allocated(lines),
            shipments=tuple(map(shipment, fields.children("shipments"))),
        )
    except BrokenRecord as broken:
        return UnreadableShippingOrder(field=broken.field, detail=broken.detail)


def _allocated(lines: Sequence[Fields]) -> dict[int, int] | None:
    """Return the allocated units by line; None where a line does not say, which is not zero."""
    if not all(line.has("allocations") for line in lines):
        return None
    return {
        line.whole("id"): sum(part.whole("quantity") for part in line.children("allocations"))
        for line in lines
    }


def stock_level(node: Fields) -> CentraStockLevel:
    """Read one row of a warehouse's stock. Raises BrokenRecord."""
    size = product_size(node.required_child("productSize"))
    return CentraStockLevel(
        sku=size.sku,
        product_size_id=size.product_size_id,
        physical=node.whole("physicalQuantity"),
        allocated=node.whole("allocatedQuantity"),
        free=node.whole("freeToAllocateQuantity"),
        is_active=size.is_active,
        demand=node.whole("demandQuantity"),
    )


def unreadable_stock_level(node: object, broken: BrokenRecord) -> UnreadableStockLevel:
    """Name a row of a warehouse's stock that could not be read."""
    size = node.get("productSize") if isinstance(node, Mapping) else None
    number = name_of(size, "id")
    name = name_of(size, "SKU") or (f"size {number}" if number else "a size without an id")
    return UnreadableStockLevel(name=name, field=broken.field, detail=broken.detail)


def product_size(node: Fields) -> CentraProductSize:
    """Read one size. Raises BrokenRecord."""
    return CentraProductSize(
        product_size_id=node.whole("id"), sku=node.text("SKU"), is_active=node.flag("isActive")
    )


def _line(node: Fields) -> OrderLine:
    size = node.child("productSize")
    described = (node.text("productName"), node.text("productVariantName"), node.text("size"))
    return OrderLine(
        line_id=node.whole("id"),
        # Kept exactly as it is: with a SKU that is nearly right, the wrong goods are picked.
        sku=size.text("SKU") if size else "",
        quantity=node.whole("quantity"),
        unit_price=node.required_child("unitPrice").required_number("value"),
        description=" ".join(part.strip() for part in described if part.strip()),
    )


def _address(order_node: Fields) -> Address | None:
    node = order_node.child("shippingAddress")
    if node is None:
        return None
    customer = order_node.child("customer")
    country, state = node.child("country"), node.child("state")
    phones = [node.text("cellPhoneNumber").strip(), node.text("phoneNumber").strip()]
    phone, other_phone = [*dict.fromkeys(filter(None, phones)), "", ""][:2]
    emails = (node.text("email").strip(), customer.text("email").strip() if customer else "")
    return Address(
        first_name=node.text("firstName"),
        last_name=node.text("lastName"),
        company=node.text("companyName"),
        attention=node.text("attention"),
        line1=node.text("address1"),
        line2=node.text("address2"),
        city=node.text("city"),
        county=node.text("stateOrProvince") or (state.text("name") if state else ""),
        postcode=node.text("zipCode"),
        country=country.text("code") if country else "",
        phone=phone,
        other_phone=other_phone,
        email=next(filter(None, emails), ""),
    )


def _shipping_option(node: Fields) -> ShippingOption | None:
    group = node.child("shippingPriceGroup")
    option = group.child("shippingOption") if group else None
    if option is None:
        return None
    return ShippingOption(
        option_id=option.whole("id"), name=option.text("name"), uri=option.text("uri")
    )


def _currency(money: Fields) -> str:
    currency = money.child("currency")
    return currency.text("code") if currency else ""


def _total(node: Fields, name: str) -> Decimal:
    totals = node.child("totals")
    money = totals.child(name) if totals else None
    return money.required_number("value") if money else Decimal(0)
