"""The mutation of stock: `setStock`, absolute, of one warehouse."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLResolveInfo

from centra_whistl_dagster.simulator.centra.answers import NotDone, answering, one_of, payload
from centra_whistl_dagster.simulator.centra.goods import Resolver
from centra_whistl_dagster.simulator.truth.stock import audit_stock_write
from centra_whistl_dagster.simulator.world.world import WAREHOUSE_ID, Item, World


def set_stock(_: object, info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, object]:  # noqa: A002 - Centra's name
    """Set the stock of sizes, all of them or none unless a switch lets the good lines through."""
    world: World = info.context.world
    _, warehouse_id = one_of(input["warehouse"], "input", "warehouse")
    if warehouse_id != WAREHOUSE_ID:
        raise NotDone(f"Warehouse not found: {warehouse_id}", "input", "warehouse")
    wanted = input.get("productSizes") or []
    if world.switch("centra_several_sizes_bug"):
        wanted = wanted[:1]
    accepted, errors = [], []
    for place, line in enumerate(wanted):
        try:
            accepted.append(
                _level(world, line, input["stockQuantityType"], "input", "productSizes", str(place))
            )
        except NotDone as refusal:
            errors.append(refusal)
    if errors and not world.switch("centra_applies_good_stock_lines"):
        return payload(errors=errors, stockChanges=[])
    for item, physical in accepted:
        if not _has_row(world, item.sku):
            continue
        world.shelves[item.sku].centra_physical = physical
        audit_stock_write(world, item.sku, physical)
    world.calls["centra stock lines written"] += len(accepted)
    changes = [{"id": next(world.ids)}] if accepted else []
    return payload(errors=errors, stockChanges=changes)


def _has_row(world: World, sku: str) -> bool:
    """Say whether the warehouse has a row of stock of a SKU, making it where Centra does."""
    lacking = world.switch("centra_lacks_stock_rows")
    if sku in lacking and world.switch("centra_makes_stock_rows"):
        world.settings.switches["centra_lacks_stock_rows"] = tuple(
            other for other in lacking if other != sku
        )
        return True
    return sku not in lacking


def _level(world: World, line: dict[str, Any], quantity_type: str, *path: str) -> tuple[Item, int]:
    """Return the size and the physical units that it will have."""
    item = _item(world, line["productSize"], *path, "productSize")
    quantity = line["quantity"]
    if quantity < 0:
        raise NotDone("Quantity must be greater than or equal to 0", *path, "quantity")
    allocated = world.centra_allocated(item.sku)
    if quantity_type == "FREE_TO_ALLOCATE":
        return item, quantity + allocated
    answer = world.switch("centra_stock_below_allocated")
    if quantity < allocated and answer == "error":
        raise NotDone(f"Quantity is below the allocated {allocated}", *path, "quantity")
    return item, quantity if answer == "take" else max(quantity, allocated)


def _item(world: World, reference: dict[str, Any], *path: str) -> Item:
    field, value = one_of(reference, *path)
    if field == "SKU" or (field == "any" and value in world.items):
        found = world.items.get(value)
    else:
        found = next((item for item in world.items.values() if _has_code(item, field, value)), None)
    if found is None:
        raise NotDone(f"Product size not found: {value}", *path)
    return found


def _has_code(item: Item, field: str, value: object) -> bool:
    return value == item.size_id if field == "id" else bool(value and value == item.product.barcode)


STOCK_MUTATIONS: dict[str, Resolver] = {"setStock": answering(set_stock)}
