"""The scoreboard tells a good run from a bad one, from the simulated systems' own state."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from centra_whistl_dagster.simulator.centra_rules import add_shipment, cancel_order, ship
from centra_whistl_dagster.simulator.checkout import place_order
from centra_whistl_dagster.simulator.clock import ManualClock
from centra_whistl_dagster.simulator.truth import audit_stock_write, is_drained, truth
from centra_whistl_dagster.simulator.warehouse import goods_in, set_aside, take_unseen
from centra_whistl_dagster.simulator.whistl_snapshots import take_snapshot
from centra_whistl_dagster.simulator.world import CentraOrder, SentParcel, WhistlOrder, World

A_DAY = 86_400

Sell = Callable[..., CentraOrder]
Send = Callable[[CentraOrder], WhistlOrder]


@pytest.fixture
def sell(world: World, skus: list[str]) -> Sell:
    """Place one order of two units of the first SKU, unless told otherwise."""

    def place(*units: tuple[str, int], **members: Any) -> CentraOrder:
        return place_order(world, list(units) or [(skus[0], 2)], **members)

    return place


@pytest.fixture
def send(world: World, accept: Callable[..., WhistlOrder]) -> Send:
    """Hand an order to Whistl as the product should."""

    def hand_over(order: CentraOrder) -> WhistlOrder:
        units = [(line.sku, line.quantity) for line in order.lines]
        return accept(*units, order_number=world.whistl_number(order))

    return hand_over


def complete(world: World, order: CentraOrder, parcel: SentParcel, **changes: Any) -> None:
    """Complete one box in Centra as the product should, but for the changes."""
    info = {
        "carrier": "Simulated Royal Mail",
        "trackingNumber": min(parcel.tracking_numbers),
        **changes,
    }
    lines = {order.lines[n - 1].line_id: units for n, units in parcel.units.items()}
    shipment = add_shipment(world, order, lines, is_good_to_go=True, is_paid=True)
    shipment.info = info
    ship(world, order, shipment, parcel.despatched_at, send_email=True)


def orders(world: World) -> dict[str, int]:
    return {name: count for name, count in truth(world)["orders"].items() if count}


def test_before_anything_happens_all_agrees_and_nothing_is_counted(world: World) -> None:
    told = json.loads(json.dumps(truth(world)))

    assert set(told["orders"].values()) == {0}
    assert told["stock"]["agreeing"] == told["stock"]["skus"] == 200
    assert told["stock"]["unexplained"] == []
    assert told["writes"] == {}
    assert told["latency_seconds"]["confirmed_to_accepted"]["n"] == 0
    assert told["is_drained"] is True


def test_a_healthy_order_that_is_not_at_whistl_is_lost_after_half_a_minute(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    order = sell()
    clock.advance(30)
    in_time = orders(world)
    clock.advance(1)
    late = orders(world)
    send(order)

    assert in_time == {"confirmed": 1, "healthy_unsent": 1}
    assert late == {"confirmed": 1, "healthy_unsent": 1, "lost": 1}
    assert truth(world, lost_after_seconds=60)["orders"]["lost"] == 0
    assert orders(world) == {"confirmed": 1, "submitted": 1}


def test_an_order_that_may_not_go_is_not_lost(world: World, clock: ManualClock, sell: Sell) -> None:
    sell(is_on_hold=True)
    sell(is_waiting_for_payment=True)
    cancel_order(world, sell())
    clock.advance(3600)

    assert orders(world) == {"confirmed": 1, "cancelled": 1}


def test_a_spoiled_order_is_blocked_until_corrected_and_then_has_its_own_half_minute(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    order = sell(spoilage="missing_city", first_spoilage="missing_city")
    clock.advance(3600)
    blocked = orders(world)
    order.spoilage, order.corrected_at = None, clock()
    clock.advance(10)
    corrected = orders(world)
    send(order)

    assert blocked == {"confirmed": 1, "blocked": 1}
    assert corrected == {"confirmed": 1, "healthy_unsent": 1}
    assert truth(world)["spoiled"] == {
        "missing_city": {"seen": 1, "corrected": 1, "sent_after_correction": 1}
    }
    assert orders(world) == {"confirmed": 1, "submitted": 1}


def test_a_spoiled_order_that_was_sent_is_remembered_even_once_corrected(
    world: World, sell: Sell, send: Send
) -> None:
    order = sell(spoilage="unmapped_shipping_option", first_spoilage="unmapped_shipping_option")
    send(order)
    order.spoilage = None

    assert orders(world) == {"confirmed": 1, "submitted": 1, "spoiled_but_sent": 1}


def test_a_second_order_under_one_number_and_one_that_nobody_placed_are_counted(
    world: World, sell: Sell, send: Send, accept: Callable[..., WhistlOrder]
) -> None:
    world.settings.switches["whistl_accepts_repeated_numbers"] = True
    order = sell()
    send(order)
    send(order)
    accept(order_number="C999999")

    told = orders(world)

    assert (told["duplicated"], told["strangers"], told["submitted"]) == (1, 1, 1)


def test_latency_runs_from_confirmed_and_free_to_accepted(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    for seconds in range(1, 21):
        order = sell()
        clock.advance(seconds)
        send(order)
    spoiled = sell(spoilage=None, first_spoilage="missing_phone")
    clock.advance(5000)
    send(spoiled)

    told = truth(world)["latency_seconds"]["confirmed_to_accepted"]

    assert told == {"p50": 10.0, "p95": 19.0, "max": 20.0, "n": 20}


def test_a_box_completed_as_it_left_completes_the_order(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    order = sell()
    send(order)
    clock.run(world, A_DAY)
    parcel = world.sent_parcels[0]
    before = orders(world)
    complete(world, order, parcel)

    told = truth(world)

    assert before == {"confirmed": 1, "submitted": 1, "despatched": 1}
    assert orders(world) == {**before, "completed": 1}
    assert told["shipments"]["right"] == told["shipments"]["parcels_completed"] == 1
    waited = (clock() - parcel.despatched_at).total_seconds()
    assert told["latency_seconds"]["despatched_to_completed"]["p50"] == round(waited, 3)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"carrier": ""}, "missing"),
        ({"trackingNumber": None}, "missing"),
        ({"trackingNumber": "SM000000000GB"}, "no box"),
        ({"carrier": "Simulated DPD"}, "another carrier"),
    ],
)
def test_a_shipment_that_says_something_else_is_wrong(
    world: World,
    clock: ManualClock,
    sell: Sell,
    send: Send,
    changes: dict[str, Any],
    why: str,
) -> None:
    order = sell()
    send(order)
    clock.run(world, A_DAY)
    complete(world, order, world.sent_parcels[0], **changes)

    told = truth(world)

    assert told["orders"]["shipments_wrong"] == told["shipments"]["wrong"] == 1
    assert why in told["shipments"]["wrong_examples"][0]["why"]


def test_each_box_of_several_is_completed_once_with_its_own_units(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    world.settings.several_parcels_share = 1.0
    right, swapped = (sell((skus[0], 1), (skus[1], 1)) for _ in range(2))
    twice = sell((skus[0], 2))
    for order in (right, twice, swapped):
        send(order)
    clock.run(world, A_DAY)
    boxes = {
        order.number: [
            p for p in world.sent_parcels if p.order_number == world.whistl_number(order)
        ]
        for order in (right, twice, swapped)
    }
    for box in boxes[right.number]:
        complete(world, right, box)
    first, second = boxes[twice.number]
    complete(world, twice, first)
    complete(world, twice, second, trackingNumber=min(first.tracking_numbers))
    first, second = boxes[swapped.number]
    complete(world, swapped, first, trackingNumber=min(second.tracking_numbers))

    told = truth(world)["shipments"]

    assert (told["right"], told["wrong"]) == (3, 2)
    assert {example["shipment"] for example in told["wrong_examples"]} == {
        f"{twice.number}-2",
        f"{swapped.number}-1",
    }


def test_one_shipment_made_early_may_stand_for_all_boxes(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    world.settings.several_parcels_share = 1.0
    order = sell((skus[0], 1), (skus[1], 1))
    send(order)
    clock.run(world, A_DAY)
    whole = SentParcel(
        order_number="",
        despatched_at=clock(),
        carrier_names=frozenset(),
        units={1: 1, 2: 1},
        skus={},
        tracking_numbers=world.sent_parcels[1].tracking_numbers,
    )
    complete(world, order, whole)

    told = truth(world)["shipments"]

    assert (told["right"], told["wrong"], told["parcels_completed"]) == (1, 0, 2)


def test_stock_agrees_at_every_step_of_an_order_when_nothing_is_written(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    def agrees() -> bool:
        return truth(world)["stock"]["unexplained"] == []

    order = sell()
    steps = [agrees()]
    at_whistl = send(order)
    steps.append(agrees())
    while at_whistl.status != "DESPATCHED":
        clock.run(world, 60)
        steps.append(agrees())
    complete(world, order, world.sent_parcels[0])
    steps.append(agrees())

    assert all(steps)


def test_what_the_second_channel_takes_and_a_buffer_show_in_the_agreement(
    world: World, skus: list[str]
) -> None:
    free = world.centra_free(skus[0])
    take_unseen(world, skus[0], 3)

    plain = truth(world)["stock"]
    world.shelves[skus[0]].centra_physical -= 5
    with_buffer = truth(world, buffers={skus[0]: 2})["stock"]

    assert plain["unexplained"] == [
        {
            "sku": skus[0],
            "centra_free": free,
            "expected": free - 3,
            "whistl_available": free - 3,
            "sold_not_allocated": 0,
            "buffer": 0,
        }
    ]
    assert plain["agreeing"] == plain["skus"] - 1
    assert with_buffer["unexplained"] == []


def test_a_sku_on_one_side_only_is_no_disagreement(world: World, skus: list[str]) -> None:
    world.items[skus[0]].is_known_to_whistl = False
    world.items[skus[1]].is_active_in_centra = False
    for sku in skus[:2]:
        world.shelves[sku].centra_physical += 100

    assert truth(world)["stock"]["agreeing"] == truth(world)["stock"]["skus"] == 198


# ---- the audit of stock writes: each test reads a picture, lets things happen, and writes from it
@pytest.fixture
def available(world: World, skus: list[str]) -> int:
    """What the picture just read says of the first SKU."""
    snapshot = take_snapshot(world)
    assert snapshot is not None
    world.audit.read_snapshot_id = snapshot.snapshot_id
    return world.whistl_available(skus[0])


def resurrected(world: World) -> int:
    return truth(world)["stock"]["resurrected_units"]


def test_a_right_write_offers_nothing_that_does_not_exist(
    world: World, available: int, sell: Sell, skus: list[str]
) -> None:
    sell()

    assert audit_stock_write(world, skus[0], available) == 0
    assert resurrected(world) == 0
    assert audit_stock_write(world, skus[0], available + 2) == 2


def test_a_picture_written_without_rolling_it_forward_brings_sold_stock_back(
    world: World, available: int, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    order = sell()
    send(order)
    clock.run(world, A_DAY)
    complete(world, order, world.sent_parcels[0])

    assert audit_stock_write(world, skus[0], available) == 2
    assert audit_stock_write(world, skus[0], available - 2) == 0
    assert resurrected(world) == 2
    assert truth(world)["stock"]["resurrected_skus"] == [skus[0]]


def test_units_of_a_box_not_yet_completed_count_once(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    send(sell())
    clock.run(world, A_DAY)
    in_building = world.whistl_available(skus[0])

    assert audit_stock_write(world, skus[0], in_building + 2) == 0
    assert audit_stock_write(world, skus[0], in_building + 3) == 1


@pytest.mark.parametrize("move", [take_unseen, set_aside])
def test_what_left_since_the_picture_is_nobodys_fault_but_what_left_before_is(
    world: World, available: int, skus: list[str], move: Callable[[World, str, int], int]
) -> None:
    move(world, skus[0], 4)
    unknowable = audit_stock_write(world, skus[0], available)
    snapshot = take_snapshot(world)
    assert snapshot is not None
    world.audit.read_snapshot_id = snapshot.snapshot_id

    assert unknowable == 0
    assert audit_stock_write(world, skus[0], available) == 4


def test_a_cancellation_just_made_need_not_be_known_but_an_old_one_must(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    order = sell()
    send(order)
    clock.run(world, 120)
    cancel_order(world, order)
    kept = world.whistl_available(skus[0]) + 2
    at_once = audit_stock_write(world, skus[0], kept)
    clock.advance(timedelta(minutes=5).total_seconds())

    assert at_once == 0
    assert audit_stock_write(world, skus[0], kept) == 2


def test_new_goods_may_be_offered_at_once(world: World, available: int, skus: list[str]) -> None:
    goods_in(world, skus[0], 10)

    assert audit_stock_write(world, skus[0], available + 10) == 0
    assert audit_stock_write(world, skus[0], available + 11) == 1


def test_units_sold_that_the_building_lacks_are_oversold(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    take_unseen(world, skus[0], world.whistl_available(skus[0]) - 1)
    send(sell())
    clock.run(world, 3600)

    told = truth(world)["stock"]

    assert (told["oversold_units"], told["oversold_skus"]) == (1, [skus[0]])


def test_effects_are_told_apart_from_requests_so_that_a_quiet_run_shows_none(
    world: World, whistl, order_body
) -> None:
    whistl.post("/v2/orders", json=order_body())
    first = truth(world)
    whistl.post("/v2/orders", json=order_body())
    whistl.get("/v2/orders")
    second = truth(world)

    assert first["writes"] == second["writes"] == {"whistl orders created": 1}
    assert second["calls"] == {"whistl create_order": 2, "whistl list_orders": 1}


def test_a_world_is_drained_once_no_order_moves_though_pictures_go_on(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    before = is_drained(world)
    send(sell())
    moving = is_drained(world)
    clock.run(world, A_DAY)

    assert (before, moving, is_drained(world)) == (True, False, True)
    assert world.next_due_at() is not None
