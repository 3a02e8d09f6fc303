"""What the simulated Centra answers to a reader, over real HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN, CentraToken
from centra_whistl_dagster.simulator.world.world import SHOP_WAREHOUSE_ID, World

SKU, OTHER_SKU = "TEE001-BLK-M", "TEE001-NVY-L"

ORDERS = """
query Orders($where: OrderFilter, $sort: [OrderSort!], $limit: Int, $page: Int) {
  orders(where: $where, sort: $sort, limit: $limit, page: $page) {
    id number status isOnHold isLocked isWaitingForPayment createdAt updatedAt
    grandTotal { value currency { code } }
    shippingAddress { firstName zipCode phoneNumber cellPhoneNumber country { code } }
    shippingPriceGroup { shippingOption { id name uri } }
    ... on DirectToConsumerOrder { customer { email } }
    lines { id quantity cancelledQuantity unitPrice { value } productSize { SKU }
            allocations { quantity warehouse { id } } }
    shipments { id isShipped lines { quantity orderLine { id } } }
  }
}
"""


def ask(simulator: RunningSimulator, query: str, token: str = TEST_TOKEN, **variables: Any) -> Any:
    """Post one operation and return the HTTP answer."""
    return httpx.post(
        f"{simulator.centra_url}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {token}"},
    )


def numbers(answer: httpx.Response) -> list[int]:
    return [order["number"] for order in answer.json()["data"]["orders"]]


def test_a_confirmed_order_is_read_whole(simulator: RunningSimulator, world: World) -> None:
    order = place_order(world, [(SKU, 2), (OTHER_SKU, 1)])

    answer = ask(simulator, ORDERS, where={"status": ["CONFIRMED"]}).json()

    (read,) = answer["data"]["orders"]
    assert read["id"] == order.order_id
    assert read["shippingPriceGroup"]["shippingOption"]["uri"] == "standard-delivery"
    assert read["customer"] == {"email": "ada@example.com"}
    assert read["shippingAddress"]["country"] == {"code": "GB"}
    assert read["shippingAddress"]["phoneNumber"] is None
    assert [line["productSize"]["SKU"] for line in read["lines"]] == [SKU, OTHER_SKU]
    assert read["lines"][0]["allocations"] == [{"quantity": 2, "warehouse": {"id": 1}}]
    assert read["grandTotal"] == {"value": 3 * 24 + 3.95, "currency": {"code": "GBP"}}
    assert read["shipments"] == []


def test_times_carry_the_offset_of_the_instance_and_whole_seconds(
    simulator: RunningSimulator, world: World, clock: ManualClock
) -> None:
    clock.advance(0.75)
    place_order(world, [(SKU, 1)])

    (read,) = ask(simulator, ORDERS).json()["data"]["orders"]

    assert read["createdAt"] == "2026-03-02T10:00:00+01:00"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("2026-03-02T09:00:10Z", id="utc"),
        pytest.param("2026-03-02T10:00:10+01:00", id="offset"),
        pytest.param("2026-03-02 10:00:10", id="bare means the instance's zone"),
        pytest.param("-50 seconds", id="relative"),
    ],
)
def test_a_date_range_includes_its_start_to_the_second(
    simulator: RunningSimulator, world: World, clock: ManualClock, start: str
) -> None:
    clock.advance(9.5)
    place_order(world, [(SKU, 1)])
    clock.advance(1)
    included = place_order(world, [(SKU, 1)])
    clock.advance(49.5)

    answer = ask(simulator, ORDERS, where={"updatedAt": {"from": start}})

    assert numbers(answer) == [included.number]


def test_a_date_that_nothing_can_read_is_refused(simulator: RunningSimulator) -> None:
    answer = ask(simulator, ORDERS, where={"updatedAt": {"from": "last Tuesday"}})

    assert answer.status_code == 400


def test_flags_stand_beside_the_status(simulator: RunningSimulator, world: World) -> None:
    free = place_order(world, [(SKU, 1)])
    held = place_order(world, [(SKU, 1)], is_on_hold=True)
    unpaid = place_order(world, [(SKU, 1)], is_waiting_for_payment=True)
    place_order(world, [(SKU, 1)], status="PENDING")

    confirmed = ask(simulator, ORDERS, where={"status": ["CONFIRMED"]}, sort=["orderDate_ASC"])
    going = ask(simulator, ORDERS, where={"isOnHold": False, "isWaitingForPayment": False})

    assert numbers(confirmed) == [free.number, held.number, unpaid.number]
    assert free.number in numbers(going)
    assert held.number not in numbers(going)
    assert free.confirmed_at is not None
    assert held.confirmed_at is None


def test_pages_join_without_gap_when_sorted(simulator: RunningSimulator, world: World) -> None:
    placed = [place_order(world, [(SKU, 1)]).number for _ in range(7)]

    pages = [
        numbers(ask(simulator, ORDERS, sort=["orderDate_ASC"], limit=3, page=page))
        for page in (1, 2, 3, 4)
    ]

    assert pages == [placed[:3], placed[3:6], placed[6:], []]


@pytest.mark.parametrize("limit", [0, 201])
def test_a_limit_outside_1_to_200_is_an_error(simulator: RunningSimulator, limit: int) -> None:
    answer = ask(simulator, ORDERS, limit=limit).json()

    assert answer["data"] is None
    assert "range 1 - 200" in answer["errors"][0]["message"]


def test_counters_agree_with_the_list(simulator: RunningSimulator, world: World) -> None:
    for _ in range(3):
        place_order(world, [(SKU, 1)])
    place_order(world, [(SKU, 1)], status="CANCELLED")

    answer = ask(simulator, "{ counters { orders(where: {status: CONFIRMED}) } }")

    assert answer.json()["data"] == {"counters": {"orders": 3}}


def test_wholly_cancelled_lines_show_only_when_asked_for(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 1), (OTHER_SKU, 1)])
    order.lines[0].quantity, order.lines[0].cancelled = 0, 1

    answer = ask(
        simulator,
        "{ orders { live: lines { id } all: lines(includeFullyCancelled: true) { id } } }",
    )

    (read,) = answer.json()["data"]["orders"]
    assert [line["id"] for line in read["live"]] == [order.lines[1].line_id]
    assert len(read["all"]) == 2


def test_a_line_can_be_without_a_size_and_stocked_elsewhere(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 1)])
    order.lines[0].has_product_size = False
    order.lines[0].warehouse_id = SHOP_WAREHOUSE_ID

    (read,) = ask(simulator, ORDERS).json()["data"]["orders"]

    assert read["lines"][0]["productSize"] is None
    assert read["lines"][0]["allocations"][0]["warehouse"]["id"] == SHOP_WAREHOUSE_ID
    assert world.centra_allocated(SKU) == 0


def test_stock_is_paged_and_adds_up(simulator: RunningSimulator, world: World) -> None:
    place_order(world, [(SKU, 3)])
    query = """
      query ($page: Int!) { warehouses(where: {id: [1]}) { stock(limit: 150, page: $page) {
        freeToAllocateQuantity physicalQuantity allocatedQuantity unshippedQuantity
        productSize { SKU productVariant { product { productNumber } } } } } }
    """

    pages = [ask(simulator, query, page=page).json()["data"]["warehouses"] for page in (1, 2, 3)]

    rows = [row for (warehouse,) in pages for row in warehouse["stock"]]
    assert {row["productSize"]["SKU"] for row in rows} == set(world.items)
    assert len(rows) == len(world.items)
    (sold,) = [row for row in rows if row["productSize"]["SKU"] == SKU]
    assert sold["allocatedQuantity"] == sold["unshippedQuantity"] == 3
    assert sold["freeToAllocateQuantity"] == sold["physicalQuantity"] - 3


def test_sizes_are_found_by_sku(simulator: RunningSimulator) -> None:
    answer = ask(
        simulator,
        "query ($sku: String) { productSizes(where: {SKU: {equals: $sku}}) { SKU isActive EAN"
        " weight { value unit } size { name } stock { physicalQuantity } } }",
        sku=SKU,
    )

    (size,) = answer.json()["data"]["productSizes"]
    assert size["size"] == {"name": "M"}
    assert size["weight"] == {"value": 0.18, "unit": "kg"}


def test_every_answer_says_what_it_cost_and_needed(simulator: RunningSimulator) -> None:
    extensions = ask(simulator, ORDERS, limit=200).json()["extensions"]

    assert extensions["complexity"] > 200
    assert "Order.shippingAddress:read" in extensions["permissionsUsed"]
    assert extensions["appVersion"].startswith("v1.")


def test_a_status_outside_the_published_list_is_shown_when_switched_on(
    world: World, clock: ManualClock
) -> None:
    world.settings.switches["centra_unknown_status"] = "AWAITING_REVIEW"
    place_order(world, [(SKU, 1)], is_on_hold=True)

    with RunningSimulator(world) as simulator:
        (read,) = ask(simulator, ORDERS).json()["data"]["orders"]

    assert read["status"] == "AWAITING_REVIEW"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_line_may_lack_its_shipped_quantity(world: World, is_there: bool) -> None:
    world.settings.switches["centra_has_shipped_quantity"] = is_there

    with RunningSimulator(world) as simulator:
        answer = ask(simulator, "{ orders { lines { shippedQuantity } } }")

    assert answer.status_code == (200 if is_there else 400)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ orders { numbr } }", id="unknown field"),
        pytest.param("{ orders { number }", id="syntax"),
        pytest.param('{ orders(where: {status: ["CONFIRMED"]}) { number } }', id="enum as text"),
        pytest.param("query ($page: Int!) { orders(page: $page) { number } }", id="no variable"),
    ],
)
def test_what_is_not_valid_graphql_is_answered_with_400(
    simulator: RunningSimulator, query: str
) -> None:
    answer = ask(simulator, query)

    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_body_that_is_not_json_is_answered_with_400(simulator: RunningSimulator) -> None:
    answer = httpx.post(
        f"{simulator.centra_url}/graphql",
        content=b"{",
        headers={"Authorization": f"Bearer {TEST_TOKEN}"},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("token", ["wrong", "expired"])
def test_a_token_that_opens_nothing_is_answered_with_403(
    simulator: RunningSimulator, world: World, token: str
) -> None:
    yesterday: datetime = world.now() - timedelta(days=1)
    world.settings.centra_tokens["expired"] = CentraToken(expires_at=yesterday)

    assert ask(simulator, ORDERS, token=token).status_code == 403


def test_a_missing_permission_is_named_in_the_documented_shape(
    simulator: RunningSimulator, world: World
) -> None:
    few = frozenset({"Order:read"})
    world.settings.centra_tokens["narrow"] = CentraToken(permissions=few)

    answer = ask(simulator, "{ orders { number shippingAddress { city } } }", token="narrow")

    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["message"] == (
        "You need Order.shippingAddress:read permission to access shippingAddress."
    )
    assert error["extensions"] == {"category": "authorization"}
    assert error["path"] == ["orders", "shippingAddress"]
    assert ask(simulator, "{ orders { number } }", token="narrow").json()["data"] == {"orders": []}
