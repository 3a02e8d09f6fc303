"""What a data team finds in the Dagster UI: lineage, owners, words, everything switched on."""

from __future__ import annotations

import dagster as dg
import pytest

from centra_whistl_dagster.definitions import build_defs

LINEAGE = {
    "config/shipping_services": set(),
    "centra/catalogue": set(),
    "whistl/catalogue": set(),
    "whistl/services": set(),
    "centra/orders": set(),
    "orders/screened": {
        "centra/orders",
        "config/shipping_services",
        "centra/catalogue",
        "whistl/catalogue",
        "whistl/services",
    },
    "whistl/order_submissions": {"orders/screened"},
    "whistl/order_statuses": {"whistl/order_submissions"},
    "whistl/despatches": {"whistl/order_submissions"},
    "centra/shipments": {"whistl/despatches"},
    "whistl/stock_snapshot": set(),
    "centra/stock_levels": {"whistl/stock_snapshot"},
    "stock/reconciled_availability": {
        "whistl/stock_snapshot",
        "centra/stock_levels",
        "whistl/order_statuses",
    },
    "centra/stock_updates": {"stock/reconciled_availability"},
    "history/orders": {"whistl/order_submissions", "centra/shipments"},
    "history/stock": {"whistl/stock_snapshot", "centra/stock_updates"},
    "analytics/published": {"history/orders", "history/stock", "history/exceptions"},
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_defs()


def test_everything_loads(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


@pytest.mark.parametrize(("asset", "parents"), LINEAGE.items())
def test_lineage_leads_from_source_to_effect(
    definitions: dg.Definitions, asset: str, parents: set[str]
) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(asset.split("/")))

    assert {key.to_user_string() for key in node.parent_keys} >= parents


def test_every_asset_says_what_it_is_who_owns_it_and_what_kind_it_is(
    definitions: dg.Definitions,
) -> None:
    for spec in definitions.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert len(spec.description or "") > 30, name
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name, name


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
    assert all(name.startswith(("every_", "no_", "snapshot_is", "divergence_is")) for name in names)


def test_steps_that_open_the_history_file_wait_for_one_another(
    definitions: dg.Definitions,
) -> None:
    pools = {
        key.to_user_string(): definitions.resolve_assets_def(key).op.pool
        for key in definitions.resolve_asset_graph().get_all_asset_keys()
        if key.path[0] in {"history", "analytics"}
    }

    assert set(pools.values()) == {"history"}
