"""Faults of the wire strike the requests they are meant for, and say how often."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind, FaultRule, Faults
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.world import World

OrderBody = Callable[..., dict[str, Any]]

LONG_SECONDS = 60.0
"""Until a test gives up; it never takes that long, however slow the machine."""


def rule(kind: str, operation: str = "create_order", **members: Any) -> FaultRule:
    return FaultRule(system="whistl", operation=operation, kind=FaultKind(kind), **members)


def orders_at_whistl(world: World) -> int:
    return len(world.all_whistl_orders())


def test_an_answer_can_be_lost_after_the_order_was_stored(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    world.faults.put(rule("lose_answer_after", nth=1))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        whistl.post("/v2/orders", json=order_body())

    assert orders_at_whistl(world) == 1
    assert whistl.get("/v2/orders/C100001").status_code == 200
    assert world.faults.fired == {"whistl create_order lose_answer_after": 1}


@pytest.mark.parametrize(
    ("kind", "status", "stored"),
    [
        ("error_500_after", 500, 1),
        ("empty_200", 200, 1),
        ("truncate", 201, 1),
        ("error_503_before", 503, 0),
        ("rate_limited", 429, 0),
        ("html_200", 200, 0),
    ],
)
def test_a_fault_strikes_before_or_after_the_work_is_done(
    whistl: httpx.Client, world: World, order_body: OrderBody, kind: str, status: int, stored: int
) -> None:
    world.faults.put(rule(kind))

    answer = whistl.post("/v2/orders", json=order_body())

    assert (answer.status_code, orders_at_whistl(world)) == (status, stored)
    if kind == "html_200":
        assert answer.headers["content-type"].startswith("text/html")
    if kind in {"html_200", "empty_200", "truncate"}:
        with pytest.raises(ValueError, match=r"Expecting value|Unterminated|delimiter|property"):
            answer.json()
    else:
        assert answer.json()["error"]["retryable"] is True


def test_a_busy_system_says_when_to_come_back_if_asked_to(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    world.faults.put(rule("rate_limited", nth=1, seconds=2.0), rule("error_503_before", nth=2))

    first = whistl.post("/v2/orders", json=order_body())
    second = whistl.post("/v2/orders", json=order_body())

    assert first.headers["Retry-After"] == "2"
    assert "Retry-After" not in second.headers


def test_a_call_can_hang_without_effect(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    world.faults.put(rule("hang", seconds=30))

    with pytest.raises(httpx.ReadTimeout):
        whistl.post("/v2/orders", json=order_body(), timeout=0.2)

    assert orders_at_whistl(world) == 0


def test_a_slow_call_takes_effect_after_its_caller_has_left(
    simulator: RunningSimulator, world: World, order_body: OrderBody
) -> None:
    has_begun, may_go_on = threading.Event(), threading.Event()

    async def until_released(seconds: float) -> None:
        has_begun.set()
        while not may_go_on.is_set():
            await asyncio.sleep(0.005)

    world.faults.wait = until_released
    world.faults.put(rule("slow"))
    body = json.dumps(order_body()).encode()
    head = (
        "POST /whistl/v2/orders HTTP/1.1\r\nHost: localhost\r\n"
        "Authorization: Bearer whistl-test-token\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", simulator.port)) as caller:
        caller.sendall(head.encode() + body)
        assert has_begun.wait(LONG_SECONDS)
    when_the_caller_left = orders_at_whistl(world)
    may_go_on.set()
    given_up_at = time.monotonic() + LONG_SECONDS
    while not orders_at_whistl(world) and time.monotonic() < given_up_at:
        time.sleep(0.02)

    assert (when_the_caller_left, orders_at_whistl(world)) == (0, 1)


def test_a_hung_call_ends_by_itself_without_an_answer(whistl: httpx.Client, world: World) -> None:
    world.faults.put(rule("hang", "list_services", seconds=0.05))

    with pytest.raises(httpx.RemoteProtocolError):
        whistl.get("/v2/services")

    assert world.calls["whistl list_services"] == 0


def test_a_rule_strikes_only_its_own_operation_and_turn(
    whistl: httpx.Client, world: World, order_body: OrderBody
) -> None:
    world.faults.put(rule("error_503_before", "read_order", nth=2))

    whistl.post("/v2/orders", json=order_body())
    statuses = [whistl.get("/v2/orders/C100001").status_code for _ in range(3)]
    listed = whistl.get("/v2/orders").status_code

    assert (statuses, listed) == ([200, 503, 200], 200)


def test_a_centra_rule_finds_its_word_in_the_document(
    simulator: RunningSimulator, world: World
) -> None:
    counted = FaultRule(system="centra", operation="counters", kind=FaultKind.ERROR_500_AFTER)
    world.faults.put(counted)
    url = f"{simulator.centra_url}/graphql"

    hit = httpx.post(url, json={"query": "{ counters { orders } }"})
    missed = httpx.post(url, json={"query": "{ __typename }"})

    assert hit.status_code == 500
    assert hit.json()["errors"]
    assert missed.status_code != 500
    assert (counted.matched, counted.fired) == (1, 1)


def test_a_share_strikes_about_that_often_and_the_same_for_a_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.put(rule("slow", "*", share=0.3))
        return [faults.strike("whistl", frozenset()) is not None for _ in range(1000)]

    assert 250 < sum(struck(1)) < 350
    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


def test_of_two_rules_on_one_call_the_first_strikes_and_both_count_it() -> None:
    faults = Faults(seed=1)
    first, second = rule("slow", nth=2), rule("hang")
    faults.put(first, second)
    words = frozenset({"create_order"})

    struck = [faults.strike("whistl", words) for _ in range(3)]

    assert [rule and rule.kind for rule in struck] == ["hang", "slow", "hang"]
    assert (first.matched, second.matched) == (3, 3)
    assert (first.fired, second.fired) == (1, 2)


def test_rules_are_put_and_cleared_from_outside_and_their_counts_stay(
    simulator: RunningSimulator, whistl: httpx.Client
) -> None:
    url = f"{simulator.base_url}/_sim/faults"
    wanted = {"system": "whistl", "operation": "*", "kind": "error_503_before"}

    httpx.post(url, json={"rules": [wanted]})
    struck = whistl.get("/v2/services").status_code
    cleared = httpx.post(url, json={"clear": True}).json()

    assert struck == 503
    assert cleared == {"rules": [], "fired": {"whistl * error_503_before": 1}}
    assert whistl.get("/v2/services").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"system": "bank", "operation": "*", "kind": "slow"}, "bank"),
        ({"system": "whistl", "operation": "*", "kind": "explode"}, "explode"),
        ({"system": "whistl", "operation": "*", "kind": "slow", "nth": 1, "share": 1}, "not both"),
        ({"system": "whistl", "kind": "slow"}, "operation"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(
    simulator: RunningSimulator, wanted: dict[str, object], why: str
) -> None:
    answer = httpx.post(f"{simulator.base_url}/_sim/faults", json={"rules": [wanted]})

    assert answer.status_code == 400
    assert why in answer.json()["error"]
    assert httpx.get(f"{simulator.base_url}/_sim/faults").json()["rules"] == []
