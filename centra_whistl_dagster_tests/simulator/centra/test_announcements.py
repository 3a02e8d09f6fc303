"""What the simulated Centra announces by itself: events, and pushes that go wrong as asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from centra_whistl_dagster.domain.orders.pushes import PushRefused, pushed_orders, signed_at
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.world import CentraOrder, World

SECRET = "sim-secret"
EVENTS = "{ events(limit: 50) { id objectType changeType objectReference createdAt } }"
ERRORS = "{ userErrors { path } userWarnings { path } }"
LISTEN = (
    "mutation { setEventListeners(input: "
    f"[{{objectType: Order, changeTypes: [CREATED, UPDATED]}}]) {ERRORS} }}"
)
UNLISTEN = LISTEN.replace("setEvent", "unsetEvent").replace("CREATED, UPDATED", "CREATED")


def order(world: World) -> CentraOrder:
    return place_order(world, [(world.whistl_skus()[0], 1)])


# ---- events
def ask(simulator: RunningSimulator, query: str) -> dict[str, Any]:
    answer = httpx.post(
        f"{simulator.centra_url}/graphql",
        json={"query": query},
        headers={"Authorization": f"Bearer {TEST_TOKEN}"},
    )
    data: dict[str, Any] = answer.json()["data"]
    return data


def queue(simulator: RunningSimulator) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = ask(simulator, EVENTS)["events"]
    return events


def test_events_are_empty_until_they_are_enabled(simulator: RunningSimulator, world: World) -> None:
    ask(simulator, LISTEN)
    order(world)

    assert queue(simulator) == []


def test_what_is_listened_to_stays_in_the_queue_until_it_is_confirmed(
    simulator: RunningSimulator, world: World
) -> None:
    world.settings.switches["centra_events_enabled"] = True
    order(world)
    ask(simulator, LISTEN)
    placed = order(world)
    touch(world, placed)

    events = queue(simulator)
    assert [(event["changeType"], event["objectReference"]) for event in events] == [
        ("CREATED", placed.number),
        ("UPDATED", placed.number),
    ]
    assert queue(simulator) == events
    first = events[0]["id"]
    ask(simulator, f"mutation {{ confirmEvents(input: {{eventsIds: [{first}, 1]}}) {ERRORS} }}")
    assert queue(simulator) == events[1:]


def test_to_listen_no_more_deletes_what_is_in_the_queue(
    simulator: RunningSimulator, world: World
) -> None:
    world.settings.switches["centra_events_enabled"] = True
    ask(simulator, LISTEN)
    touch(world, order(world))

    ask(simulator, UNLISTEN)
    order(world)

    assert [event["changeType"] for event in queue(simulator)] == ["UPDATED"]


# ---- pushes
class Receiver(HTTPServer):
    """Keeps every push that comes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pushes: list[tuple[str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.pushes.append((self.headers["X-Centra-Signature"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def receiver(world: World) -> Iterator[Receiver]:
    server = Receiver()
    Thread(target=server.serve_forever, daemon=True).start()
    world.settings.pushes_to = f"http://127.0.0.1:{server.server_port}/centra"
    world.settings.push_secret = SECRET
    yield server
    server.shutdown()
    server.server_close()


def test_a_push_has_the_documented_form_and_signature(
    simulator: RunningSimulator, receiver: Receiver, world: World, clock: ManualClock
) -> None:
    placed = order(world)
    touch(world, placed)

    assert simulator.push() == [200]

    ((signature, body),) = receiver.pushes
    assert signed_at(SECRET, signature, body, now=clock()) == clock()
    assert pushed_orders(body).numbers == {placed.number}
    events = json.loads(parse_qs(body.decode())["payload"][0])["events"]
    assert [(event["type"], event["action"]) for event in events] == [
        ("order", "insert"),
        ("order", "update"),
    ]
    assert simulator.push() == []


def test_a_push_has_at_most_a_hundred_events(
    simulator: RunningSimulator, receiver: Receiver, world: World
) -> None:
    for _ in range(150):
        order(world)

    assert simulator.push() == [200, 200]


def test_pushes_are_dropped_repeated_and_wrongly_signed_as_asked(
    simulator: RunningSimulator, receiver: Receiver, world: World, clock: ManualClock
) -> None:
    world.settings.switches["centra_push_dropped_share"] = 1.0
    order(world)
    assert simulator.push() == []

    world.settings.switches["centra_push_dropped_share"] = 0.0
    world.settings.switches["centra_push_repeated_share"] = 1.0
    world.settings.switches["centra_push_bad_signature_share"] = 1.0
    order(world)
    assert simulator.push() == [200, 200]
    first, second = receiver.pushes
    assert first == second
    with pytest.raises(PushRefused):
        signed_at(SECRET, *first, now=clock())


def test_a_push_comes_as_late_as_asked(
    simulator: RunningSimulator, receiver: Receiver, world: World, clock: ManualClock
) -> None:
    world.settings.switches["centra_push_delay_seconds"] = 7.0
    order(world)

    assert simulator.push() == []
    clock.advance(7)
    assert simulator.push() == [200]


def test_a_push_that_nobody_receives_is_lost(simulator: RunningSimulator, world: World) -> None:
    world.settings.pushes_to = "http://127.0.0.1:1/centra"
    order(world)

    assert simulator.push() == [0]
    assert simulator.push() == []
