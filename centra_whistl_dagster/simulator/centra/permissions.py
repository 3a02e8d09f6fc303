"""Which permission of an Integration API token each part of Centra's schema needs.

Names are Centra's convention `Type:read`, `Type:write`, `Type.field:read`. A field of a type listed
here needs that type's permission; a field listed here needs its own besides.
"""

from __future__ import annotations

ORDER_LOCK = "Order.isLocked:write"
PAYMENT_CANCEL = "Payment.cancel:write"

TYPE_PERMISSIONS: dict[str, str] = {
    name: f"{name}:read"
    for name in (
        "Order",
        "Shipment",
        "Allocation",
        "Warehouse",
        "ProductSize",
        "ProductVariant",
        "Product",
        "Size",
        "Store",
        "Customer",
        "ShippingOption",
        "StockChange",
        "Event",
    )
}

FIELD_PERMISSIONS: dict[tuple[str, str], str] = {
    ("Counters", "orders"): "Order:read",
    ("Order", "shippingAddress"): "Order.shippingAddress:read",
    ("Order", "billingAddress"): "Order.billingAddress:read",
    ("Order", "internalComment"): "Order.internalComment:read",
    ("Warehouse", "stock"): "Warehouse.stock:read",
    ("ProductSize", "stock"): "ProductSize.stock:read",
    ("Mutation", "confirmOrder"): "Order:write",
    ("Mutation", "setOrdersLock"): ORDER_LOCK,
    ("Mutation", "updateDirectToConsumerOrder"): "Order:write",
    ("Mutation", "cancelDirectToConsumerOrder"): "Order:write",
    ("Mutation", "createShipment"): "Shipment:write",
    ("Mutation", "updateShipment"): "Shipment:write",
    ("Mutation", "captureShipment"): "Shipment:write",
    ("Mutation", "completeShipment"): "Shipment:write",
    ("Mutation", "setStock"): "StockChange:write",
    ("Mutation", "confirmEvents"): "Event:write",
    ("Mutation", "setEventListeners"): "Event:write",
    ("Mutation", "unsetEventListeners"): "Event:write",
}

ALL_PERMISSIONS = frozenset(
    {*TYPE_PERMISSIONS.values(), *FIELD_PERMISSIONS.values(), PAYMENT_CANCEL}
)
