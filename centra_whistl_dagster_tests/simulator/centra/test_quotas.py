"""The simulated Centra's three shared quotas."""

from __future__ import annotations

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
MANY_FIELDS = "{ orders(limit: 200) { id number status lines { id quantity } } }"


@pytest.fixture
def settings() -> Settings:
    return Settings(
        centra_limits=CentraLimits(
            requests_per_10_seconds=5, mutations_per_10_seconds=2, complexity_per_10_seconds=1500
        )
    )


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
    clock.advance(float(answers[-1].headers["Retry-After"]))
    assert ask(simulator, query).status_code == 200


def test_a_refused_call_does_nothing(simulator: RunningSimulator, world: World) -> None:
    for _ in range(4):
        ask(simulator, LOCK_NOTHING)

    assert world.calls["centra setOrdersLock"] == 2


def test_the_wait_may_be_left_for_the_caller_to_guess(
    simulator: RunningSimulator, world: World
) -> None:
    world.settings.switches["centra_retry_after"] = False

    refused = [ask(simulator, COUNT) for _ in range(6)][-1]

    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers


def test_the_growth_plan_is_the_default() -> None:
    limits = Settings().centra_limits

    assert limits is not None
    assert (limits.requests_per_10_seconds, limits.mutations_per_10_seconds) == (60, 20)
