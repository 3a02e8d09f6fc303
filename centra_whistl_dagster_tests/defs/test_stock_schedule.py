"""What the minute's tick asks for, and that Dagster runs it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import time_machine

from centra_whistl_dagster.definitions import defs
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
    """The environment of an installation with a sale: one SKU must be synced every minute."""
    hot, *_ = world.items
    with (config_folder / "policy.toml").open("a") as policy:
        policy.write(SALE.format(sku=hot))


def tick(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> tuple[dg.RunRequest | None, str]:
    """Evaluate the schedule; return the run it asks for, if any, and why it asks or does not."""
    schedule = definitions.resolve_schedule_def("stock_on_cadence")
    context = dg.build_schedule_context(instance=instance, resources={"link": LinkResource()})
    data = schedule.evaluate_tick(context)
    if not data.run_requests:
        return None, str(data.skip_message)
    return data.run_requests[0], data.run_requests[0].tags["reason"]


def run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, asked: dg.RunRequest | None
) -> dict[str, int]:
    """Run what was asked for; return how many rows each asset had."""
    assert asked is not None
    result = definitions.resolve_job_def("sync_stock").execute_in_process(
        instance=instance,
        run_config=asked.run_config,
        asset_selection=list(asked.asset_selection) if asked.asset_selection else None,
    )
    assert result.success
    return {
        made.asset_key.to_user_string(): rows.value
        for event in result.get_asset_materialization_events()
        for made in [event.step_materialization_data.materialization]
        if isinstance(rows := made.metadata.get("dagster/row_count"), dg.IntMetadataValue)
        and rows.value is not None
    }


def test_the_first_sync_covers_every_sku_and_later_ones_those_that_cannot_wait(
    environment: None, world: World, clock: ManualClock
) -> None:
    definitions = defs()
    with dg.instance_for_test() as instance, time_machine.travel(START, tick=False) as traveller:
        first, why_first = tick(definitions, instance)
        whole = run(definitions, instance, first)
        # Nothing is known of any SKU after the first sync: the second covers all of them too.
        for _ in range(2):
            too_early, why_not = tick(definitions, instance)
            assert too_early is None
            clock.advance(60)
            traveller.shift(60)
            take_snapshot(world)
            second, why_second = tick(definitions, instance)
            part = run(definitions, instance, second)
            # Nothing has moved, so that no level has to be read.
            assert part["centra/stock_levels"] == part["stock/reconciled_availability"] == 0

    assert why_first == "no sync has run yet"
    assert whole["centra/stock_levels"] > 10
    assert "stock/divergence" in whole
    assert "1 SKU needs a sync every 1 min" in why_not
    assert "1 SKU needs a sync every 1 min" in why_second
    assert "stock/divergence" not in part
