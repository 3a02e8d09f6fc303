"""What shipping does to the simulated Centra, and what it refuses, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS, ORDER_LOCK
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.world import CentraOrder, World

Do = Callable[..., Any]
Message = Callable[[Any], str]

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
DPD = {"carrier": "DPD", "service": "Next day", "trackingNumber": "T1", "packagesNumber": 1}


@pytest.fixture
def create(do: Do) -> Callable[..., Any]:
    """Ask for a shipment of an order, of all that is left of it if nothing is said."""

    def ask(order: CentraOrder, **members: Any) -> Any:
        return do(CREATE, input={"order": {"id": order.order_id}, **members})

    return ask


def units(order: CentraOrder, *quantities: int) -> list[dict[str, Any]]:
    return [
        {"orderLine": {"id": line.line_id}, "quantity": quantity}
        for line, quantity in zip(order.lines, quantities, strict=True)
    ]


def test_a_shipment_made_as_already_sent_takes_the_goods_and_closes_the_order(
    world: World, clock: ManualClock, create: Callable[..., Any]
) -> None:
    order = place_order(world, [(SKU, 2)])
    physical, free = world.shelves[SKU].centra_physical, world.centra_free(SKU)
    clock.advance(60)

    payload = create(
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


def test_the_mail_goes_only_with_a_shipping_date(world: World, create: Callable[..., Any]) -> None:
    order = place_order(world, [(SKU, 1)])

    payload = create(order, sendEmail=True)

    assert payload["shipment"]["isShipped"] is False
    assert payload["shipment"]["order"] == {"status": "PROCESSING"}
    assert world.calls["centra mails sent"] == 0


def test_a_part_shipped_order_stays_in_processing(world: World, create: Callable[..., Any]) -> None:
    order = place_order(world, [(SKU, 2), (OTHER_SKU, 1)])

    payload = create(order, lines=units(order, 1, 1)[:1], shippedAt="now")

    assert payload["shipment"]["order"] == {"status": "PROCESSING"}
    assert world.centra_allocated(SKU) == 1
    rest = create(order, shippedAt="now")
    assert [line["quantity"] for line in rest["shipment"]["lines"]] == [1, 1]
    assert order.status == "SHIPPED"


def test_more_than_is_left_cannot_be_shipped(
    world: World, message: Message, create: Callable[..., Any]
) -> None:
    order = place_order(world, [(SKU, 2)])
    create(order, lines=units(order, 1))

    assert "1 left" in message(create(order, lines=units(order, 2)))
    assert "belong" in message(create(order, lines=[{"orderLine": {"id": 1}, "quantity": 1}]))
    assert len(order.shipments) == 1


def test_a_shipping_date_in_the_future_is_refused(
    world: World, message: Message, create: Callable[..., Any]
) -> None:
    order = place_order(world, [(SKU, 1)])

    payload = create(order, shippedAt="2026-03-02T09:00:01Z")

    assert "future" in message(payload)
    assert payload["userErrors"][0]["path"] == ["input", "shippedAt"]
    assert order.shipments == []


@pytest.mark.parametrize(
    ("members", "error"),
    [
        pytest.param({"status": "SHIPPED"}, "already fully shipped", id="shipped"),
        pytest.param({"status": "CANCELLED"}, '"CANCELLED"', id="cancelled"),
        pytest.param({"is_on_hold": True}, "on hold", id="held"),
    ],
)
def test_an_order_that_may_not_go_gets_no_shipment(
    world: World, members: dict[str, Any], error: str, message: Message, create: Callable[..., Any]
) -> None:
    order = place_order(world, [(SKU, 1)], **members)

    assert error in message(create(order))


@pytest.mark.parametrize("switch", ["refuse", "allow"])
def test_units_without_stock_need_a_switch_or_an_allocation(
    world: World, switch: str, message: Message, create: Callable[..., Any]
) -> None:
    world.settings.switches["centra_unallocated_in_shipment"] = switch
    order = place_order(world, [(SKU, 2)])
    order.lines[0].demand = 1

    payload = create(order)

    if switch == "allow":
        assert payload["userErrors"] == []
    else:
        assert "not allocated" in message(payload)
        assert create(order, allocateDemand=True)["userErrors"] == []
        assert order.lines[0].demand == 0


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_failed_capture_warns_and_leaves_the_shipment(
    world: World, succeeds: bool, create: Callable[..., Any]
) -> None:
    world.settings.switches["centra_capture_succeeds"] = succeeds
    order = place_order(world, [(SKU, 1)])

    payload = create(order, capture=True)

    assert payload["shipment"]["isCaptured"] is succeeds
    assert bool(payload["userWarnings"]) is not succeeds


def test_a_shipment_is_made_released_and_completed(
    world: World, do: Do, message: Message, create: Callable[..., Any]
) -> None:
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(order)["shipment"]["id"]

    refused = do(COMPLETE, id=shipment_id, input={})
    do(UPDATE_SHIPMENT, id=shipment_id, input={"isGoodToGo": True, "isPaid": True})
    done = do(COMPLETE, id=shipment_id, input={"shipmentInfo": DPD})

    assert "good to go and paid" in message(refused)
    assert done["userErrors"] == []
    assert done["shipment"]["trackingNumber"] == "T1"
    assert done["shipment"]["order"] == {"status": "SHIPPED"}


def test_an_unreleased_shipment_completes_where_centra_allows_it(
    world: World, do: Do, create: Callable[..., Any]
) -> None:
    world.settings.switches["centra_complete_unreleased"] = "allow"
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(order)["shipment"]["id"]

    assert do(COMPLETE, id=shipment_id, input={})["userErrors"] == []


@pytest.mark.parametrize(("switch", "error"), [("error", "already shipped"), ("no-op", "")])
def test_completing_twice_never_takes_the_goods_twice(
    world: World, switch: str, error: str, do: Do, message: Message, create: Callable[..., Any]
) -> None:
    world.settings.switches["centra_repeated_complete"] = switch
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(order, shippedAt="now")["shipment"]["id"]
    physical = world.shelves[SKU].centra_physical

    again = do(COMPLETE, id=shipment_id, input={})

    assert error in message(again)
    assert bool(again["userErrors"]) is bool(error)
    assert world.shelves[SKU].centra_physical == physical


def test_tracking_is_frozen_once_shipped(
    world: World, do: Do, message: Message, create: Callable[..., Any]
) -> None:
    order = place_order(world, [(SKU, 1)])
    shipment_id = create(order)["shipment"]["id"]
    info = {"shipmentInfo": {"trackingNumber": "T2"}}

    before = do(UPDATE_SHIPMENT, id=shipment_id, input=info)
    create_done = {"isGoodToGo": True, "isPaid": True}
    do(UPDATE_SHIPMENT, id=shipment_id, input=create_done)
    do(COMPLETE, id=shipment_id, input={})
    after = do(UPDATE_SHIPMENT, id=shipment_id, input={"shipmentInfo": {"trackingNumber": "X"}})

    assert before["shipment"]["trackingNumber"] == "T2"
    assert "cannot be changed" in message(after)
    assert order.shipments[0].info["trackingNumber"] == "T2"


def test_a_locked_order_yields_only_to_a_token_that_may_lock(
    simulator: RunningSimulator, world: World, create: Callable[..., Any]
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
    assert create(order)["userErrors"] == []


def test_a_store_may_make_its_shipments_by_itself(
    world: World, message: Message, create: Callable[..., Any]
) -> None:
    world.settings.switches["centra_direct_to_shipment"] = True

    order = place_order(world, [(SKU, 1)])

    assert order.status == "PROCESSING"
    assert order.shipments[0].is_good_to_go
    assert "already fully shipped" in message(create(order))
