"""The simulated Whistl admits the callers that it should, as often as it should."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import World

GRANT = {
    "grant_type": "client_credentials",
    "client_id": "whistl-test-client",
    "client_secret": "whistl-test-secret",
    "scope": "public",
}


@pytest.fixture
def stranger(simulator: RunningSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.whistl_url) as client:
        yield client


def asked_with(client: httpx.Client, token: str) -> httpx.Response:
    return client.get("/v2/services", headers={"Authorization": f"Bearer {token}"})


def test_a_token_is_accepted_until_it_expires(stranger: httpx.Client, clock: ManualClock) -> None:
    granted = stranger.post("/oauth/token", data=GRANT).json()
    token = granted["access_token"]

    while_valid = asked_with(stranger, token)
    clock.advance(granted["expires_in"])
    afterwards = asked_with(stranger, token)

    assert granted["expires_in"] == 14_400
    assert granted["scope"] == "public"
    assert while_valid.status_code == 200
    assert (afterwards.status_code, afterwards.json()["error"]["code"]) == (401, "token_expired")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "guessed"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "admin"}, 400, "invalid_scope"),
    ],
)
def test_a_bad_grant_gets_no_token(
    stranger: httpx.Client, change: dict[str, str], status: int, error: str
) -> None:
    answer = stranger.post("/oauth/token", data=GRANT | change)

    assert (answer.status_code, answer.json()) == (status, {"error": error})


@pytest.mark.parametrize("authorization", ["", "Bearer guessed", "whistl-test-token"])
def test_nobody_comes_in_without_a_token_of_ours(
    stranger: httpx.Client, authorization: str
) -> None:
    answer = stranger.get("/v2/orders", headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "authentication_failed"


def test_the_quota_is_counted_down_and_comes_back_with_time(
    whistl: httpx.Client, world: World, clock: ManualClock
) -> None:
    world.settings.switches["whistl_requests_per_minute"] = 3

    left = [whistl.get("/v2/services").headers["X-RateLimit-Remaining"] for _ in range(3)]
    clock.advance(20)
    refused = whistl.get("/v2/services")
    clock.advance(int(refused.headers["Retry-After"]))
    served = whistl.get("/v2/services")

    assert left == ["2", "1", "0"]
    assert (refused.status_code, refused.json()["error"]["retryable"]) == (429, True)
    assert refused.headers["Retry-After"] == "40"
    assert served.status_code == 200


def test_a_fifth_call_at_once_is_refused(whistl: httpx.Client, world: World) -> None:
    world.settings.switches["whistl_seconds_per_call"] = 0.5

    with ThreadPoolExecutor(5) as callers:
        statuses = list(callers.map(lambda _: whistl.get("/v2/services").status_code, range(5)))
    world.settings.switches["whistl_seconds_per_call"] = 0.0

    assert sorted(statuses) == [200, 200, 200, 200, 429]
    assert whistl.get("/v2/services").status_code == 200
