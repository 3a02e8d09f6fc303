"""The client and the simulated Centra mean the same by every operation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from centra_whistl_dagster.centra.client import CentraClient, ShipmentDraft
from centra_whistl_dagster.domain.orders.order import CentraShipment, Order, Permission, permission
from centra_whistl_dagster.domain.orders.shipping import ShippingOrder
from centra_whistl_dagster.simulator.centra.rules import add_shipment, in_no_shipment
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind, FaultRule
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN, CentraToken
from centra_whistl_dagster.simulator.world.world import CentraOrder, Settings, World
from centra_whistl_dagster.transport import AccessDenied, OutcomeUnknown, Refused

SKU, OTHER = "TEE001-BLK-M", "TEE001-NVY-L"


def draft(order: CentraOrder, clock: ManualClock, **changes: Any) -> ShipmentDraft:
    usual: dict[str, Any] = {
        "centra_order_id": order.order_id,
        "lines": tuple((line.line_id, line.quantity) for line in order.lines),
        "shipped_at": clock(),
        "carrier": "Royal Mail",
        "service": "Tracked 48",
        "tracking_number": "AB123456789GB",
        "packages": 1,
        "send_email": True,
    }
    return ShipmentDraft(**{**usual, **changes})


def shipments(centra: CentraClient, order: CentraOrder) -> tuple[CentraShipment, ...]:
    found = centra.shipping_orders([order.order_id])[order.order_id]
    assert isinstance(found, ShippingOrder)
    return found.shipments


def faults(operation: str, kind: str, **members: Any) -> FaultRule:
    return FaultRule(system="centra", operation=operation, kind=FaultKind(kind), **members)


def test_an_order_is_read_as_the_shopper_placed_it(centra: CentraClient, world: World) -> None:
    placed = place_order(world, [(SKU, 2), (OTHER, 1)])

    (order,) = centra.orders([placed.order_id])

    assert (order.number, order.status) == (placed.number, "CONFIRMED")
    assert permission(order) is Permission.MAY_BE_SENT
    assert [(line.sku, line.quantity) for line in order.lines] == [(SKU, 2), (OTHER, 1)]
    assert order.delivery is not None
    assert order.delivery.name == "Ada Lovelace"
    assert order.delivery.email == "ada@example.com"
    assert order.grand_total == order.shipping_total + sum(
        line.unit_price * line.quantity for line in order.lines
    )


def test_a_change_is_seen_from_its_moment_on(
    centra: CentraClient, world: World, clock: ManualClock
) -> None:
    place_order(world, [(SKU, 1)])
    clock.advance(60)
    since = clock()
    clock.advance(60)
    place_order(world, [(SKU, 1)], is_on_hold=True)
    place_order(world, [(SKU, 1)], status="CANCELLED")

    stamps = centra.open_order_stamps(since)
    changed = [one for one in centra.orders_changed_since(since) if isinstance(one, Order)]

    assert [one.number for one in stamps.open] == [100002]
    assert [one.number for one in stamps.cancelled] == [100003]
    assert [one.number for one in changed] == [100002, 100003]
    assert [one.is_on_hold for one in changed] == [True, False]
    assert [one.number for one in centra.open_order_stamps(None).open] == [100001, 100002]


def test_every_order_of_many_pages_is_read_once(centra: CentraClient, world: World) -> None:
    placed = {place_order(world, [(SKU, 1)]).number for _ in range(250)}

    read = [one.number for one in centra.orders_changed_since(None) if isinstance(one, Order)]

    assert len(read) == 250
    assert set(read) == placed
    assert len(centra.open_order_stamps(None).open) == 250
    assert centra.count_open_orders() == 250


def test_a_locked_order_is_counted_and_no_longer_offered(
    centra: CentraClient, world: World
) -> None:
    placed = place_order(world, [(SKU, 1)])

    centra.lock_orders([placed.order_id])
    centra.lock_orders([placed.order_id])

    assert placed.is_locked
    assert centra.open_order_stamps(None).open == ()
    assert centra.count_open_orders() == 1


def test_a_parcel_closes_the_order_and_is_found_again(
    centra: CentraClient, world: World, clock: ManualClock
) -> None:
    placed = place_order(world, [(SKU, 2)])
    clock.advance(60)

    written = centra.create_shipment(draft(placed, clock))

    assert placed.status == "SHIPPED"
    (shipment,) = shipments(centra, placed)
    assert shipment.shipment_id == written.shipment_id
    assert (shipment.carrier, shipment.tracking_number) == ("Royal Mail", "AB123456789GB")
    assert shipment.is_shipped
    assert shipment.shipped_at == clock()
    assert centra.orders([placed.order_id])[0].shipments == (shipment,)


@pytest.mark.parametrize("kind", ["lose_answer_after", "error_500_after", "empty_200", "truncate"])
def test_a_parcel_whose_answer_was_lost_is_in_doubt_and_there_once(
    centra: CentraClient, world: World, clock: ManualClock, kind: str
) -> None:
    placed = place_order(world, [(SKU, 1)])
    world.faults.put(faults("createShipment", kind))

    with pytest.raises(OutcomeUnknown):
        centra.create_shipment(draft(placed, clock))

    assert len(shipments(centra, placed)) == 1


def test_a_parcel_that_never_arrived_goes_again_by_itself(
    centra: CentraClient, world: World, clock: ManualClock
) -> None:
    placed = place_order(world, [(SKU, 1)])
    world.faults.put(faults("createShipment", "rate_limited", nth=1, seconds=2.0))
    asked_at = clock()

    centra.create_shipment(draft(placed, clock))

    assert len(placed.shipments) == 1
    assert clock() - asked_at == timedelta(seconds=2)


def test_a_shipment_that_centra_made_by_itself_is_completed(
    centra: CentraClient, world: World, clock: ManualClock
) -> None:
    world.settings.switches["centra_direct_to_shipment"] = True
    placed = place_order(world, [(SKU, 1)])
    clock.advance(60)
    (existing,) = shipments(centra, placed)

    written = centra.complete_shipment(existing.shipment_id, draft(placed, clock))

    assert (written.shipment_id, written.is_shipped) == (existing.shipment_id, True)
    assert placed.status == "SHIPPED"
    with pytest.raises(Refused, match="already_shipped"):
        centra.complete_shipment(existing.shipment_id, draft(placed, clock))


def test_a_capture_that_fails_is_a_warning_and_the_shipment_stays_open(
    centra: CentraClient, world: World, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    world.settings.switches["centra_capture_succeeds"] = False
    placed = place_order(world, [(SKU, 1)])
    object.__setattr__(centra._config, "captures_payment", True)

    written = centra.create_shipment(draft(placed, clock))

    assert "capture_failed" in caplog.text
    assert [reason.code for reason in written.warnings] == ["capture_failed"]
    assert (written.is_shipped, written.is_captured) == (False, False)
    assert [one.shipped_at for one in placed.shipments] == [None]
    assert world.calls["centra mails sent"] == 0


def test_a_shipment_is_captured_released_and_completed_in_three_calls(
    centra: CentraClient, world: World, clock: ManualClock
) -> None:
    placed = place_order(world, [(SKU, 1)])
    made = add_shipment(world, placed, in_no_shipment(placed))

    captured = centra.capture_shipment(made.shipment_id)
    released = centra.release_shipment(made.shipment_id)
    completed = centra.complete_shipment(made.shipment_id, draft(placed, clock))

    assert (captured.is_captured, captured.is_shipped) == (True, False)
    assert released.shipment_id == made.shipment_id
    assert completed.is_shipped
    assert made.is_good_to_go
    with pytest.raises(Refused, match="already_captured"):
        centra.capture_shipment(made.shipment_id)


def test_a_clock_of_centra_that_is_behind_is_learned_from_its_answers(
    centra: CentraClient, world: World, clock: ManualClock
) -> None:
    world.settings.switches["centra_clock_behind_seconds"] = 10.0
    placed = place_order(world, [(SKU, 1)])

    shipments(centra, placed)
    written = centra.create_shipment(draft(placed, clock))

    assert written.is_shipped
    assert placed.shipments[0].shipped_at == clock() - timedelta(seconds=10)


def test_stock_is_read_and_set_by_sku(centra: CentraClient, world: World) -> None:
    place_order(world, [(SKU, 2)])
    levels = {level.sku: level for level in centra.stock_levels()}
    assert levels.keys() == world.items.keys()
    assert levels[SKU].allocated == 2
    assert levels[SKU].free == levels[SKU].physical - 2

    result = centra.set_physical_stock([(SKU, 9), ("NO-SUCH", 1), (OTHER, 0)], "sync")

    assert sorted(result.written) == [(SKU, 9), (OTHER, 0)]
    assert [line.sku for line in result.refused] == ["NO-SUCH"]
    after = {level.sku: level.physical for level in centra.stock_levels()}
    assert (after[SKU], after[OTHER]) == (9, 0)


def test_the_catalogue_is_read_whole(centra: CentraClient, world: World) -> None:
    sizes = list(centra.product_sizes())

    assert {size.sku for size in sizes} == world.items.keys()
    assert len(sizes) == len(world.items)


@pytest.mark.parametrize(
    "settings", [Settings(centra_limits=None, switches={"centra_unknown_status": "UNDER_REVIEW"})]
)
def test_an_unknown_status_is_read_and_not_sent(centra: CentraClient, world: World) -> None:
    placed = place_order(world, [(SKU, 1)], is_on_hold=True)

    (order,) = centra.orders([placed.order_id])

    assert order.status == "UNDER_REVIEW"
    assert permission(order) is Permission.WAITING


def test_a_token_that_may_not_read_addresses_is_told_so_by_name(
    centra: CentraClient, world: World
) -> None:
    placed = place_order(world, [(SKU, 1)])
    token = world.settings.centra_tokens[TEST_TOKEN]
    world.settings.centra_tokens[TEST_TOKEN] = CentraToken(
        permissions=token.permissions - {"Order.shippingAddress:read"}
    )

    with pytest.raises(AccessDenied, match=r"Order\.shippingAddress:read"):
        centra.orders([placed.order_id])


def test_a_token_that_has_expired_is_told_so(
    centra: CentraClient, world: World, clock: ManualClock
) -> None:
    world.settings.centra_tokens[TEST_TOKEN] = CentraToken(expires_at=clock())

    with pytest.raises(AccessDenied) as caught:
        centra.count_open_orders()

    assert caught.value.status == 403
    assert "30 days" in caught.value.advice


@pytest.mark.parametrize("kind", ["error_503_before", "html_200", "empty_200", "truncate"])
def test_reads_survive_a_passing_fault(centra: CentraClient, world: World, kind: str) -> None:
    world.faults.put(faults("OrderStamps", kind, nth=1))
    place_order(world, [(SKU, 1)])

    assert len(centra.open_order_stamps(None).open) == 1


def test_orders_too_large_for_one_page_are_read_in_parts_and_one_that_is_alone_so_is_named(
    centra: CentraClient, world: World
) -> None:
    placed = [place_order(world, [(SKU, 1)]) for _ in range(12)]
    for order in placed[1:]:
        order.other_comment = "x" * 900_000
    placed[0].other_comment = "x" * 9_000_000

    found = list(centra.orders_changed_since(None))

    read = [order.number for order in found if isinstance(order, Order)]
    assert sorted(read) == [order.number for order in placed[1:]]
    assert len(found) == len(placed)
