"""Which orders, shipments, sizes and warehouses a caller of the simulated Centra asked for.

Does not belong here: how a record reads (`views`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from graphql import GraphQLError, GraphQLResolveInfo

from centra_whistl_dagster.simulator.centra.goods import WAREHOUSES, Resolver, StockOf
from centra_whistl_dagster.simulator.centra.times import is_within
from centra_whistl_dagster.simulator.centra.views import STORE, ShipmentOf, order_status
from centra_whistl_dagster.simulator.world.world import WAREHOUSE_ID, CentraOrder, Item, World

T = TypeVar("T")
MAX_LIMIT = 200


def paged(found: Iterable[T], limit: int, page: int) -> list[T]:
    """Return one page.

    Raises:
        GraphQLError: the limit is outside 1 to 200, or the page below 1.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise GraphQLError(f"Limit must be in range 1 - {MAX_LIMIT}")
    if page < 1:
        raise GraphQLError("Page must be greater than 0")
    return list(itertools.islice(found, (page - 1) * limit, page * limit))


# ---- orders
_ORDER_TESTS: dict[str, Callable[[CentraOrder, Any], bool]] = {
    "id": lambda order, wanted: order.order_id in wanted,
    "number": lambda order, wanted: order.number in wanted,
    "createdAt": lambda order, wanted: is_within(order.created_at, wanted),
    "updatedAt": lambda order, wanted: is_within(order.updated_at, wanted),
    "orderDate": lambda order, wanted: is_within(order.created_at, wanted),
    "storeId": lambda _, wanted: STORE["id"] in wanted,
    "storeType": lambda _, wanted: bool(STORE["type"] == wanted),
    "isLocked": lambda order, wanted: order.is_locked is wanted,
    "isOnHold": lambda order, wanted: order.is_on_hold is wanted,
    "isInternal": lambda order, wanted: order.is_internal is wanted,
    "isWaitingForPayment": lambda order, wanted: order.is_waiting_for_payment is wanted,
    "orderHoldReason": lambda order, wanted: order.hold_reason in wanted,
}


def _asked(where: dict[str, Any] | None) -> dict[str, Any]:
    """Return the conditions that were given; a null counts as not given."""
    return {name: wanted for name, wanted in (where or {}).items() if wanted is not None}


def matching_orders(info: GraphQLResolveInfo, where: dict[str, Any] | None) -> list[CentraOrder]:
    """Return the orders that meet every condition given, newest first."""
    world: World = info.context.world
    conditions = _asked(where)
    statuses = conditions.pop("status", None)
    tests = [(_ORDER_TESTS[name], wanted) for name, wanted in conditions.items()]
    found = [
        order
        for order in _candidates(world, conditions)
        if order.number not in world.switch("centra_hidden_orders")
        and (statuses is None or order_status(order, info) in statuses)
        and all(test(order, wanted) for test, wanted in tests)
    ]
    return found[::-1]


def _candidates(world: World, conditions: dict[str, Any]) -> Iterable[CentraOrder]:
    """Save reading every order when they are asked for by name."""
    if "id" in conditions:
        asked = {order_id: world.orders.get(order_id) for order_id in conditions["id"]}
        return [order for order in asked.values() if order is not None]
    return world.orders.values()


def orders(
    _: object,
    info: GraphQLResolveInfo,
    limit: int,
    page: int,
    where: dict[str, Any] | None = None,
    sort: list[str] | None = None,
) -> list[CentraOrder]:
    """Resolve `Query.orders`. Unsorted is newest first: a new order shifts every later page."""
    found = matching_orders(info, where)
    if unlisted := set(info.context.world.switch("centra_unlisted_orders")):
        is_by_id = "id" in _asked(where)
        found = [order for order in found if is_by_id or order.number not in unlisted]
    if sort:
        found.sort(key=lambda order: (order.created_at, order.number))
    return paged(found, limit, page)


def counted_orders(_: object, info: GraphQLResolveInfo, where: dict[str, Any] | None = None) -> int:
    """Resolve `Counters.orders`."""
    return len(matching_orders(info, where))


