"""Fixtures for every test: a clock that stands still, a world with goods, that world served.

A test that needs another world defines a fixture `settings` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings as hypothesis_settings

from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import Settings, World

# The same examples each time, with no deadline: a test fails because of the code, never because of
# the machine or the day.
hypothesis_settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis_settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the trading day: it takes minutes, while the other process runs the rest."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings() -> Settings:
    # On a clock that stands still no bucket fills again: a test that wants quotas asks for them.
    return Settings(seed=7, centra_limits=None, switches={"whistl_requests_per_minute": None})


@pytest.fixture
def world(clock: ManualClock, settings: Settings) -> World:
    """Goods on both sides and a first snapshot; nobody shops until `People(world).open()`."""
    world = World(settings, now=clock)
    stock_world(world)
    open_warehouse(world)
    return world


@pytest.fixture
def simulator(world: World) -> Iterator[RunningSimulator]:
    """The world over HTTP: `base_url`, `centra_url`, `whistl_url`. Time passes by `clock.run`."""
    with RunningSimulator(world) as running:
        yield running
