"""Both simulated systems, a ledger of its own, and the people who would press the buttons.

A test says what happens in the world (`desk.world`), lets rounds of the relay go by
(`desk.relay()`), and judges by what the simulated systems hold.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exception_news, orders
from centra_whistl_dagster.ledger.engine import Ledger, Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.centra.rules import cancel_order
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.truth.scoreboard import Truth, is_drained, truth
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind, FaultRule
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import CentraOrder, Settings, WhistlOrder, World
from centra_whistl_dagster.workflows.link import Link, open_link
from centra_whistl_dagster.workflows.orders import (
    handover,
    intake,
    screening,
    status_sweep,
    statuses,
)
from centra_whistl_dagster.workflows.shipments import completion, despatches
from centra_whistl_dagster.workflows.stock import (
    archive,
    centra_levels,
    levels_needed,
    sales_velocity,
    snapshots,
    sync,
)
from centra_whistl_dagster.workflows.stock.last_sync import last_sync

PROJECT = Path(__file__).parents[2]
A_DAY = 5_000.0
"""Long enough, in this quick world, for an order to leave and for every correction to come."""


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    """A small, quick world; a test may ask for switches that must be set before it begins."""
    asked = getattr(request, "param", {})
    return Settings(
        seed=7,
        skus=40,
        speed=20,
        centra_limits=None,
        switches={"whistl_requests_per_minute": None, **asked},
    )


@pytest.fixture
def environment(simulator: RunningSimulator, world: World, tmp_path: Path) -> dict[str, str]:
    """What `.env` would hold, with a configuration folder that a test may edit."""
    return environment_in(tmp_path, simulator, world)


@cache
def migrated_ledger() -> bytes:
    """A new ledger's file, to copy: making its tables takes longer than most tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        Ledger(f"sqlite:///{file}", now=lambda: datetime.now(UTC)).close()
        return file.read_bytes()


def environment_in(folder: Path, simulator: RunningSimulator, world: World) -> dict[str, str]:
    """Return what `.env` would hold of an installation that keeps everything in a folder."""
    (folder / "state").mkdir()
    ledger = folder / "state" / "ledger.db"
    ledger.touch(0o600)
    ledger.write_bytes(migrated_ledger())
    config = folder / "config"
    shutil.copytree(PROJECT / "config", config)
    (config / "shipping_services.csv").write_text(shipping_services_csv(world))
    return {
        "CENTRA_BASE_URL": simulator.centra_url,
        "CENTRA_TOKEN": "centra-test-token",
        "CENTRA_PLAN": "unlimited",
        "WHISTL_BASE_URL": simulator.whistl_url,
        "WHISTL_CLIENT_ID": "whistl-test-client",
        "WHISTL_CLIENT_SECRET": "whistl-test-secret",
        "WHISTL_CLIENT_CODE": "ACME",
        "WHISTL_LOOK_UP_LAG_SECONDS": "30",
        "WHISTL_SITE": "SW",
        "WHISTL_REQUESTS_PER_MINUTE": "0",
        "STATE_DIR": str(folder / "state"),
        "CONFIG_DIR": str(config),
    }


class LedgerThatCrashes:
    """A ledger whose process ends before the transaction after some others."""

    def __init__(self, ledger: Ledger, *, after: int) -> None:
        self._ledger, self._left = ledger, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def transaction(self) -> AbstractContextManager[Transaction]:
        if not self._left:
            raise InterruptedError("the process ended")
        self._left -= 1
        return self._ledger.transaction()


