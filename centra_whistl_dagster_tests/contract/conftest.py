"""Both clients, connected to the simulated systems over real HTTP."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from centra_whistl_dagster.centra.client import CentraClient, CentraConfig
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.world import WAREHOUSE_ID
from centra_whistl_dagster.whistl.client import WhistlClient, WhistlConfig


@pytest.fixture
def sleep(clock: ManualClock) -> Callable[[float], None]:
    """Let the clock move on by that many seconds, in no time."""

    def move_on(seconds: float) -> None:
        clock.advance(seconds)

    return move_on


@pytest.fixture
def centra(
    simulator: RunningSimulator, clock: ManualClock, sleep: Callable[[float], None]
) -> Iterator[CentraClient]:
    client = CentraClient(
        CentraConfig(
            base_url=simulator.centra_url,
            token=TEST_TOKEN,
            warehouse_id=WAREHOUSE_ID,
            plan="unlimited",
        ),
        now=clock,
        sleep=sleep,
        rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
    )
    yield client
    client.close()


@pytest.fixture
def whistl(
    simulator: RunningSimulator, clock: ManualClock, sleep: Callable[[float], None]
) -> Iterator[WhistlClient]:
    client = WhistlClient(
        WhistlConfig(
            base_url=simulator.whistl_url,
            client_id="whistl-test-client",
            client_secret="whistl-test-secret",
            client_code="ACME",
            site="SW",
            requests_per_minute=0,
        ),
        now=clock,
        sleep=sleep,
        rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
    )
    yield client
    client.close()
