"""Which permission of an Integration API token each field of Centra's schema needs.

Names are Centra's convention `Type:read`, `Type:write`, `Type.field:read`. Only fields that need a
permission of their own are listed; the rest come with their parent.
"""

from __future__ import annotations

ORDER_LOCK = "Order.isLocked:write"
PAYMENT_CANCEL = "Payment.cancel:write"

FIELD_PERMISSIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Query", "orders"): ("Order:read",),
    ("Query", "order"): ("Order:read",),
    ("Query", "shipments"): ("Shipment:read",),
    ("Query", "productSizes"): ("ProductSize:read",),
    ("Query", "warehouses"): ("Warehouse:read",),
    ("Counters", "orders"): ("Order:read",),
    ("Order", "shippingAddress"): ("Order.shippingAddress:read",),
    ("Order", "billingAddress"): ("Order.billingAddress:read",),
    ("Order", "internalComment"): ("Order.internalComment:read",),
    ("Order", "shipments"): ("Shipment:read",),
    ("Order", "store"): ("Store:read",),
    ("Order", "customer"): ("Customer:read",),
    ("ShippingPriceGroup", "shippingOption"): ("ShippingOption:read",),
    ("OrderLine", "productSize"): ("ProductSize:read",),
    ("OrderLine", "allocations"): ("Allocation:read",),
    ("Allocation", "warehouse"): ("Warehouse:read",),
    ("Shipment", "order"): ("Order:read",),
    ("Warehouse", "stock"): ("Warehouse.stock:read",),
    ("Stock", "productSize"): ("ProductSize:read",),
    ("ProductSize", "stock"): ("ProductSize.stock:read",),
    ("ProductSize", "size"): ("Size:read",),
    ("ProductSize", "productVariant"): ("ProductVariant:read",),
    ("ProductVariant", "product"): ("Product:read",),
    ("StockSetPayload", "stockChanges"): ("StockChange:read",),
    ("Mutation", "confirmOrder"): ("Order:write",),
    ("Mutation", "setOrdersLock"): (ORDER_LOCK,),
    ("Mutation", "updateDirectToConsumerOrder"): ("Order:write",),
    ("Mutation", "cancelDirectToConsumerOrder"): ("Order:write",),
    ("Mutation", "createShipment"): ("Shipment:write",),
    ("Mutation", "updateShipment"): ("Shipment:write",),
    ("Mutation", "completeShipment"): ("Shipment:write",),
    ("Mutation", "setStock"): ("StockChange:write",),
}

ALL_PERMISSIONS = frozenset(
    {name for names in FIELD_PERMISSIONS.values() for name in names} | {PAYMENT_CANCEL}
)
