"""How goods and their stock read through Centra's schema: one plain function per field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphql import GraphQLResolveInfo

from centra_whistl_dagster.simulator.world.world import SHOP_WAREHOUSE_ID, WAREHOUSE_ID, Item, World

Resolver = Callable[..., Any]

WAREHOUSES: dict[int, dict[str, Any]] = {
    WAREHOUSE_ID: {"id": WAREHOUSE_ID, "name": "Whistl", "stockMaster": "EXTERNAL"},
    SHOP_WAREHOUSE_ID: {"id": SHOP_WAREHOUSE_ID, "name": "Flagship shop", "stockMaster": "CENTRA"},
}
for _warehouse in WAREHOUSES.values():
    _warehouse.update(status="ACTIVE", threshold=None)


class StockOf(NamedTuple):
    """The stock of one size in one warehouse."""

    item: Item
    warehouse_id: int


def _physical(of: StockOf, world: World) -> int:
    """The second warehouse holds just what its own orders have taken from it."""
    if of.warehouse_id == WAREHOUSE_ID:
        return world.shelves[of.item.sku].centra_physical
    return _allocated(of, world)


def _allocated(of: StockOf, world: World) -> int:
    sku = of.item.sku
    return world.centra_unshipped(sku, of.warehouse_id) - world.centra_demand(sku, of.warehouse_id)


def _free(of: StockOf, world: World) -> int:
    return _physical(of, world) - _allocated(of, world)


def _demand(of: StockOf, world: World) -> int:
    return world.centra_demand(of.item.sku, of.warehouse_id)


STOCK: dict[str, Resolver] = {
    "freeToAllocateQuantity": lambda of, info: _free(of, info.context.world),
    "physicalQuantity": lambda of, info: _physical(of, info.context.world),
    "allocatedQuantity": lambda of, info: _allocated(of, info.context.world),
    "demandQuantity": lambda of, info: _demand(of, info.context.world),
    "unshippedQuantity": lambda of, info: info.context.world.centra_unshipped(
        of.item.sku, of.warehouse_id
    ),
    "availableNowQuantity": lambda of, info: (
        _free(of, info.context.world) - _demand(of, info.context.world)
    ),
    "incomingQuantity": lambda *_: 0,
    "productSize": lambda of, _: of.item,
    "warehouse": lambda of, _: WAREHOUSES[of.warehouse_id],
}


def product_variant(item: Item, _: GraphQLResolveInfo) -> dict[str, object]:
    """Show the variant and product of a size; this catalogue numbers them after their size."""
    status = "ACTIVE" if item.is_active_in_centra else "INACTIVE"
    product = {
        "id": item.size_id // 40,
        "name": item.name,
        "productNumber": item.product_number,
        "status": status,
    }
    return {
        "id": item.size_id // 5,
        "name": item.variant_number,
        "variantNumber": item.variant_number,
        "product": product,
        "status": status,
    }


PRODUCT_SIZE: dict[str, Resolver] = {
    "id": lambda item, _: item.size_id,
    "SKU": lambda item, _: item.shown_sku or item.sku,
    "EAN": lambda item, _: item.product.barcode or None,
    "UPC": lambda *_: None,
    "sizeNumber": lambda item, _: item.size_name,
    "description": lambda item, _: item.name,
    "quantity": lambda item, info: info.context.world.shelves[item.sku].centra_physical,
    "weight": lambda item, _: (
        {"value": float(item.product.unit_weight_kg), "unit": "kg"}
        if item.product.unit_weight_kg is not None
        else None
    ),
    "updatedAt": lambda item, _: item.updated_at,
    "isActive": lambda item, _: item.is_active_in_centra,
    "size": lambda item, _: {"id": item.size_id, "name": item.size_name},
    "productVariant": product_variant,
}

GOODS: dict[str, dict[str, Resolver]] = {"Stock": STOCK, "ProductSize": PRODUCT_SIZE}
