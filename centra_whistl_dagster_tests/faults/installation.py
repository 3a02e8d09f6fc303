"""One installation beside the simulated systems, made in milliseconds for one schedule."""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from starlette.types import ASGIApp

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.ledger.engine import NO_KEYS, Ledger
from centra_whistl_dagster.ledger.sealing import MasterKeys
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.people.behaviour import People
from centra_whistl_dagster.simulator.wire.server import create_app
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv, stock_world
from centra_whistl_dagster.simulator.world.clock import BEGINNING, ManualClock
from centra_whistl_dagster.simulator.world.world import Settings, World
from centra_whistl_dagster.workflows import link as workflows_link
from centra_whistl_dagster.workflows.link import Link, open_link
from centra_whistl_dagster_tests.faults.wire import (
    Call,
    DirectTransport,
    Fates,
    Fault,
    Process,
    put_under,
    without_network,
)
from centra_whistl_dagster_tests.workflows.conftest import PROJECT, Desk

FORGIVES_NOTHING: dict[str, Any] = {
    "whistl_requests_per_minute": None,
    "whistl_accepts_repeated_numbers": True,
    "whistl_ignores_idempotency_key": True,
    "whistl_lookup_lag_seconds": 25.0,
}
"""A Whistl that stores a repeated number twice and shows an order late."""


class AllWell:
    """Nothing goes wrong."""

    def of_call(self, call: Call) -> Fault | None:
        return None

    def of_transaction(self) -> Fault | None:
        return None


@dataclass
class Installation(Desk):
    """A desk whose processes can die, and whose requests are answered in this process."""

    app: ASGIApp = None  # type: ignore[assignment]  # given by `installed`
    fates: Fates = field(default_factory=AllWell)
    clock_ahead: timedelta = timedelta()
    """How far this project's clock is ahead of those of both systems."""
    page_size: int = 50
    restarts: int = 0

    def reopen(self, **changes: str) -> Link:
        """Start another process on the same ledger."""
        self.environment |= changes
        self.link = self.process_of_its_own()
        self.restarts += 1
        return self.link

    def process_of_its_own(self) -> Link:
        """Return the link of one more process, beside the one there is."""
        process = Process(self.fates)
        transport = DirectTransport(self.app, self.world, self.clock, process)
        dice = random.Random(self.restarts)  # noqa: S311 - spreads retries
        settings = load_settings(self.environment)
        settings = replace(
            settings,
            centra=replace(settings.centra, page_size=self.page_size),
            whistl=replace(settings.whistl, page_size=self.page_size),
        )
        with without_network(transport), patch.object(workflows_link, "Ledger", _SharedLedger):
            link = self._open.enter_context(
                open_link(settings, now=self.time, sleep=self.sleep, rng=dice)
            )
        put_under(process, link)
        return link

    def time(self) -> datetime:
        """Return what this project takes for the time."""
        return self.clock() + self.clock_ahead


class _SharedLedger(Ledger):
    """A ledger over this process's one engine, which has worded every statement before.

    An engine of its own would compile each statement anew: a third of a schedule's time.
    """

    def __init__(
        self,
        url: str,
        *,
        now: Callable[[], datetime],
        responsibilities: Mapping[ExceptionKind, Responsibility],
        keys: MasterKeys = NO_KEYS,
    ) -> None:
        self.now = now
        self._keys = keys
        self._responsibilities = responsibilities
        self._engine = _first_ledger()._engine
        if str(self._engine.url) != url:
            raise ValueError(f"one process has one ledger, and it is not {url}")


@cache
def state_folder() -> Path:
    """Return the folder of this process's ledger; it begins empty for each schedule."""
    folder = Path(tempfile.mkdtemp(dir=in_memory(), prefix="faults-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _first_ledger() -> Ledger:
    url = f"sqlite:///{state_folder() / 'ledger.db'}"
    ledger = Ledger(url, now=lambda: datetime.now(UTC))
    ledger.close()
    shutil.copy(state_folder() / "ledger.db", state_folder() / "empty.db")
    return ledger


def empty_state() -> Path:
    """Return the state folder with a ledger that holds nothing."""
    _first_ledger().close()
    folder = state_folder()
    for left in folder.glob("ledger.db-*"):
        left.unlink()
    shutil.copy(folder / "empty.db", folder / "ledger.db")
    return folder


def in_memory() -> str | None:
    """Return a folder that is no disk, where there is one: each transaction waits for a disk."""
    folder = Path("/dev/shm")  # noqa: S108 - below it, a folder of our own is made
    return str(folder) if folder.is_dir() else None


@contextmanager
def installed(
    fates: Fates,
    *,
    seed: int = 7,
    start: datetime = BEGINNING,
    world_settings: dict[str, Any] | None = None,
    switches: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    page_size: int = 50,
) -> Iterator[Installation]:
    """Make a world with goods and an installation beside it, and remove both at the end."""
    clock = ManualClock(start)
    settings = Settings(
        **{
            "seed": seed,
            "skus": 12,
            "speed": 60,
            "centra_limits": None,
            "switches": FORGIVES_NOTHING | (switches or {}),
            **(world_settings or {}),
        }
    )
    world = World(settings, now=clock)
    stock_world(world)
    with ExitStack() as stack:
        config = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=in_memory())))
        desk = Installation(
            world=world,
            clock=clock,
            environment={
                **environment_of(world, "http://127.0.0.1:1", config, empty_state()),
                # One after the other, so that a seed always means the same.
                "WHISTL_PARALLEL_CALLS": "1",
                **(environment or {}),
            },
            link=None,  # type: ignore[arg-type]  # opened in the next lines
            _open=stack,
            skus=world.whistl_skus(),
            app=create_app(world, people=People(world)),
            fates=fates,
            page_size=page_size,
        )
        desk.reopen()
        yield desk


def environment_of(world: World, base_url: str, config: Path, state: Path) -> dict[str, str]:
    """Return what `.env` would hold, and fill the folder of configuration."""
    shutil.copytree(PROJECT / "config", config, dirs_exist_ok=True)
    (config / "shipping_services.csv").write_text(shipping_services_csv(world))
    return {
        "CENTRA_BASE_URL": f"{base_url}/centra",
        "CENTRA_TOKEN": "centra-test-token",
        "CENTRA_PLAN": "unlimited",
        "WHISTL_BASE_URL": f"{base_url}/whistl",
        "WHISTL_CLIENT_ID": "whistl-test-client",
        "WHISTL_CLIENT_SECRET": "whistl-test-secret",
        "WHISTL_CLIENT_CODE": "ACME",
        "WHISTL_SITE": "SW",
        "WHISTL_REQUESTS_PER_MINUTE": "0",
        "WHISTL_LOOK_UP_LAG_SECONDS": "30",
        "STATE_DIR": str(state),
        "CONFIG_DIR": str(config),
    }
