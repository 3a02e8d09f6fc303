"""The simulated Centra's three shared quotas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.world import CentraLimits, Settings, World

LOCK_NOTHING = (
    "mutation { setOrdersLock(input: {orders: [], isLocked: true}) { userErrors { path } } }"
)
COUNT = "{ counters { orders } }"
LIMITS = "{ rateLimits { type intervalSeconds quota usedQuota remainingQuota } }"
MANY_FIELDS = "{ orders(limit: 200) { id number status lines { id quantity } } }"


@pytest.fixture
def settings() -> Settings:
    return Settings(
        centra_limits=CentraLimits(
            requests_per_10_seconds=5, mutations_per_10_seconds=2, complexity_per_10_seconds=1500
        )
    )


SECONDS_UNTIL: dict[str, Callable[[str, datetime], float]] = {
    "seconds": lambda header, _: float(header),
    "unix time": lambda header, now: float(header) - now.timestamp(),
    "iso 8601": lambda header, now: (datetime.fromisoformat(header) - now).total_seconds(),
    "http date": lambda header, now: (parsedate_to_datetime(header) - now).total_seconds(),
}


def ask(simulator: RunningSimulator, query: str) -> Any:
    return httpx.post(
        f"{simulator.centra_url}/graphql",
        json={"query": query},
        headers={"Authorization": f"Bearer {TEST_TOKEN}"},
    )


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        pytest.param(COUNT, 5, id="requests"),
        pytest.param(LOCK_NOTHING, 2, id="mutations"),
        pytest.param(MANY_FIELDS, 1, id="complexity"),
    ],
)
def test_the_call_over_a_quota_is_refused_until_the_bucket_fills(
    simulator: RunningSimulator, clock: ManualClock, query: str, allowed: int
) -> None:
    answers = [ask(simulator, query) for _ in range(allowed + 1)]

    assert [answer.status_code for answer in answers] == [200] * allowed + [429]
    clock.advance(SECONDS_UNTIL["unix time"](answers[-1].headers["Retry-After"], clock()))
    assert ask(simulator, query).status_code == 200


def test_a_refused_call_does_nothing(simulator: RunningSimulator, world: World) -> None:
    for _ in range(4):
        ask(simulator, LOCK_NOTHING)

    assert world.calls["centra setOrdersLock"] == 2


@pytest.mark.parametrize("form", SECONDS_UNTIL)
def test_each_form_of_the_header_names_the_moment_the_bucket_is_full_enough(
    simulator: RunningSimulator, world: World, clock: ManualClock, form: str
) -> None:
    world.settings.switches["centra_retry_after"] = form

    refused = [ask(simulator, COUNT) for _ in range(6)][-1]

    wait = SECONDS_UNTIL[form](refused.headers["Retry-After"], clock())
    assert 1 <= wait <= 3
    clock.advance(wait)
    assert ask(simulator, COUNT).status_code == 200


def test_the_windows_are_shown_with_what_is_left_of_each(simulator: RunningSimulator) -> None:
    rows = ask(simulator, LIMITS).json()["data"]["rateLimits"]

    by_window = {(row["type"], row["intervalSeconds"]): row for row in rows}
    assert len(by_window) == 6
    assert by_window["REQUEST_COUNT", "TEN_SECONDS"] == {
        "type": "REQUEST_COUNT",
        "intervalSeconds": "TEN_SECONDS",
        "quota": 5,
        "usedQuota": 1,
        "remainingQuota": 4,
    }
    assert by_window["MUTATION_COUNT", "ONE_HOUR"]["quota"] == 1_800
    assert by_window["QUERY_COMPLEXITY", "TEN_SECONDS"]["usedQuota"] > 0


def test_the_wait_may_be_left_for_the_caller_to_guess(
    simulator: RunningSimulator, world: World
) -> None:
    world.settings.switches["centra_retry_after"] = None

    refused = [ask(simulator, COUNT) for _ in range(6)][-1]

    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers


def test_the_growth_plan_is_the_default() -> None:
    limits = Settings().centra_limits

    assert limits is not None
    assert (limits.requests_per_10_seconds, limits.mutations_per_10_seconds) == (60, 20)
