"""What each call to Centra or Whistl is for: the purpose under which analysts see it counted."""

from __future__ import annotations

from collections.abc import Mapping

OTHER = "other"

PURPOSES: Mapping[str, str] = {
    "OrderStamps": "orders",
    "WholeOrders": "orders",
    "CountOrders": "balance",
    "LockOrders": "orders",
    "ShippingOrders": "shipments",
    "CreateShipment": "shipments",
    "UpdateShipment": "shipments",
    "CompleteShipment": "shipments",
    "CaptureShipment": "shipments",
    "StockLevels": "stock",
    "SetStock": "stock",
    "ProductSizes": "catalogue",
    "create_order": "orders",
    "read_order": "orders",
    "list_orders": "order_statuses",
    "cancel_order": "orders",
    "list_despatches": "despatches",
    "latest_snapshot": "stock",
    "snapshot_items": "stock",
    "list_services": "catalogue",
    "list_products": "catalogue",
    "token": "access",
}
"""By the names that `centra` and `whistl` give their calls."""


def purpose_of(operation: str) -> str:
    """Return what a call is for."""
    return PURPOSES.get(operation, OTHER)
