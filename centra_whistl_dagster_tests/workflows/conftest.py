"""Both simulated systems, a ledger of its own, and the people who would press the buttons.

A test says what happens in the world (`desk.world`), lets rounds of the relay go by
(`desk.relay()`), and judges by what the simulated systems hold.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.ledger import exception_news, orders
from centra_whistl_dagster.ledger.engine import Row
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.catalogue import shipping_services_csv
from centra_whistl_dagster.simulator.checkout import place_order
from centra_whistl_dagster.simulator.clock import ManualClock
from centra_whistl_dagster.simulator.fault_rules import FaultKind, FaultRule
from centra_whistl_dagster.simulator.server import RunningSimulator
from centra_whistl_dagster.simulator.truth import truth
from centra_whistl_dagster.simulator.world import CentraOrder, Settings, World
from centra_whistl_dagster.workflows import (
    cancellation,
    despatches,
    intake,
    look_up,
    order_locks,
    order_statuses,
    screening,
    shipments,
    stock_reconciliation,
    stock_snapshots,
    stock_sync,
    submission,
)
from centra_whistl_dagster.workflows.link import Link, open_link

PROJECT = Path(__file__).parents[2]


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
    config = tmp_path / "config"
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
        "WHISTL_SITE": "SW",
        "WHISTL_REQUESTS_PER_MINUTE": "0",
        "STATE_DIR": str(tmp_path / "state"),
        "CONFIG_DIR": str(config),
    }


@dataclass
class Desk:
    """One installation beside the two systems it connects."""

    world: World
    clock: ManualClock
    environment: dict[str, str]
    link: Link
    _open: ExitStack
    skus: list[str] = field(default_factory=list)

    # ---- what happens outside
    def order(self, *lines: tuple[str, int], **members: Any) -> CentraOrder:
        """Let a shopper order; two units of the first SKU if nothing is said."""
        with self.world.lock:
            return place_order(self.world, list(lines) or [(self.skus[0], 2)], **members)

    def wait(self, seconds: float) -> None:
        """Let time pass in the world, and everything happen that falls due."""
        self.clock.run(self.world, seconds)

    def fault(self, system: str, operation: str, kind: FaultKind, **members: Any) -> None:
        self.world.faults.put(FaultRule(system=system, operation=operation, kind=kind, **members))

    def switch(self, **switches: Any) -> None:
        self.world.settings.switches.update(switches)

    # ---- what this project does
    def reopen(self, **changes: str) -> Link:
        """Start a new process on the same ledger, with other settings where some are given."""
        self.environment |= changes
        settings = load_settings(self.environment)
        Path(self.environment["STATE_DIR"]).mkdir(parents=True, exist_ok=True)
        rng = random.Random(7)  # noqa: S311 - spreads retries
        self.link = self._open.enter_context(
            open_link(settings, now=self.clock, sleep=self.clock.advance, rng=rng)
        )
        return self.link

    def relay_orders(self) -> None:
        """One run of the relay of orders, step by step as the job does it."""
        intake.take_in_orders(self.link)
        screening.screen_waiting_orders(self.link)
        look_up.resolve_orders_in_doubt(self.link)
        submission.submit_ready_orders(self.link)
        order_locks.lock_accepted_orders(self.link)
        cancellation.pass_on_cancellations(self.link)

    def relay_despatches(self) -> None:
        order_statuses.follow_order_statuses(self.link)
        despatches.pull_despatches(self.link)
        despatches.apply_despatches(self.link)
        shipments.complete_shipments(self.link)

    def sync_stock(self) -> None:
        stock_snapshots.read_latest_snapshot(self.link)
        stock_reconciliation.read_centra_levels(self.link)
        stock_sync.publish_stock(self.link)

    def relay(self, rounds: int = 1, *, every: float = 30.0) -> None:
        """Let rounds of both relays go by, some seconds apart."""
        for _ in range(rounds):
            self.relay_orders()
            self.relay_despatches()
            self.wait(every)

    # ---- what can be seen
    def row(self, order: CentraOrder) -> Row:
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

    def at_whistl(self, order: CentraOrder) -> int:
        """How many orders Whistl holds under this order's number: each would be shipped."""
        number = self.world.whistl_number(order)
        return sum(held.order_number == number for held in self.world.all_whistl_orders())

    def truth(self, **asked: Any) -> dict[str, Any]:
        return truth(self.world, **asked)

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
