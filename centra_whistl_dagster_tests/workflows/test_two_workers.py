"""Two workers on one ledger at the same moments: orders, shipments and stock, each once.

Answers are lost on both sides, and now and then a worker is killed in the middle of its step.
Whistl takes a number twice, and each order that it takes would be shipped.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.simulator.people.behaviour import People
from centra_whistl_dagster.simulator.truth.scoreboard import is_drained
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import Settings
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster_tests.workflows.conftest import Desk

ROUNDS = 40
LOST = (FaultKind.LOSE_ANSWER_AFTER, FaultKind.ERROR_500_AFTER, FaultKind.EMPTY_200)
STEPS: tuple[Callable[[Desk], None], ...] = (
    Desk.relay_orders,
    Desk.relay_despatches,
    Desk.sync_stock,
)
WEIGHTS = (5, 3, 2)
KILLED_SHARE = 0.2


@pytest.fixture
def environment(environment: dict[str, str], ledger_url: str) -> dict[str, str]:
    return environment | {"LEDGER_URL": ledger_url}


@pytest.fixture
def settings() -> Settings:
    return Settings(
        seed=5,
        skus=40,
        speed=30,
        orders_per_minute=8.0,
        several_parcels_share=0.3,
        cancelled_share=0.1,
        centra_limits=None,
        switches={
            "whistl_requests_per_minute": None,
            "whistl_accepts_repeated_numbers": True,
            "whistl_ignores_idempotency_key": True,
            "whistl_lookup_lag_seconds": 20.0,
            "duplicate_despatch_share": 0.2,
            "out_of_order_despatch_share": 0.2,
        },
    )


def work(worker: Desk, step: Callable[[Desk], None], killed_after: int | None) -> int:
    """Let a worker do a step, or be killed before one of its transactions; return how often."""
    going = worker
    if killed_after is not None:
        going = replace(worker, link=worker.link_that_crashes(after=killed_after))
    try:
        with suppress(IntegrationError, LeaseTaken, NothingToReconcile):
            step(going)
    except InterruptedError:
        worker.reopen()
        return 1
    return 0


def live_through_the_day(first: Desk, second: Desk) -> int:
    """Let both workers work at the same time, round after round; return how many were killed."""
    rng = random.Random("two workers")  # noqa: S311 - decides a scenario, guards nothing
    people = People(first.world)
    with first.world.lock:
        people.open()
    for system in ("centra", "whistl"):
        for kind in LOST:
            first.fault(system, "*", kind, share=0.02)
    killed = 0
    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            first.wait(rng.uniform(1, 20))
            # Half of the time both do the same.
            one, other = rng.choices(STEPS, WEIGHTS, k=2)
            steps = (one, one if rng.random() < 0.5 else other)
            kills = [rng.randrange(12) if rng.random() < KILLED_SHARE else None for _ in steps]
            killed += sum(threads.map(work, (first, second), steps, kills))
    with first.world.lock:
        people.close()
    first.world.faults.clear()
    return killed


def settle(desk: Desk) -> None:
    for _ in range(60):
        desk.relay()
        if is_drained(desk.world) and not intake.look_for_news(desk.link).orders:
            break
    intake.take_in_orders(desk.link, is_sweep=True)
    for _ in range(4):
        desk.relay(every=100)
    desk.wait(desk.world.settings.snapshot_seconds / desk.world.settings.speed)
    desk.relay_despatches()
    desk.sync_stock()


def test_two_workers_send_and_complete_nothing_twice_and_write_no_stock_that_is_not_there(
    desk: Desk,
) -> None:
    other = replace(desk, environment=dict(desk.environment))
    other.reopen()

    killed = live_through_the_day(desk, other)
    settle(desk)

    truth = desk.truth()
    found = truth["orders"]
    assert killed >= 5
    assert found["confirmed"] > 40
    assert sum(truth["faults"].values()) > 5
    never = ("late", "duplicated", "strangers", "spoiled_but_sent", "shipments_wrong")
    assert {name: found[name] for name in never} == dict.fromkeys(never, 0)
    assert truth["shipments"]["wrong_examples"] == []
    assert truth["shipments"]["parcels_completed"] > 20
    assert truth["stock"]["resurrected_units"] == 0
    assert truth["stock"]["unexplained"] == []