@dataclass
class Desk:
    """One installation beside the two systems it connects."""

    world: World
    clock: ManualClock
    environment: dict[str, str]
    link: Link
    _open: ExitStack
    skus: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The configuration folder, which a test may edit."""
        return Path(self.environment["CONFIG_DIR"])

    # ---- what happens outside
    def order(self, *lines: tuple[str, int], **members: Any) -> CentraOrder:
        """Let a shopper order; two units of the first SKU if nothing is said."""
        with self.world.lock:
            return place_order(self.world, list(lines) or [(self.skus[0], 2)], **members)

    def order_some(self, count: int = 8) -> list[CentraOrder]:
        """Let a shopper place several orders of two lines, of three units."""
        skus = self.skus
        return [self.order((skus[n], 2), (skus[n + 1], 1)) for n in range(count)]

    def withdraw(self, order: CentraOrder) -> None:
        """Cancel in Centra, as customer service does: off with the lock, then cancelled."""
        self.wait(1)
        order.is_locked = False
        cancel_order(self.world, order)

    def wait(self, seconds: float) -> None:
        """Let time pass in the world, and everything happen that falls due."""
        self.clock.run(self.world, seconds)

    def wait_a_day(self) -> None:
        self.wait(A_DAY)

    def wait_for(self, order: CentraOrder, status: str) -> WhistlOrder:
        """Let time pass until Whistl's order has a status, and no longer."""
        for _ in range(300):
            if self.held(order).status == status:
                return self.held(order)
            self.wait(1)
        raise AssertionError(f"the order is {self.held(order).status}, never {status}")

    def leave_the_building(self, placed: list[CentraOrder]) -> None:
        """Let orders be sent and leave, and nobody here hear of it yet."""
        self.relay_orders()
        assert [self.at_whistl(order) for order in placed] == [1] * len(placed)
        self.wait_a_day()
        assert is_drained(self.world)

    def fault(self, system: str, operation: str, kind: FaultKind, **members: Any) -> None:
        self.world.faults.put(FaultRule(system=system, operation=operation, kind=kind, **members))

    def switch(self, **switches: Any) -> None:
        self.world.settings.switches.update(switches)

    def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # ---- what this project does
    def reopen(self, **changes: str) -> Link:
        """Start a new process on the same ledger, with other settings where some are given."""
        self.environment |= changes
        settings = load_settings(self.environment)
        Path(self.environment["STATE_DIR"]).mkdir(parents=True, exist_ok=True)
        rng = random.Random(7)  # noqa: S311 - spreads retries
        self.link = self._open.enter_context(
            open_link(settings, now=self.clock, sleep=self.sleep, rng=rng)
        )
        return self.link

    def link_that_crashes(self, *, after: int) -> Link:
        """Return a link whose process ends after so many transactions that write."""
        return replace(
            self.link, ledger=cast("Any", LedgerThatCrashes(self.link.ledger, after=after))
        )

    def relay_orders(self) -> None:
        """One run of the relay of orders, step by step as the job does it."""
        intake.take_in_orders(self.link)
        screening.screen_waiting_orders(self.link)
        handover.hand_over(self.link)

    def relay_despatches(self) -> None:
        status_sweep.note_round(self.link)
        statuses.follow_order_statuses(self.link)
        status_sweep.sweep_order_statuses(self.link)
        despatches.pull_despatches(self.link)
        despatches.apply_despatches(self.link)
        completion.complete_shipments(self.link)

    def sync_stock(self, within_minutes: int | None = None) -> None:
        """One pass over all stock, or over the SKUs that need one that often."""
        snapshots.read_latest_snapshot(self.link)
        sales_velocity.count_demand(self.link)
        centra_levels.read_centra_levels(
            self.link,
            within_minutes=within_minutes,
            skus=levels_needed.skus_to_read(self.link, within_minutes),
        )
        sync.publish_stock(self.link)

    def relay(self, rounds: int = 1, *, every: float = 30.0) -> None:
        """Let rounds of both relays go by, some seconds apart."""
        for _ in range(rounds):
            self.relay_orders()
            self.relay_despatches()
            self.wait(every)

    def live_on(self, rounds: int = 12) -> None:
        """Let rounds of the relay of despatches go by."""
        for _ in range(rounds):
            self.relay_despatches()
            self.wait(60)

    def make_ready(self, *placed: CentraOrder) -> None:
        """Take in and screen these orders, and send nothing yet."""
        intake.take_in_orders(self.link)
        screening.screen_waiting_orders(self.link)
        assert [self.state(order) for order in placed] == [OrderState.READY] * len(placed)

    def settle(self, *placed: CentraOrder, rounds: int = 8) -> None:
        """Let rounds go by until nothing is under way for these orders; time may run out, too."""
        for _ in range(rounds):
            self.relay_orders()
            if all(self.state(order) == OrderState.SUBMITTED for order in placed):
                return
            self.wait(100)

    # ---- what can be seen
    def row(self, order: CentraOrder) -> OrderRow:
        with self.link.ledger.reading() as tx:
            found = orders.find(tx, order.order_id)
        assert found is not None, f"the ledger does not have order {order.number}"
        return found

    def state(self, order: CentraOrder) -> OrderState:
        return OrderState(self.row(order).state)

    def counts(self) -> dict[OrderState, int]:
        with self.link.ledger.reading() as tx:
            found = orders.counts_by_state(tx)
        return {state: count for state, count in found.items() if count}

    def problems(self, subject: str | None = None) -> list[str]:
        """The kinds of the open exceptions, of one subject or of all."""
        with self.link.ledger.reading() as tx:
            rows = exception_news.listed(tx)
        return sorted(row.kind for row in rows if subject in {None, row.subject})

    def messages(self) -> list[str]:
        with self.link.ledger.reading() as tx:
            return [row.message for row in exception_news.listed(tx)]

    def held(self, order: CentraOrder) -> WhistlOrder:
        """What Whistl holds under this order's number."""
        return self.world.whistl_orders[self.world.whistl_number(order)]

    def at_whistl(self, order: CentraOrder) -> int:
        """How many orders Whistl holds under this order's number: each would be shipped."""
        number = self.world.whistl_number(order)
        return sum(held.order_number == number for held in self.world.all_whistl_orders())

    def units_in_centra(self, order: CentraOrder) -> dict[int, int]:
        """Units shipped by line number, as Centra knows them."""
        return {number: line.shipped for number, line in enumerate(order.lines, start=1)}

    def assert_every_parcel_is_right(self) -> None:
        told = self.truth()["shipments"]
        assert told["wrong_examples"] == []
        assert told["parcels"] > 0
        assert told["parcels_completed"] == told["parcels"]

    def truth(self) -> Truth:
        """Return how the world judges the run, given what is held back on purpose."""
        return truth(self.world, buffers=self.buffers())

    def buffers(self) -> dict[str, int]:
        """Return what is held back of each SKU on purpose."""
        with self.link.ledger.reading() as tx:
            last = last_sync(tx)
        if last is None:
            return {}
        frame = archive.fetch(self.link.settings.archive_path, last.file)
        return dict(zip(frame["sku"], frame["buffer_wanted"].astype(int), strict=True))

    def effects(self) -> Counter[str]:
        """What was changed in either system so far, by the systems' own count."""
        return Counter({name: n for name, n in self.world.calls.items() if name.count(" ") > 1})


@pytest.fixture
def desk(world: World, clock: ManualClock, environment: dict[str, str]) -> Iterator[Desk]:
    with ExitStack() as stack:
        made = Desk(
            world=world,
            clock=clock,
            environment=environment,
            link=None,  # type: ignore[arg-type]  # opened in the next line
            _open=stack,
            skus=world.whistl_skus(),
        )
        made.reopen()
        yield made


@pytest.fixture
def link(desk: Desk) -> Link:
    return desk.link


@pytest.fixture
def tx_of(desk: Desk) -> Callable[[], Any]:
    return desk.link.ledger.transaction
