"""What a mutation does to the simulated Centra, and what it refuses, over real HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.centra_permissions import ALL_PERMISSIONS, ORDER_LOCK
from centra_whistl_dagster.simulator.checkout import place_order
from centra_whistl_dagster.simulator.clock import ManualClock
from centra_whistl_dagster.simulator.server import RunningSimulator
from centra_whistl_dagster.simulator.settings import TEST_TOKEN, CentraToken
from centra_whistl_dagster.simulator.world import CentraOrder, World

SKU, OTHER_SKU = "TEE001-BLK-M", "TEE001-NVY-L"

CREATE = """
mutation ($input: ShipmentCreateInput!) { createShipment(input: $input) {
  userErrors { message path } userWarnings { message }
  shipment { id number isShipped isGoodToGo isPaid isCaptured shippedAt trackingNumber
             numberOfPackages carrierInformation { carrierName serviceName }
             lines { quantity } order { status } } } }
"""
COMPLETE = """
mutation ($id: Int!, $input: ShipmentCompleteInput!) { completeShipment(id: $id, input: $input) {
  userErrors { message path } shipment { isShipped trackingNumber order { status } } } }
"""
UPDATE_SHIPMENT = """
mutation ($id: Int!, $input: ShipmentUpdateInput!) { updateShipment(id: $id, input: $input) {
  userErrors { message } shipment { trackingNumber isGoodToGo } } }
"""
UPDATE_ORDER = """
mutation ($order: OrderInput!, $input: DirectToConsumerOrderUpdateInput!) {
  updateDirectToConsumerOrder(order: $order, input: $input) {
    userErrors { message path } order { status isOnHold shippingAddress { zipCode city } } } }
"""
LOCK = """
mutation ($input: OrdersLockInput!) { setOrdersLock(input: $input) { userErrors { message path } } }
"""
SET_STOCK = """
mutation ($input: StockSetInput!) { setStock(input: $input) {
  userErrors { message path } stockChanges { id } } }
