"""What the minute's tick asks for, and that Dagster runs it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import time_machine

from centra_whistl_dagster.definitions import build_defs
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import Settings, World

SALE = """
[[stock.sale]]
name = "Black Friday"
starts_at = 2000-01-01T00:00:00Z
ends_at = 2099-01-01T00:00:00Z
skus = ["{sku}"]
risk = 0.001
most_minutes = 1
"""
START = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def settings() -> Settings:
    return Settings(seed=5, skus=20, speed=60, centra_limits=None)


@pytest.fixture
def environment(config_folder: Path, world: World) -> None:
    """Of an installation whose sale wants one SKU passed over each minute."""
    hot, *_ = world.items
    with (config_folder / "policy.toml").open("a") as policy:
        policy.write(SALE.format(sku=hot))


def tick(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """Evaluate the schedule; return what it asks for, or why it asks for nothing."""
    schedule = definitions.resolve_schedule_def("stock_on_cadence")
    context = dg.build_schedule_context(instance=instance, resources={"link": LinkResource()})
    data = schedule.evaluate_tick(context)
    return data.run_requests[0] if data.run_requests else str(data.skip_message)


def run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, asked: dg.RunRequest
) -> dict[str, int]:
    """Do what was asked for; return how many rows each asset had."""
    result = definitions.resolve_job_def("sync_stock").execute_in_process(
        instance=instance,
        run_config=asked.run_config,
        asset_selection=list(asked.asset_selection) if asked.asset_selection else None,
    )
    assert result.success
    return {
        made.asset_key.to_user_string(): made.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
        for made in [event.step_materialization_data.materialization]
        if "dagster/row_count" in made.metadata
    }


def test_the_first_pass_is_over_every_sku_and_the_next_over_those_that_cannot_wait(
    environment: None, world: World, clock: ManualClock
) -> None:
    definitions = build_defs()
    with dg.instance_for_test() as instance, time_machine.travel(START, tick=False) as traveller:
        first = tick(definitions, instance)
        whole = run(definitions, instance, first)
        # Of no SKU anything is known after the first pass: the second is over all of them too.
        for each in range(2):
            too_early = tick(definitions, instance)
            clock.advance(60)
            traveller.shift(60)
            take_snapshot(world)
            second = tick(definitions, instance)
            part = run(definitions, instance, second)
            assert (part["centra/stock_levels"] > 10) == (each == 0)

    assert first.tags["reason"] == "no sync has run yet"
    assert whole["centra/stock_levels"] > 10
    assert "stock/divergence" in whole
    assert "1 SKU needs a sync every 1 min" in too_early
    assert "1 SKU needs a sync every 1 min" in second.tags["reason"]
    assert part["centra/stock_levels"] == part["stock/reconciled_availability"] == 1
    assert "stock/divergence" not in part
