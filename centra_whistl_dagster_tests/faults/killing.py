"""Relays in processes of their own that are killed with SIGKILL, at named points and at random."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from signal import SIGKILL

from centra_whistl_dagster.simulator.truth.scoreboard import is_drained
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import Settings, World
from centra_whistl_dagster_tests.faults.exploring import Lived
from centra_whistl_dagster_tests.faults.installation import (
    FORGIVES_NOTHING,
    environment_of,
    in_memory,
)
from centra_whistl_dagster_tests.faults.judging import Verdict, judge
from centra_whistl_dagster_tests.faults.nursery import Order
from centra_whistl_dagster_tests.workflows.conftest import PROJECT, Desk

OPERATIONS = (
    "WholeOrders",
    "create_order",
    "LockOrders",
    "list_orders",
    "list_despatches",
    "ShipmentsOfOrders",
    "CreateShipment",
)
NAMED = (
    *(f"{moment} {operation}" for operation in OPERATIONS for moment in ("before", "after")),
    *(
        f"{moment} transaction {number}"
        for number in range(1, 13)
        for moment in ("before", "inside", "after")
    ),
)
MOST_TICKS = 120


class Nursery:
    """The process that forks relays."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "centra_whistl_dagster_tests.faults.nursery"],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def relay(self, order: Order) -> int:
        """Let one relay run, and return the signal that ended it; 0 when nothing did.

        Raises:
            RuntimeError: it ended with an error of its own.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        ended_by = int(self._process.stdout.readline())
        if ended_by < 0:
            raise RuntimeError("the relay failed; what it wrote says why")
        return ended_by

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


def kill(count: int, seed: int) -> Lived:
    """Kill so many relays, at named points and at random, and then let all recover."""
    rng = random.Random(f"{seed} kills")  # noqa: S311 - decides a scenario, guards nothing
    fired: Counter[str] = Counter()
    clock = ManualClock()
    settings = Settings(
        seed=seed,
        skus=12,
        speed=60,
        centra_limits=None,
        several_parcels_share=0.3,
        switches=FORGIVES_NOTHING | {"corrected_tracking_share": 0.2},
    )
    world = World(settings, now=clock)
    stock_world(world)
    named = rng.sample(NAMED, len(NAMED))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=in_memory())))
        simulator = stack.enter_context(RunningSimulator(world))
        environment = environment_of(world, simulator.base_url, folder / "config", folder / "state")
        nursery = Nursery()
        stack.callback(nursery.close)
        desk = Desk(world, clock, environment, None, stack, world.whistl_skus())  # type: ignore[arg-type]
        desk.reopen()
        while sum(fired.values()) < count:
            _order_one(desk, rng)
            is_named = bool(named) and rng.random() < 0.7
            order = Order(environment=environment, now=clock().isoformat())
            if is_named:
                order.dies_at = named.pop()
            else:
                order.killed_after = rng.uniform(0.02, 0.5)
            if nursery.relay(order) == SIGKILL:
                fired["killed at a named point" if is_named else "killed at random"] += 1
            desk.wait(rng.choice((1, 20, 95, 310)))
        ticks, verdict = _recover(desk, nursery)
    return Lived(seed=seed, verdict=verdict, ticks=ticks, fired=fired)


def _order_one(desk: Desk, rng: random.Random) -> None:
    desk.order(*((sku, rng.randint(1, 2)) for sku in rng.sample(desk.skus, rng.randint(1, 2))))


def _recover(desk: Desk, nursery: Nursery) -> tuple[int, Verdict]:
    verdict = Verdict()
    for tick in range(1, MOST_TICKS + 1):
        nursery.relay(Order(environment=desk.environment, now=desk.clock().isoformat()))
        desk.wait(30)
        verdict = judge(desk)
        if verdict.is_good and is_drained(desk.world):
            return tick, verdict
    return MOST_TICKS, verdict