# ---- shipments
_SHIPMENT_TESTS: dict[str, Callable[[ShipmentOf, Any], bool]] = {
    "id": lambda of, wanted: of.shipment.shipment_id in wanted,
    "number": lambda of, wanted: of.shipment.number in wanted,
    "createdAt": lambda of, wanted: is_within(of.shipment.created_at, wanted),
    "updatedAt": lambda of, wanted: is_within(of.shipment.updated_at, wanted),
    "shippedAt": lambda of, wanted: (
        of.shipment.shipped_at is not None and is_within(of.shipment.shipped_at, wanted)
    ),
    "isGoodToGo": lambda of, wanted: of.shipment.is_good_to_go is wanted,
    "isShipped": lambda of, wanted: (of.shipment.shipped_at is not None) is wanted,
    "trackingNumber": lambda of, wanted: of.shipment.info.get("trackingNumber") in wanted,
    "orderId": lambda of, wanted: of.order.order_id in wanted,
    "storeType": lambda _, wanted: bool(STORE["type"] == wanted),
}


def shipments(
    _: object,
    info: GraphQLResolveInfo,
    limit: int,
    page: int,
    where: dict[str, Any] | None = None,
) -> list[ShipmentOf]:
    """Resolve `Query.shipments`, oldest first."""
    conditions = _asked(where)
    named = {"id": conditions["orderId"]} if "orderId" in conditions else {}
    found = (
        of
        for of in _all_shipments(_candidates(info.context.world, named))
        if all(_SHIPMENT_TESTS[name](of, wanted) for name, wanted in conditions.items())
    )
    return paged(found, limit, page)


def _all_shipments(among: Iterable[CentraOrder]) -> Iterator[ShipmentOf]:
    return (ShipmentOf(order, shipment) for order in among for shipment in order.shipments)


def shipment_by_id(world: World, shipment_id: int) -> ShipmentOf | None:
    """Find a shipment by its id."""
    every = _all_shipments(world.orders.values())
    return next((of for of in every if of.shipment.shipment_id == shipment_id), None)


# ---- stock and catalogue
_SIZE_TESTS: dict[str, Callable[[Item, Any], bool]] = {
    "id": lambda item, wanted: item.size_id in wanted,
    "SKU": lambda item, wanted: item.sku == wanted["equals"],
    "isActive": lambda item, wanted: item.is_active_in_centra is wanted,
    "updatedAt": lambda item, wanted: is_within(item.updated_at, wanted),
}


def product_sizes(
    _: object,
    info: GraphQLResolveInfo,
    limit: int,
    page: int,
    where: dict[str, Any] | None = None,
) -> list[Item]:
    """Resolve `Query.productSizes`."""
    conditions = _asked(where)
    found = (
        item
        for item in info.context.world.items.values()
        if all(_SIZE_TESTS[name](item, wanted) for name, wanted in conditions.items())
    )
    return paged(found, limit, page)


def warehouses(
    _: object,
    _info: GraphQLResolveInfo,
    limit: int,
    page: int,
    where: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Resolve `Query.warehouses`."""
    wanted = (where or {}).get("id")
    found = (row for row in WAREHOUSES.values() if wanted is None or row["id"] in wanted)
    return paged(found, limit, page)


def stock_of_warehouse(
    warehouse: dict[str, Any],
    info: GraphQLResolveInfo,
    limit: int,
    page: int,
    where: dict[str, Any] | None = None,
    **_: object,
) -> list[StockOf]:
    """Resolve `Warehouse.stock`, sorted by product, variant and size, as the catalogue is."""
    world: World = info.context.world
    asked = (where or {}).get("productSizeId")
    found = (
        StockOf(item, warehouse["id"])
        for item in world.items.values()
        if (asked is None or item.size_id in asked)
        and item.sku not in world.switch("centra_lacks_stock_rows")
    )
    rows = paged(found, limit, page)
    world.audit.stock_reads.update(row.item.sku for row in rows)
    return rows


def stock_of_size(
    item: Item, _: GraphQLResolveInfo, limit: int, page: int, **__: object
) -> list[StockOf]:
    """Resolve `ProductSize.stock`: one row, that of the warehouse."""
    return paged([StockOf(item, WAREHOUSE_ID)], limit, page)


SEARCHES: dict[str, dict[str, Resolver]] = {
    "Query": {
        "orders": orders,
        "order": lambda _, info, id: info.context.world.orders.get(id),  # noqa: A006 - Centra's name
        "shipments": shipments,
        "productSizes": product_sizes,
        "warehouses": warehouses,
        "counters": lambda *_: {},
        "rateLimits": lambda _, info: info.context.quota.shown(),
    },
    "Counters": {"orders": counted_orders},
    "Warehouse": {"stock": stock_of_warehouse},
    "ProductSize": {"stock": stock_of_size},
    "DirectToConsumerShipment": {"order": lambda of, _: of.order},
}
