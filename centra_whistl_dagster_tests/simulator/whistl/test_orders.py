"""The simulated Whistl takes each order number once, whatever its caller does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.whistl.orders import payload_hash
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import World

OrderBody = Callable[..., dict[str, Any]]


def test_an_order_is_stored_and_read_back_as_it_was_sent(
    whistl: httpx.Client, order_body: OrderBody
) -> None:
    body = order_body()

    created = whistl.post("/v2/orders", json=body)
    read = whistl.get("/v2/orders/C100001").json()

    assert created.status_code == 201
    assert created.json()["status"] == "RECEIVED"
    assert created.json()["status_version"] == 1
    assert created.json()["warnings"] == []
    assert read["delivery_address"] == body["delivery_address"]
    assert read["payload_hash"] == payload_hash(body)
    assert read["status_history"] == [{"status": "RECEIVED", "at": read["received_at"]}]
    line = read["lines"][0]
    assert (line["ordered"], line["allocated"], line["picked"], line["despatched"]) == (2, 0, 0, 0)


def test_the_same_order_again_is_replayed_and_not_stored_twice(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    first = whistl.post("/v2/orders", json=order_body())
    again = whistl.post("/v2/orders", json={**order_body(), "external_reference": "another"})

    assert again.status_code == 200
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["whistl_order_id"] == first.json()["whistl_order_id"]
    assert len(world.all_whistl_orders()) == 1
    assert world.calls["whistl orders created"] == 1


def test_another_order_under_a_used_number_is_refused_and_names_the_first(
    whistl: httpx.Client, order_body: OrderBody, skus: list[str]
) -> None:
    first = order_body()
    whistl.post("/v2/orders", json=first)

    other = whistl.post("/v2/orders", json=order_body((skus[1], 1)))

    assert other.status_code == 409
    assert other.json()["error"]["code"] == "duplicate_order"
    assert other.json()["error"]["retryable"] is False
    assert other.json()["existing"]["payload_hash"] == payload_hash(first)


def test_an_idempotency_key_belongs_to_one_body(
    whistl: httpx.Client, order_body: OrderBody
) -> None:
    key = {"Idempotency-Key": "one"}
    whistl.post("/v2/orders", json=order_body(), headers=key)

    replayed = whistl.post("/v2/orders", json=order_body(), headers=key)
    reused = whistl.post("/v2/orders", json=order_body(order_number="C100002"), headers=key)

    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert (reused.status_code, reused.json()["error"]["code"]) == (409, "idempotency_key_reused")


def test_a_whistl_that_accepts_repeated_numbers_would_send_the_order_twice(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    world.settings.switches["whistl_accepts_repeated_numbers"] = True
    whistl.post("/v2/orders", json=order_body(), headers={"Idempotency-Key": "one"})

    by_key = whistl.post("/v2/orders", json=order_body(), headers={"Idempotency-Key": "one"})
    world.settings.switches["whistl_ignores_idempotency_key"] = True
    blindly = whistl.post("/v2/orders", json=order_body(), headers={"Idempotency-Key": "one"})

    assert by_key.status_code == 200
    assert blindly.status_code == 201
    assert [order.order_number for order in world.repeated_creates] == ["C100001"]


def test_a_refused_order_leaves_nothing_behind(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    refused = whistl.post("/v2/orders", json=order_body(("NO-SUCH-SKU", 1)))

    assert refused.status_code == 422
    assert refused.json()["error"]["details"] == [
        {
            "code": "unknown_sku",
            "field": "lines[0].sku",
            "value": "NO-SUCH-SKU",
            "message": "SKU not known to Whistl",
        }
    ]
    assert whistl.get("/v2/orders/C100001").status_code == 404
    assert world.calls["whistl orders created"] == 0


def test_a_refusal_can_hide_inside_a_200(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    world.settings.switches["whistl_errors_in_200"] = True

    answer = whistl.post("/v2/orders", json=order_body(("NO-SUCH-SKU", 1)))

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == "validation_failed"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        pytest.param(b"{", 400, "malformed_json", id="half a body"),
        pytest.param(b"[]", 400, "invalid_request", id="a list"),
        pytest.param(b'{"client_code": "OTHER"}', 403, "client_code_mismatch", id="other client"),
        pytest.param(b" " * 1_048_577, 413, "payload_too_large", id="over 1 MiB"),
    ],
)
def test_a_body_that_is_no_order_of_ours_is_refused(
    whistl: httpx.Client, content: bytes, status: int, code: str
) -> None:
    answer = whistl.post("/v2/orders", content=content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"]


def test_the_older_importer_damages_an_address_without_a_word(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    world.settings.switches["whistl_legacy_cut"] = True
    address: dict[str, Any] = {
        "phone": "+447700900123",
        "email": "a.very.long.name.of.a.person@example.com",
        "line1": "Flat 2\n12 High Street",
        "line2": "The Old Coach House",
        "line3": "behind the Church of All Angels",
    }
    body = order_body(delivery_address=address)

    created = whistl.post("/v2/orders", json=body)
    stored = whistl.get("/v2/orders/C100001").json()

    assert created.status_code == 201
    assert stored["delivery_address"]["phone"] == "+44770090012"
    assert stored["delivery_address"]["email"] == "a.very.long.name.of.a.person@exampl"
    assert stored["delivery_address"]["line1"] == "Flat 212 High Street"
    assert stored["delivery_address"]["line2"] == "The Old Coach House~behind the Chur"
    assert stored["payload_hash"] == payload_hash(body)


def test_a_missing_service_is_refused_or_silently_chosen(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    half = {"carrier_code": "", "delivery_method": "TRK48"}

    refused = whistl.post("/v2/orders", json=order_body(service=half))
    world.settings.switches["whistl_recalculates_service"] = True
    accepted = whistl.post("/v2/orders", json=order_body(service=half))

    assert refused.status_code == 422
    assert accepted.status_code == 201
    chosen = whistl.get("/v2/orders/C100001").json()["service"]
    assert chosen == {"carrier_code": "SIM-DPD", "delivery_method": "NEXTDAY"}


def test_a_stored_order_can_be_invisible_for_a_while(
    whistl: httpx.Client, world: World, clock: ManualClock, order_body: OrderBody
) -> None:
    world.settings.switches["whistl_lookup_lag_seconds"] = 5.0
    whistl.post("/v2/orders", json=order_body())

    at_once = whistl.get("/v2/orders/C100001").status_code
    clock.advance(5)
    later = whistl.get("/v2/orders/C100001").status_code

    assert (at_once, later) == (404, 200)


def test_changed_orders_are_listed_page_by_page_each_once(
    whistl: httpx.Client, clock: ManualClock, order_body: OrderBody
) -> None:
    for n in range(1, 6):
        whistl.post("/v2/orders", json=order_body(order_number=f"C{n}"))
        clock.advance(1)
    since = whistl.get("/v2/orders/C2").json()["updated_at"]

    numbers, cursor = [], None
    for _ in range(3):
        query = {"updated_since": since, "limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = whistl.get("/v2/orders", params=query).json()
        numbers += [order["order_number"] for order in answer["data"]]
        cursor = answer["page"]["next_cursor"]
        if not answer["page"]["has_more"]:
            break

    assert numbers == ["C2", "C3", "C4", "C5"]
    assert whistl.get("/v2/orders", params={"status": "PICKING"}).json()["data"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param({"cursor": "not ours"}, "invalid_cursor", id="foreign cursor"),
        pytest.param({"limit": "501"}, "invalid_request", id="limit too high"),
        pytest.param({"limit": "0"}, "invalid_request", id="limit 0"),
        pytest.param({"updated_since": "yesterday"}, "invalid_request", id="no moment"),
        pytest.param({"updated_since": "2026-03-02T09:00:00"}, "invalid_request", id="no zone"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    whistl: httpx.Client, query: dict[str, str], code: str
) -> None:
    answer = whistl.get("/v2/orders", params=query)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("status", "code", "ends_as"),
    [
        ("RECEIVED", 200, "CANCELLED"),
        ("ALLOCATED", 200, "CANCELLED"),
        ("PICKING", 202, "CANCELLED"),
        ("PACKED", 409, "DESPATCHED"),
        ("DESPATCHED", 409, "DESPATCHED"),
    ],
)
def test_an_order_can_be_stopped_at_once_until_picked_and_on_request_until_packed(
    whistl: httpx.Client,
    world: World,
    clock: ManualClock,
    order_body: OrderBody,
    skus: list[str],
    status: str,
    code: int,
    ends_as: str,
) -> None:
    world.settings.switches["cancel_while_picking_share"] = 1.0
    on_hand = world.shelves[skus[0]].on_hand
    whistl.post("/v2/orders", json=order_body())
    order = world.whistl_orders["C100001"]
    while order.status not in {status, "DESPATCHED"}:
        clock.run(world, 30)

    first = whistl.post("/v2/orders/C100001/cancel", json={"reason": "customer"})
    again = whistl.post("/v2/orders/C100001/cancel", json={"reason": "customer"})
    clock.run(world, 7200)

    assert (first.status_code, again.status_code) == (code, code)
    assert order.status == ends_as
    assert world.whistl_available(skus[0]) == on_hand - (2 if ends_as == "DESPATCHED" else 0)


def test_an_order_that_the_floor_does_not_stop_in_time_leaves(
    whistl: httpx.Client, world: World, clock: ManualClock, order_body: OrderBody
) -> None:
    world.settings.switches["cancel_while_picking_share"] = 0.0
    whistl.post("/v2/orders", json=order_body())
    order = world.whistl_orders["C100001"]
    while order.status != "PICKING":
        clock.run(world, 30)

    answer = whistl.post("/v2/orders/C100001/cancel", json={"reason": "customer"})
    clock.run(world, 7200)

    assert answer.json()["cancel"] == "cancel_requested"
    assert order.status == "DESPATCHED"


def test_an_order_nobody_sent_cannot_be_cancelled(whistl: httpx.Client) -> None:
    assert whistl.post("/v2/orders/C99/cancel", json={}).status_code == 404