"""
DPD = {"carrier": "DPD", "service": "Next day", "trackingNumber": "T1", "packagesNumber": 1}


def do(simulator: RunningSimulator, query: str, token: str = TEST_TOKEN, **variables: Any) -> Any:
    """Post one mutation and return its payload."""
    answer = httpx.post(
        f"{simulator.centra_url}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    (payload,) = answer.json()["data"].values()
    return payload


def create(simulator: RunningSimulator, order: CentraOrder, **members: Any) -> Any:
    return do(simulator, CREATE, input={"order": {"id": order.order_id}, **members})


def units(order: CentraOrder, *quantities: int) -> list[dict[str, Any]]:
    return [
        {"orderLine": {"id": line.line_id}, "quantity": quantity}
        for line, quantity in zip(order.lines, quantities, strict=True)
    ]


def stock_input(*levels: tuple[str, int]) -> dict[str, Any]:
    return {
        "warehouse": {"id": 1},
        "description": "test",
        "stockQuantityType": "PHYSICAL",
        "productSizes": [{"productSize": {"SKU": s}, "quantity": q} for s, q in levels],
    }


def message(payload: Any) -> str:
    return " ".join(error["message"] for error in payload["userErrors"])


def test_a_shipment_made_as_already_sent_takes_the_goods_and_closes_the_order(
    simulator: RunningSimulator, world: World, clock: ManualClock
) -> None:
    order = place_order(world, [(SKU, 2)])
    physical, free = world.shelves[SKU].centra_physical, world.centra_free(SKU)
    clock.advance(60)

    payload = create(
        simulator,
        order,
        lines=units(order, 2),
        shippedAt="2026-03-02T09:00:30Z",
        shipmentInfo=DPD,
        sendEmail=True,
    )

    assert payload["userErrors"] == []
    assert payload["shipment"]["number"] == f"{order.number}-1"
    assert payload["shipment"]["isShipped"]
    assert payload["shipment"]["trackingNumber"] == "T1"
    assert payload["shipment"]["numberOfPackages"] == 1
    assert payload["shipment"]["carrierInformation"]["carrierName"] == "DPD"
    assert payload["shipment"]["order"] == {"status": "SHIPPED"}
    assert world.shelves[SKU].centra_physical == physical - 2
    assert world.centra_free(SKU) == free
    assert world.calls["centra mails sent"] == 1


def test_the_mail_goes_only_with_a_shipping_date(simulator: RunningSimulator, world: World) -> None:
    order = place_order(world, [(SKU, 1)])

    payload = create(simulator, order, sendEmail=True)

    assert payload["shipment"]["isShipped"] is False
    assert payload["shipment"]["order"] == {"status": "PROCESSING"}
    assert world.calls["centra mails sent"] == 0


def test_a_part_shipped_order_stays_in_processing(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 2), (OTHER_SKU, 1)])

    payload = create(simulator, order, lines=units(order, 1, 1)[:1], shippedAt="now")

    assert payload["shipment"]["order"] == {"status": "PROCESSING"}
    assert world.centra_allocated(SKU) == 1
    rest = create(simulator, order, shippedAt="now")
    assert [line["quantity"] for line in rest["shipment"]["lines"]] == [1, 1]
    assert order.status == "SHIPPED"


def test_more_than_is_left_cannot_be_shipped(simulator: RunningSimulator, world: World) -> None:
    order = place_order(world, [(SKU, 2)])
    create(simulator, order, lines=units(order, 1))

    assert "1 left" in message(create(simulator, order, lines=units(order, 2)))
    assert "belong" in message(
        create(simulator, order, lines=[{"orderLine": {"id": 1}, "quantity": 1}])
    )
    assert len(order.shipments) == 1


def test_a_shipping_date_in_the_future_is_refused(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 1)])

    payload = create(simulator, order, shippedAt="2026-03-02T09:00:01Z")

    assert "future" in message(payload)
    assert payload["userErrors"][0]["path"] == ["input", "shippedAt"]
    assert order.shipments == []


@pytest.mark.parametrize(
    ("members", "told"),
    [
        pytest.param({"status": "SHIPPED"}, "already fully shipped", id="shipped"),
        pytest.param({"status": "CANCELLED"}, '"CANCELLED"', id="cancelled"),
        pytest.param({"is_on_hold": True}, "on hold", id="held"),
    ],
)
def test_an_order_that_may_not_go_gets_no_shipment(
    simulator: RunningSimulator, world: World, members: dict[str, Any], told: str
) -> None:
    order = place_order(world, [(SKU, 1)], **members)

    assert told in message(create(simulator, order))


@pytest.mark.parametrize("switch", ["refuse", "allow"])
def test_units_without_stock_need_a_switch_or_an_allocation(
    simulator: RunningSimulator, world: World, switch: str
) -> None:
    world.settings.switches["centra_unallocated_in_shipment"] = switch
    order = place_order(world, [(SKU, 2)])
    order.lines[0].demand = 1

    payload = create(simulator, order)

    if switch == "allow":
        assert payload["userErrors"] == []
    else:
        assert "not allocated" in message(payload)
        assert create(simulator, order, allocateDemand=True)["userErrors"] == []
        assert order.lines[0].demand == 0


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_failed_capture_warns_and_leaves_the_shipment(
    simulator: RunningSimulator, world: World, succeeds: bool
) -> None:
    world.settings.switches["centra_capture_succeeds"] = succeeds
    order = place_order(world, [(SKU, 1)])

    payload = create(simulator, order, capture=True)

    assert payload["shipment"]["isCaptured"] is succeeds
    assert bool(payload["userWarnings"]) is not succeeds


def test_a_shipment_is_made_released_and_completed(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(simulator, order)["shipment"]["id"]

    refused = do(simulator, COMPLETE, id=shipment_id, input={})
    do(simulator, UPDATE_SHIPMENT, id=shipment_id, input={"isGoodToGo": True, "isPaid": True})
    done = do(simulator, COMPLETE, id=shipment_id, input={"shipmentInfo": DPD})

    assert "good to go and paid" in message(refused)
    assert done["userErrors"] == []
    assert done["shipment"]["trackingNumber"] == "T1"
    assert done["shipment"]["order"] == {"status": "SHIPPED"}


def test_an_unreleased_shipment_completes_where_centra_allows_it(
    simulator: RunningSimulator, world: World
) -> None:
    world.settings.switches["centra_complete_unreleased"] = "allow"
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(simulator, order)["shipment"]["id"]

    assert do(simulator, COMPLETE, id=shipment_id, input={})["userErrors"] == []


@pytest.mark.parametrize(("switch", "told"), [("error", "already shipped"), ("no-op", "")])
def test_completing_twice_never_takes_the_goods_twice(
    simulator: RunningSimulator, world: World, switch: str, told: str
) -> None:
    world.settings.switches["centra_repeated_complete"] = switch
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(simulator, order, shippedAt="now")["shipment"]["id"]
    physical = world.shelves[SKU].centra_physical

    again = do(simulator, COMPLETE, id=shipment_id, input={})

    assert told in message(again)
    assert bool(again["userErrors"]) is bool(told)
    assert world.shelves[SKU].centra_physical == physical


def test_tracking_is_frozen_once_shipped(simulator: RunningSimulator, world: World) -> None:
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(simulator, order)["shipment"]["id"]
    info = {"shipmentInfo": {"trackingNumber": "T2"}}

    before = do(simulator, UPDATE_SHIPMENT, id=shipment_id, input=info)
    create_done = {"isGoodToGo": True, "isPaid": True}
    do(simulator, UPDATE_SHIPMENT, id=shipment_id, input=create_done)
    do(simulator, COMPLETE, id=shipment_id, input={})
    after = do(
        simulator, UPDATE_SHIPMENT, id=shipment_id, input={"shipmentInfo": {"trackingNumber": "X"}}
    )

    assert before["shipment"]["trackingNumber"] == "T2"
    assert "cannot be changed" in message(after)
    assert order.shipments[0].info["trackingNumber"] == "T2"


def test_a_batch_of_orders_is_locked_but_for_the_unknown_one(
    simulator: RunningSimulator, world: World
) -> None:
    first, second = (place_order(world, [(SKU, 1)]) for _ in range(2))
    named = [{"id": first.order_id}, {"number": 5}, {"number": second.number}]

    payload = do(simulator, LOCK, input={"orders": named, "isLocked": True})

    assert payload["userErrors"] == [
        {"message": "Order not found: 5", "path": ["input", "orders", "1"]}
    ]
    assert first.is_locked
    assert second.is_locked


def test_a_locked_order_yields_only_to_a_token_that_may_lock(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 1)], is_locked=True)
    world.settings.centra_tokens["narrow"] = CentraToken(permissions=ALL_PERMISSIONS - {ORDER_LOCK})
    variables = {"input": {"order": {"id": order.order_id}}}

    refused = httpx.post(
        f"{simulator.centra_url}/graphql",
        json={"query": CREATE, "variables": variables},
        headers={"Authorization": "Bearer narrow"},
    ).json()

    assert "Order.isLocked:write" in refused["errors"][0]["message"]
    assert refused["errors"][0]["extensions"] == {"category": "authorization"}
    assert order.shipments == []
    assert create(simulator, order)["userErrors"] == []


def test_an_order_is_corrected_held_and_released(
    simulator: RunningSimulator, world: World, clock: ManualClock
) -> None:
    order = place_order(world, [(SKU, 1)], is_on_hold=True)
    reference = {"number": order.number}
    clock.advance(30)

    address = {"shippingAddress": {"zipCode": "LS6 2AB"}}
    corrected = do(simulator, UPDATE_ORDER, order=reference, input=address)
    assert corrected["order"]["shippingAddress"] == {"zipCode": "LS6 2AB", "city": "York"}
    assert order.updated_at == clock()
    assert order.confirmed_at is None

    clock.advance(30)
    released = do(simulator, UPDATE_ORDER, order=reference, input={"isOnHold": False})
    assert released["order"]["isOnHold"] is False
    assert order.confirmed_at == clock()


def test_a_released_hold_may_leave_no_trace_in_updated_at(
    simulator: RunningSimulator, world: World, clock: ManualClock
) -> None:
    world.settings.switches["centra_resume_touches_updated_at"] = False
    order = place_order(world, [(SKU, 1)], is_on_hold=True)
    before = order.updated_at
    clock.advance(30)

    do(simulator, UPDATE_ORDER, order={"number": order.number}, input={"isOnHold": False})

    assert not order.is_on_hold
    assert order.updated_at == before


def test_units_taken_off_a_line_are_free_again_unless_removed(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 3)])
    free = world.centra_free(SKU)

    def cancel(quantity: int, policy: str) -> Any:
        item = {
            "line": {"id": order.lines[0].line_id},
            "quantity": quantity,
            "stockActionPolicy": {policy: True},
        }
        reference = {"id": order.order_id}
        return do(simulator, UPDATE_ORDER, order=reference, input={"cancelLines": [item]})

    cancel(1, "releaseItemsBackToWarehouse")
    assert world.centra_free(SKU) == free + 1
    cancel(1, "removeItemsFromStock")
    assert world.centra_free(SKU) == free + 1
    assert (order.lines[0].quantity, order.lines[0].cancelled) == (1, 2)
    assert "unshipped quantity" in message(cancel(2, "releaseItemsBackToWarehouse"))
    assert cancel(1, "releaseItemsBackToWarehouse")["order"]["status"] == "CANCELLED"


def test_a_cancelled_order_frees_its_stock_and_is_final(
    simulator: RunningSimulator, world: World
) -> None:
    order = place_order(world, [(SKU, 2)])
    free = world.centra_free(SKU)
    query = """
      mutation ($id: String!, $input: DirectToConsumerOrderCancelInput!) {
        cancelDirectToConsumerOrder(id: $id, input: $input) {
          userErrors { message } order { status lines { quantity } } } }
    """
    how = {"emailOptions": {}, "stockAction": {"releaseItemsBackToWarehouse": True}}

    payload = do(simulator, query, id=order.order_id, input=how)

    assert payload["order"] == {"status": "CANCELLED", "lines": [{"quantity": 2}]}
    assert world.centra_free(SKU) == free + 2
    assert "CANCELLED" in message(do(simulator, query, id=order.order_id, input=how))


def test_only_a_pending_order_can_be_confirmed(simulator: RunningSimulator, world: World) -> None:
    order = place_order(world, [(SKU, 1)], status="PENDING")
    query = """
      mutation ($n: Int!) { confirmOrder(input: {order: {number: $n}}) {
        userErrors { message } order { status } } }
    """

    assert do(simulator, query, n=order.number)["order"] == {"status": "CONFIRMED"}
    assert order.confirmed_at == world.now()
    assert "CONFIRMED" in message(do(simulator, query, n=order.number))


def test_physical_stock_is_set_for_several_sizes(simulator: RunningSimulator, world: World) -> None:
    place_order(world, [(SKU, 2)])

    payload = do(simulator, SET_STOCK, input=stock_input((SKU, 50), (OTHER_SKU, 7)))

    assert payload["userErrors"] == []
    assert payload["stockChanges"]
    assert world.shelves[SKU].centra_physical == 50
    assert world.centra_free(SKU) == 48
    assert world.shelves[OTHER_SKU].centra_physical == 7
    assert world.calls["centra stock lines written"] == 2


@pytest.mark.parametrize(("switch", "expected"), [("clamp", 5), ("error", None)])
def test_stock_below_what_is_allocated_is_clamped_or_refused(
    simulator: RunningSimulator, world: World, switch: str, expected: int | None
) -> None:
    world.settings.switches["centra_stock_below_allocated"] = switch
    place_order(world, [(SKU, 5)])
    before = world.shelves[SKU].centra_physical

    payload = do(simulator, SET_STOCK, input=stock_input((SKU, 3)))

    assert bool(payload["userErrors"]) is (expected is None)
    assert world.shelves[SKU].centra_physical == (before if expected is None else expected)


@pytest.mark.parametrize(("applies_good", "expected"), [(False, "as before"), (True, 9)])
def test_one_unknown_sku_is_named_and_may_stop_the_others(
    simulator: RunningSimulator, world: World, applies_good: bool, expected: int | str
) -> None:
    world.settings.switches["centra_applies_good_stock_lines"] = applies_good
    before = world.shelves[SKU].centra_physical

    payload = do(simulator, SET_STOCK, input=stock_input(("NO-SUCH-SKU", 1), (SKU, 9)))

    (error,) = payload["userErrors"]
    assert "NO-SUCH-SKU" in error["message"]
    assert error["path"] == ["input", "productSizes", "0", "productSize"]
    assert world.shelves[SKU].centra_physical == (before if expected == "as before" else expected)


def test_an_old_version_writes_one_of_several_sizes_and_says_nothing(
    simulator: RunningSimulator, world: World
) -> None:
    world.settings.switches["centra_several_sizes_bug"] = True
    before = world.shelves[OTHER_SKU].centra_physical

    payload = do(simulator, SET_STOCK, input=stock_input((SKU, 1), (OTHER_SKU, before + 5)))

    assert payload["userErrors"] == []
    assert world.shelves[SKU].centra_physical == 1
    assert world.shelves[OTHER_SKU].centra_physical == before


def test_a_negative_quantity_is_refused(simulator: RunningSimulator, world: World) -> None:
    assert "0" in message(do(simulator, SET_STOCK, input=stock_input((SKU, -1))))


def test_a_store_may_make_its_shipments_by_itself(
    simulator: RunningSimulator, world: World
) -> None:
    world.settings.switches["centra_direct_to_shipment"] = True

    order = place_order(world, [(SKU, 1)])

    assert order.status == "PROCESSING"
    assert order.shipments[0].is_good_to_go
    assert "already fully shipped" in message(create(simulator, order))
