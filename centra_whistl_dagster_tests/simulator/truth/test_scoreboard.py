"""The scoreboard counts what became of each order, as the simulated systems know it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.centra.rules import cancel_order, cancel_units
from centra_whistl_dagster.simulator.truth.scoreboard import is_drained, truth
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import CentraOrder, SentParcel, WhistlOrder, World

OrderBody = Callable[..., dict[str, Any]]

A_DAY = 86_400

Sell = Callable[..., CentraOrder]
Send = Callable[[CentraOrder], WhistlOrder]


def orders(world: World) -> dict[str, int]:
    return {name: count for name, count in truth(world)["orders"].items() if count}


def test_before_anything_happens_all_agrees_and_nothing_is_counted(world: World) -> None:
    judged = json.loads(json.dumps(truth(world)))

    assert set(judged["orders"].values()) == {0}
    assert judged["stock"]["agreeing"] == judged["stock"]["skus"] == 200
    assert judged["stock"]["unexplained"] == []
    assert judged["writes"] == {}
    assert judged["latency_seconds"]["confirmed_to_accepted"]["n"] == 0
    assert judged["is_drained"] is True


def test_a_healthy_order_that_is_not_at_whistl_is_late_after_half_a_minute(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    order = sell()
    clock.advance(30)
    in_time = orders(world)
    clock.advance(1)
    late = orders(world)
    send(order)

    assert in_time == {"confirmed": 1, "healthy_unsent": 1}
    assert late == {"confirmed": 1, "healthy_unsent": 1, "late": 1}
    assert truth(world, late_after_seconds=60)["orders"]["late"] == 0
    assert orders(world) == {"confirmed": 1, "submitted": 1}


def test_an_order_that_may_not_go_is_not_late(world: World, clock: ManualClock, sell: Sell) -> None:
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

    judged = orders(world)

    assert (judged["duplicated"], judged["strangers"], judged["submitted"]) == (1, 1, 1)


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

    judged = truth(world)["latency_seconds"]["confirmed_to_accepted"]

    assert judged == {"p50": 10.0, "p95": 19.0, "max": 20.0, "n": 20}


def test_a_box_completed_as_it_left_completes_the_order(
    world: World, clock: ManualClock, sell: Sell, send: Send, complete: Callable[..., None]
) -> None:
    order = sell()
    send(order)
    clock.run(world, A_DAY)
    parcel = world.sent_parcels[0]
    before = orders(world)
    complete(order, parcel)

    judged = truth(world)

    assert before == {"confirmed": 1, "submitted": 1, "despatched": 1}
    assert orders(world) == {**before, "completed": 1}
    assert judged["shipments"]["right"] == judged["shipments"]["parcels_completed"] == 1
    waited = (clock() - parcel.despatched_at).total_seconds()
    assert judged["latency_seconds"]["despatched_to_completed"]["p50"] == round(waited, 3)


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
    complete: Callable[..., None],
) -> None:
    order = sell()
    send(order)
    clock.run(world, A_DAY)
    complete(order, world.sent_parcels[0], **changes)

    judged = truth(world)

    assert judged["orders"]["shipments_wrong"] == judged["shipments"]["wrong"] == 1
    assert why in judged["shipments"]["wrong_examples"][0]["why"]


@pytest.mark.parametrize(("cancelled", "wrong"), [(1, 0), (0, 1)])
def test_a_shipment_may_lack_only_units_that_were_cancelled_in_centra(
    world: World,
    clock: ManualClock,
    sell: Sell,
    send: Send,
    skus: list[str],
    complete: Callable[..., None],
    cancelled: int,
    wrong: int,
) -> None:
    order = sell((skus[0], 2))
    send(order)
    clock.run(world, A_DAY)
    (box,) = world.sent_parcels
    if cancelled:
        cancel_units(world, order, order.lines[0], cancelled)

    complete(order, replace(box, units={1: 1}))

    assert truth(world)["orders"]["shipments_wrong"] == wrong


def test_each_box_of_several_is_completed_once_with_its_own_units(
    world: World,
    clock: ManualClock,
    sell: Sell,
    send: Send,
    skus: list[str],
    complete: Callable[..., None],
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
        complete(right, box)
    first, second = boxes[twice.number]
    complete(twice, first)
    complete(twice, second, trackingNumber=min(first.tracking_numbers))
    first, second = boxes[swapped.number]
    complete(swapped, first, trackingNumber=min(second.tracking_numbers))

    judged = truth(world)["shipments"]

    assert (judged["right"], judged["wrong"]) == (3, 2)
    assert {example["shipment"] for example in judged["wrong_examples"]} == {
        f"{twice.number}-2",
        f"{swapped.number}-1",
    }


def test_one_shipment_made_early_may_stand_for_all_boxes(
    world: World,
    clock: ManualClock,
    sell: Sell,
    send: Send,
    skus: list[str],
    complete: Callable[..., None],
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
    complete(order, whole)

    judged = truth(world)["shipments"]

    assert (judged["right"], judged["wrong"], judged["parcels_completed"]) == (1, 0, 2)


def test_effects_are_counted_apart_from_requests_so_that_a_quiet_run_shows_none(
    world: World, whistl: httpx.Client, order_body: OrderBody
) -> None:
    whistl.post("/v2/orders", json=order_body())
    first = truth(world)
    whistl.post("/v2/orders", json=order_body())
    whistl.get("/v2/orders")
    second = truth(world)

    assert first["writes"] == second["writes"] == {"whistl orders created": 1}
    assert second["calls"] == {"whistl create_order": 2, "whistl list_orders": 1}


def test_a_world_is_drained_once_no_order_moves_though_snapshots_go_on(
    world: World, clock: ManualClock, sell: Sell, send: Send
) -> None:
    before = is_drained(world)
    send(sell())
    moving = is_drained(world)
    clock.run(world, A_DAY)

    assert (before, moving, is_drained(world)) == (True, False, True)
    assert world.next_due_at() is not None


def test_a_world_is_not_drained_while_a_bad_order_waits_to_be_reported(world: World) -> None:
    world.unreported[100_001] = lambda: None

    assert truth(world)["unreported"] == 1
    assert is_drained(world) is False


def test_bad_orders_are_listed_with_what_became_of_them(
    world: World, sell: Sell, send: Send
) -> None:
    def bad() -> CentraOrder:
        return sell(spoilage="missing_city", first_spoilage="missing_city")

    blocked, corrected, sent, sent_bad, cancelled = (bad() for _ in range(5))
    sell()
    corrected.spoilage = sent.spoilage = None
    send(sent)
    send(sent_bad)
    cancel_order(world, cancelled)

    assert truth(world)["bad_orders"] == [
        {"number": order.number, "kind": "missing_city", "standing": standing}
        for order, standing in (
            (blocked, "blocked"),
            (corrected, "corrected"),
            (sent, "sent"),
            (sent_bad, "sent although bad"),
            (cancelled, "cancelled"),
        )
    ]
