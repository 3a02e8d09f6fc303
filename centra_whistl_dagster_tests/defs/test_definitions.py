"""What a data team finds in the Dagster UI: lineage, owners, columns, promises of age."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import CronFreshnessPolicy, TimeWindowFreshnessPolicy
from dagster._utils.schedules import cron_string_iterator

from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.defs import freshness
from centra_whistl_dagster.defs.schedules import BY_THE_CLOCK
from centra_whistl_dagster.domain.stock.cadence import CadencePolicy
from centra_whistl_dagster.domain.stock.policy import StockPolicy

PROJECT = Path(__file__).resolve().parents[2]
LINEAGE: dict[str, set[str]] = {
    "config/shipping_services": set(),
    "centra/product_sizes": set(),
    "whistl/products": set(),
    "whistl/carrier_services": set(),
    "centra/orders": set(),
    "orders/screened_orders": {
        "centra/orders",
        "config/shipping_services",
        "centra/product_sizes",
        "whistl/products",
        "whistl/carrier_services",
    },
    "whistl/order_submissions": {"orders/screened_orders"},
    "whistl/order_statuses": {"whistl/order_submissions"},
    "whistl/despatches": {"whistl/order_submissions"},
    "centra/shipments": {"whistl/despatches"},
    "centra/ended_orders": {"centra/shipments"},
    "whistl/stock_snapshot": set(),
    "centra/stock_levels": {"whistl/stock_snapshot"},
    "stock/reconciled_availability": {
        "whistl/stock_snapshot",
        "centra/stock_levels",
        "whistl/order_statuses",
    },
    "centra/stock_updates": {"stock/reconciled_availability"},
    "history/order_history": {"whistl/order_submissions", "centra/shipments"},
    "history/stock_history": {"whistl/stock_snapshot", "centra/stock_updates"},
    "analytics/published_history": {
        "history/order_history",
        "history/stock_history",
        "history/exception_history",
    },
}
NO_TABLE = {
    "analytics/published_history",
    "operations/daily_brief",
    "operations/weekly_brief",
    "operations/retention",
}
"""A file of many tables, documents, and a deletion: none of them has columns of its own."""
BY_DECISION = {"reference", "stock"}
"""Groups whose schedules decide at each tick whether a run is due."""


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    loaded: dg.Definitions = defs()
    return loaded


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_everything_loads(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)

    repository = definitions.get_repository_def()
    assert {"relay_orders", "sync_stock", "purge_old_runs"} <= set(repository.job_names)
    assert repository.has_sensor_def("alerts_waiting")
    assert repository.has_schedule_def("stock_on_cadence")
    assert repository.has_schedule_def("sweep_of_orders")


def test_an_installed_package_loads_the_same_definitions_from_any_folder(
    definitions: dg.Definitions, tmp_path: Path
) -> None:
    shutil.copytree(
        PROJECT / "centra_whistl_dagster",
        tmp_path / "site" / "centra_whistl_dagster",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    count = (
        "from centra_whistl_dagster.definitions import defs; graph = defs().resolve_asset_graph();"
        "print(len(graph.get_all_asset_keys()), len(graph.asset_check_keys))"
    )

    done = subprocess.run(  # noqa: S603 - our own interpreter and sentence
        [sys.executable, "-c", count],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    graph = definitions.resolve_asset_graph()
    counted = f"{len(graph.get_all_asset_keys())} {len(graph.asset_check_keys)}"
    assert done.stdout.strip() == counted


@pytest.mark.parametrize(("asset", "parents"), LINEAGE.items())
def test_lineage_leads_from_source_to_effect(
    definitions: dg.Definitions, asset: str, parents: set[str]
) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(asset.split("/")))

    assert {key.to_user_string() for key in node.parent_keys} >= parents


def test_no_two_assets_have_the_same_name_in_the_graph(specs: dict[str, dg.AssetSpec]) -> None:
    shared = [name for name, n in Counter(s.key.path[-1] for s in specs.values()).items() if n > 1]

    assert shared == []


def test_every_parent_is_an_asset_of_the_project(
    definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    graph = definitions.resolve_asset_graph()

    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == set(specs)
    assert not graph.external_asset_keys


def test_every_asset_says_what_it_is_who_owns_it_and_what_kind_it_is(
    specs: dict[str, dg.AssetSpec],
) -> None:
    for name, spec in specs.items():
        assert len(spec.description or "") > 30, name
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name, name


def test_every_table_shows_its_columns_each_with_a_description(
    specs: dict[str, dg.AssetSpec],
) -> None:
    for name in set(specs) - NO_TABLE:
        schema = specs[name].metadata.get("dagster/column_schema")
        assert isinstance(schema, dg.TableSchema), name
        assert all(column.description for column in schema.columns), name


def test_every_sensor_and_schedule_is_on_from_the_start(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()

    assert len(repository.sensor_defs) >= 3
    assert len(repository.schedule_defs) >= 4
    for sensor in repository.sensor_defs:
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING, sensor.name
    for schedule in repository.schedule_defs:
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING, schedule.name


def test_a_check_is_named_by_what_is_true_while_it_is_green(definitions: dg.Definitions) -> None:
    names = [key.name for key in definitions.resolve_asset_graph().asset_check_keys]

    assert len(names) >= 6
    true = ("every_", "no_", "snapshot_is", "stock_is", "divergence_is", "orders_", "despatches_")
    assert all(name.startswith(true) for name in names)


def test_every_check_says_what_it_means(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()

    for key in graph.asset_check_keys:
        assert len(graph.get_check_spec(key).description or "") > 30, key.name


def test_steps_that_open_the_history_file_wait_for_one_another(
    definitions: dg.Definitions,
) -> None:
    pools = {
        key.to_user_string(): definitions.resolve_assets_def(key).op.pool
        for key in definitions.resolve_asset_graph().get_all_asset_keys()
        if key.path[0] in {"history", "analytics"}
    }

    assert set(pools.values()) == {"history"}


# ---- promises of age
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


def longest_gap(cron: str) -> timedelta:
    ticks = islice(cron_string_iterator(BEGIN.timestamp(), cron, "Europe/London"), 200)
    return max(later - earlier for earlier, later in pairwise(ticks))


def test_every_asset_promises_an_age(specs: dict[str, dg.AssetSpec]) -> None:
    assert [name for name, spec in specs.items() if spec.freshness_policy is None] == []


def test_a_clock_keeps_every_promise_whether_there_is_work_or_not(
    definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    graph = definitions.resolve_asset_graph()
    gaps: dict[str, timedelta] = {}
    for schedule in BY_THE_CLOCK:
        job = definitions.resolve_job_def(schedule.job_name)
        for key in set(job.asset_layer.executable_asset_keys) & graph.get_all_asset_keys():
            name, gap = key.to_user_string(), longest_gap(str(schedule.cron_schedule))
            gaps[name] = min(gap, gaps.get(name, gap))

    for name, spec in specs.items():
        policy = spec.freshness_policy
        if isinstance(policy, TimeWindowFreshnessPolicy) and spec.group_name not in BY_DECISION:
            assert policy.warn_window is not None, name
            assert gaps[name] < policy.warn_window.to_timedelta(), name
        elif isinstance(policy, CronFreshnessPolicy):
            assert gaps[name] == timedelta(days=1), name


def windows_of(policy: dg.FreshnessPolicy | None) -> tuple[timedelta, timedelta]:
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    assert policy.warn_window is not None
    return policy.warn_window.to_timedelta(), policy.fail_window.to_timedelta()


@pytest.mark.parametrize(
    ("ladder_minutes", "warn_minutes", "fail_minutes"),
    [((1, 2, 5, 10, 15), 30, 75), ((5, 30), 60, 90), ((60, 1440), 2880, 4320)],
)
def test_stock_may_be_as_old_as_its_slowest_interval_and_its_oldest_usable_snapshot(
    ladder_minutes: tuple[int, ...], warn_minutes: int, fail_minutes: int
) -> None:
    policy = StockPolicy(cadence=CadencePolicy(ladder_minutes=ladder_minutes))

    assert windows_of(freshness.of_stock(policy)) == (
        timedelta(minutes=warn_minutes),
        timedelta(minutes=fail_minutes),
    )


def stock_windows() -> set[tuple[timedelta, timedelta]]:
    loaded: dg.Definitions = defs()
    specs = loaded.resolve_all_asset_specs()
    return {windows_of(s.freshness_policy) for s in specs if s.group_name == "stock"}


def test_the_age_of_stock_follows_the_operators_policy(config_folder: Path) -> None:
    policy = config_folder / "policy.toml"
    slower = policy.read_text().replace("[1, 2, 5, 10, 15]", "[5, 60]")
    policy.write_text(slower)

    assert stock_windows() == {(timedelta(minutes=120), timedelta(minutes=180))}


def test_definitions_load_while_the_configuration_is_broken(config_folder: Path) -> None:
    (config_folder / "policy.toml").write_text("[stock.cadence]\nladder_minutes = 'often'\n")

    assert stock_windows() == {(timedelta(minutes=30), timedelta(minutes=75))}
