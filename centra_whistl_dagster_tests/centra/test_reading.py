"""What the client asks of Centra to read, what it makes of the answers, and at what pace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.centra.client import CentraClient, UnreadableOrder, UnreadableStockLevel
from centra_whistl_dagster.centra.graphql import lag_of
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.shipping import ShippingOrder, UnreadableShippingOrder
from centra_whistl_dagster.transport import (
    ContractBroken,
    Lane,
)

Node = dict[str, Any]
ClientOf = Callable[..., CentraClient]

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def stamp(number: int) -> Node:
    at = "2026-03-02T08:00:00+00:00"
    return {"id": f"id{number}", "number": number, "status": "CONFIRMED", "updatedAt": at}


def operations(centra: Any) -> list[str]:
    return [operation for operation, _ in centra.asked]


# ---- orders
def test_the_poll_for_changes_is_one_request_for_both_lists(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("OrderStamps", {"open": [stamp(1)], "cancelled": [stamp(2)]})

    stamps = client_of().open_order_stamps(NOW)

    assert [one.number for one in stamps.open] == [1]
    assert [one.number for one in stamps.cancelled] == [2]
    ((_, variables),) = centra.asked
    assert variables["open"] == {
        "status": ["CONFIRMED", "PROCESSING"],
        "storeType": "DIRECT_TO_CONSUMER",
        "isLocked": False,
        "updatedAt": {"from": "2026-03-02T09:00:00+00:00"},
    }
    assert variables["cancelled"]["status"] == ["CANCELLED"]
    assert "isLocked" not in variables["cancelled"]


def test_a_read_of_everything_asks_for_no_cancelled_order(centra: Any, client_of: ClientOf) -> None:
    centra.answers("OrderStamps", {"open": []})

    assert client_of().open_order_stamps(None).cancelled == ()

    ((_, variables),) = centra.asked
    assert variables["withCancelled"] is False
    assert "updatedAt" not in variables["open"]


def test_only_the_list_that_goes_on_is_paged(centra: Any, client_of: ClientOf) -> None:
    centra.answers(
        "OrderStamps",
        {"open": [stamp(1), stamp(2)], "cancelled": []},
        {"open": [stamp(2), stamp(3)]},
        {"open": []},
    )

    stamps = client_of(page_size=2).open_order_stamps(NOW)

    assert [one.number for one in stamps.open] == [1, 2, 3]
    assert [(v["openPage"], v["withCancelled"]) for _, v in centra.asked] == [
        (1, True),
        (2, False),
        (3, False),
    ]


def test_a_server_that_does_not_turn_pages_is_not_asked_for_ever(
    centra: Any, client_of: ClientOf, order_node: Node
) -> None:
    centra.answers("OrderStamps", {"open": [stamp(1)], "cancelled": []})
    centra.answers("WholeOrders", {"orders": [order_node]})
    client = client_of(page_size=1)

    client.open_order_stamps(NOW)
    with pytest.raises(ContractBroken, match="page 2 repeats"):
        list(client.orders_changed_since(None))

    assert operations(centra) == ["OrderStamps"] * 2 + ["WholeOrders"] * 3


def test_one_unreadable_order_does_not_keep_the_others_back(
    centra: Any, client_of: ClientOf, order_node: Node
) -> None:
    broken = {**order_node, "id": "other", "number": 5, "updatedAt": None}
    centra.answers("WholeOrders", {"orders": [broken, order_node]})

    first, second = client_of().orders_changed_since(None)

    assert isinstance(first, UnreadableOrder)
    assert (first.number, first.field) == ("5", "updatedAt")
    assert isinstance(second, Order)


def test_cancelled_orders_come_after_the_open_ones(
    centra: Any, client_of: ClientOf, order_node: Node
) -> None:
    centra.answers("WholeOrders", {"orders": [order_node]})

    list(client_of().orders_changed_since(NOW))

    assert [v["where"]["status"] for _, v in centra.asked] == [
        ["CONFIRMED", "PROCESSING"],
        ["CANCELLED"],
    ]


def test_orders_by_id_are_asked_for_in_chunks_of_one_request_each(
    centra: Any, client_of: ClientOf, order_node: Node
) -> None:
    centra.answers("WholeOrders", {"orders": [order_node]})

    found = client_of().orders([f"id{n}" for n in range(250)])

    assert [len(v["where"]["id"]) for _, v in centra.asked] == [100, 100, 50]
    assert len(found) == 3


def test_a_list_that_is_absent_is_not_an_empty_one(centra: Any, client_of: ClientOf) -> None:
    centra.answers("WholeOrders", {"orders": None})

    with pytest.raises(ContractBroken, match="orders is not a list"):
        client_of().orders(["a"])


# ---- shipments and stock
def shipping_node(**changes: Any) -> Node:
    line = {"id": 71, "quantity": 2, "allocations": [{"quantity": 1}, {"quantity": 1}]}
    shown = {"id": "a", "number": 100234, "status": "PROCESSING", "lines": [line], "shipments": []}
    return {**shown, **changes}


def test_an_unreadable_shipment_makes_its_order_wait_and_no_other(
    centra: Any, client_of: ClientOf
) -> None:
    broken = shipping_node(shipments=[{"id": 9}])
    centra.answers("ShippingOrders", {"orders": [broken, shipping_node(id="b")]})

    found = client_of().shipping_orders(["a", "b"])

    assert isinstance(found["a"], UnreadableShippingOrder)
    assert found["a"].field == "shipments[0].isShipped"
    assert isinstance(found["b"], ShippingOrder)
    assert found["b"].shipments == ()


def test_an_order_that_centra_does_not_show_is_not_one_without_shipments(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("ShippingOrders", {"orders": []})

    found = client_of().shipping_orders(["a"])

    assert isinstance(found["a"], UnreadableShippingOrder)


def test_allocations_that_centra_does_not_show_are_not_zero(
    centra: Any, client_of: ClientOf
) -> None:
    unknown = shipping_node(id="b", lines=[{"id": 71, "quantity": 2, "allocations": None}])
    centra.answers("ShippingOrders", {"orders": [shipping_node(), unknown]})

    found = client_of().shipping_orders(["a", "b"])

    assert [one.allocated for one in found.values() if isinstance(one, ShippingOrder)] == [
        {71: 2},
        None,
    ]


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Mon, 02 Mar 2026 08:59:50 GMT", 10),
        ("Mon, 02 Mar 2026 09:00:05 GMT", 0),
        ("Sun, 01 Feb 2026 09:00:00 GMT", 0),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_a_clock_is_behind_only_as_far_as_a_date_header_can_say(date: str, seconds: int) -> None:
    assert lag_of(date, now=NOW) == timedelta(seconds=seconds)


def test_a_warehouse_that_centra_does_not_show_is_not_an_empty_one(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("StockLevels", {"warehouses": []})

    with pytest.raises(ContractBroken, match="warehouse 1"):
        list(client_of().stock_levels())


def test_rows_of_stock_that_cannot_be_read_are_named_and_the_others_read(
    centra: Any, client_of: ClientOf
) -> None:
    figures = {
        "physicalQuantity": 5,
        "allocatedQuantity": 1,
        "freeToAllocateQuantity": 4,
        "demandQuantity": 0,
    }
    size = {"isActive": True}
    rows = [
        {**figures, "productSize": {**size, "id": 7, "SKU": "GOOD"}},
        {**figures, "physicalQuantity": None, "productSize": {**size, "id": 8, "SKU": "BAD"}},
        {**figures, "physicalQuantity": 1.5, "productSize": {**size, "id": 9, "SKU": "Ada's own"}},
        {**figures, "productSize": None},
    ]
    centra.answers("StockLevels", {"warehouses": [{"id": 1, "stock": rows}]})
    unreadable: list[UnreadableStockLevel] = []

    levels = list(client_of().stock_levels(unreadable))

    assert [level.sku for level in levels] == ["GOOD"]
    assert [(row.name, row.field) for row in unreadable] == [
        ("BAD", "physicalQuantity"),
        ("size 9", "physicalQuantity"),
        ("a size without an id", "productSize"),
    ]


# ---- quotas
def test_heavy_pages_wait_for_their_share_of_the_complexity(
    centra: Any, client_of: ClientOf, order_node: Node
) -> None:
    body = {"data": {"orders": [order_node]}, "extensions": {"complexity": 60_000}}
    centra.answers("WholeOrders", httpx.Response(200, json=body))
    client = client_of(plan="growth", quota_share=0.5)

    client.orders([f"id{n}" for n in range(100)])
    client.orders([f"id{n}" for n in range(100)])

    pacer = client._graphql._transport._pacer
    assert pacer.take("complexity", 100) > 0
    assert pacer.take("requests", 1) == 0


def test_reading_stock_leaves_the_other_half_of_the_quota_to_orders(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("StockLevels", {"warehouses": [{"id": 1, "stock": []}]})
    client = client_of(plan="growth", quota_share=0.5, stock_share=0.5)

    for _ in range(15):
        list(client.stock_levels_of([1]))

    pacer = client._graphql._transport._pacer
    assert [left for _, left in pacer.left("requests", Lane.STOCK)] == [0, 1235]
    assert [limit - left for limit, left in pacer.left("requests")] == [15, 15]


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0001])
def test_what_is_left_is_of_the_longest_window_however_small_the_share(
    client_of: ClientOf, share: float
) -> None:
    left = client_of(plan="growth", quota_share=share).quota_left()

    assert left is not None
    assert left.requests_left == max(1, int(5000 * share))
    assert left.mutations_left == max(1, int(1800 * share))


def test_a_centra_of_ones_own_has_no_limit(client_of: ClientOf) -> None:
    assert client_of(plan="unlimited").quota_left() is None


def test_an_unknown_plan_is_named_with_the_known_ones(client_of: ClientOf) -> None:
    with pytest.raises(ValueError, match="growth, enhanced"):
        client_of(plan="platinum")
