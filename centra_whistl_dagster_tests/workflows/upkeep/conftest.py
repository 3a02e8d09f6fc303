"""A seeded day of trade in the published file, with the world that it really happened in."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from centra_whistl_dagster.domain.stock.cadence import Decision, StockSync
from centra_whistl_dagster.history.store import connect, connection_settings
from centra_whistl_dagster.simulator.people.behaviour import People
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import Settings, World
from centra_whistl_dagster.workflows.orders.ended_statuses import note_ended_statuses
from centra_whistl_dagster.workflows.stock.cadence_record import decide_and_record
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster.workflows.upkeep.history_measurements import load_measurements
from centra_whistl_dagster_tests.workflows.conftest import Desk, environment_in

MINUTES = 32


@dataclass
class Day:
    """What happened, what was decided, and the published file that tells of it."""

    desk: Desk
    decisions: list[Decision]
    compared: int
    con: duckdb.DuckDBPyConnection

    @property
    def world(self) -> World:
        return self.desk.world

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Ask the published file, as an analyst does."""
        found = self.con.execute(query, list(values))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Live through the day once for all questions."""
    clock = ManualClock()
    settings = Settings(
        seed=11,
        skus=30,
        speed=20,
        orders_per_minute=2.0,
        unseen_orders_per_minute=1.0,
        goods_in_per_minute=0.2,
        several_parcels_share=0.2,
        cancelled_share=0.05,
        centra_limits=None,
        switches={
            "whistl_requests_per_minute": None,
            "corrected_tracking_share": 0.2,
            "duplicate_despatch_share": 0.1,
        },
    )
    world = World(settings, now=clock)
    stock_world(world)
    open_warehouse(world)
    folder = tmp_path_factory.mktemp("installation")
    with ExitStack() as stack:
        simulator = stack.enter_context(RunningSimulator(world))
        desk = Desk(
            world=world,
            clock=clock,
            environment=environment_in(folder, simulator, world),
            link=None,  # type: ignore[arg-type]  # opened in the next line
            _open=stack,
            skus=world.whistl_skus(),
        )
        desk.reopen()
        decisions, compared = live(desk)
        load_history(desk)
        history.publish_history(desk.link, history.open_history(desk.link))
        # The same settings: DuckDB shares a file within a process, and refuses others.
        same = connection_settings(memory_limit="1GB", threads=2)
        path = desk.link.settings.published_path
        con = stack.enter_context(connect(path, same, read_only=True))
        yield Day(desk=desk, decisions=decisions, compared=compared, con=con)


def load_history(desk: Desk) -> None:
    """Load what is new, as the schedule does, and find every row good."""
    file = history.open_history(desk.link)
    for load in (
        history.load_orders,
        history.load_exceptions,
        history.load_stock,
        load_measurements,
    ):
        assert [kept for kept in load(desk.link, file) if kept.failures] == []


def live(desk: Desk) -> tuple[list[Decision], int]:
    """Let people shop and every step run; return each decision and the number of comparisons."""
    rng = random.Random(11)  # noqa: S311 - decides a scenario, guards nothing
    people = People(desk.world)
    with desk.world.lock:
        people.open()
    decisions: list[Decision] = []
    compared = 0
    for minute in range(MINUTES):
        desk.wait(rng.uniform(50, 70))
        desk.relay_orders()
        desk.relay_despatches()
        decision = decide_and_record(desk.link)
        decisions.append(decision)
        if decision.does is StockSync.FULL:
            desk.sync_stock()
        elif decision.does is StockSync.PARTIAL:
            desk.sync_stock(within_minutes=decision.minutes)
        if minute % 4 == 2:  # more often than the loads overlap
            load_history(desk)
        if minute % 10 == 9:
            measure_divergence(desk.link)
            compared += 1
        if minute == MINUTES - 15:
            with desk.world.lock:
                people.close()
    sell_what_is_gone(desk)
    note_ended_statuses(desk.link)
    return decisions, compared + 1


def sell_what_is_gone(desk: Desk) -> None:
    """Let shoppers buy the last units of a SKU that somebody else takes from the shelf."""
    world = desk.world
    sku = max(desk.skus, key=world.centra_free)
    with world.lock:
        units = world.whistl_available(sku)
    desk.order((sku, world.centra_free(sku)))
    with world.lock:
        world.shelves[sku].on_hand -= units - 2
    desk.wait(120)
    desk.sync_stock()
    measure_divergence(desk.link)
