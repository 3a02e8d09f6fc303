"""Fixtures for every test: a clock that stands still, a world with goods, that world served, and
databases to keep a ledger in.

A test that needs another world defines a fixture `settings` of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import Settings, World
from centra_whistl_dagster_tests.postgresql import Cluster, PostgresqlMissing, running_cluster

DATABASES = ("sqlite", "postgresql")
REQUIRED = "POSTGRESQL_REQUIRED"
"""Set where PostgreSQL must be there (`.ci/run`): its tests then fail without it."""

# The same examples each time, with no deadline: a test fails because of the code, never because of
# the machine or the day.
hypothesis_settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis_settings.load_profile("repeatable")


_LONGEST = (
    "end_to_end",
    "stock_histories",
    "test_faults",
    "test_rebuilding_history",
    "test_days_of_the_history",
    "test_restores",
    "backtest",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes longest, so that no process ends long after the others."""

    def place(item: pytest.Item) -> int:
        names = (at for at, name in enumerate(_LONGEST) if name in str(item.path))
        return next(names, len(_LONGEST))

    items.sort(key=place)


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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL server of this process's own; without one, tests that need it are skipped."""
    try:
        with running_cluster() as cluster:
            yield cluster
    except PostgresqlMissing as missing:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def migrated_database(postgresql: Cluster) -> Iterator[str]:
    """The name of a database with the ledger's tables, to copy: migrating takes longer."""
    with postgresql.database() as name:
        Ledger(postgresql.url(name), now=lambda: datetime.now(UTC)).close()
        yield name


@pytest.fixture(params=DATABASES)
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that nobody has opened yet, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    with cluster.database() as name:
        yield cluster.url(name)


@pytest.fixture(params=DATABASES)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database for a ledger, with its tables or about to get them."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    with cluster.database(template=request.getfixturevalue("migrated_database")) as name:
        yield cluster.url(name)
