"""What checks and assets say about records: which, whose, what to do, by when; never a false 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import time_machine

from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.assets import orders, volume
from centra_whistl_dagster.domain.volume import Judgement
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import Settings, World
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster_tests.defs.test_failing_steps import integration_error_denied

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def settings() -> Settings:
    return Settings(seed=5, skus=20, centra_limits=None)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture
def table(config_folder: Path) -> Path:
    """The shipping table, which a test may edit."""
    return config_folder / "shipping_services.csv"


class Ran:
    """One run of a job, with the figures of its assets and its checks."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        job_name: str,
        *,
        after_minutes: int = 0,
        may_fail: bool = False,
    ):
        definitions: dg.Definitions = defs()
        with time_machine.travel(START + timedelta(minutes=after_minutes), tick=False):
            self.result = definitions.resolve_job_def(job_name).execute_in_process(
                instance=instance, raise_on_error=not may_fail
            )

    def check(self, name: str) -> dg.AssetCheckEvaluation:
        evaluations = {e.check_name: e for e in self.result.get_asset_check_evaluations()}
        return evaluations[name]

    def figures(self, asset: str) -> dict[str, object]:
        (found,) = [
            event.step_materialization_data.materialization
            for event in self.result.get_asset_materialization_events()
            if event.asset_key == dg.AssetKey(asset.split("/"))
        ]
        return {name: value.value for name, value in found.metadata.items()}


def test_confirmed_orders_that_do_not_arrive_are_an_error_with_their_number(
    table: Path, world: World, instance: dg.DagsterInstance
) -> None:
    for _ in range(3):
        place_order(world, [(next(iter(world.items)), 1)])

    missing = Ran(instance, "watch_the_balance", after_minutes=10)
    Ran(instance, "refresh_reference", after_minutes=11)
    relayed = Ran(instance, "relay_orders", after_minutes=11)
    arrived = Ran(instance, "watch_the_balance", after_minutes=12)

    name = "every_confirmed_order_is_accounted_for"
    red = missing.check(name)
    assert not red.passed
    assert red.severity is ERROR
    assert red.metadata["in_centra"].value == red.metadata["missing_here"].value == 3
    assert red.metadata["in_the_ledger"].value == 0
    assert arrived.check(name).passed
    figures = relayed.figures("centra/orders")
    assert figures["read"] == figures["written"] == 3
    assert "dagster/partition_row_count" not in figures


def test_orders_that_do_not_arrive_are_reported_though_ended_ones_cannot_be_read(
    table: Path, world: World, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(link: Link) -> int:
        raise integration_error_denied("orders")

    monkeypatch.setattr(orders, "note_ended_statuses", fails)
    place_order(world, [(next(iter(world.items)), 1)])

    ran = Ran(instance, "watch_the_balance", after_minutes=10, may_fail=True)

    assert not ran.result.success
    red = ran.check("every_confirmed_order_is_accounted_for")
    assert red.metadata["missing_here"].value == 1


def test_a_clock_that_differs_from_centras_is_an_error_and_the_data_team_hears_of_it(
    table: Path, instance: dg.DagsterInstance
) -> None:
    """Time passes here, and stands still at Centra."""
    agrees = Ran(instance, "watch_the_balance", after_minutes=1).check("every_clock_agrees")
    differs = Ran(instance, "watch_the_balance", after_minutes=3).check("every_clock_agrees")
    seen = observed.colours_of_checks(instance, defs().get_repository_def())

    assert agrees.passed
    assert not differs.passed
    assert differs.severity is ERROR
    assert differs.metadata["seconds_ahead_of_centra"].value == 180
    (red,) = [condition for condition in seen if condition.is_red]
    assert (red.owner, "seconds ahead of centra: 180" in red.detail) == ("data", True)


def test_whether_orders_and_despatches_come_as_usual_is_not_judged_before_that_is_known(
    table: Path, instance: dg.DagsterInstance
) -> None:
    ran = Ran(instance, "watch_operations")

    for name in ("orders_arrive_as_usual", "despatches_arrive_as_usual"):
        assert ran.check(name).passed
        assert ran.check(name).metadata["weeks_known"].value == 0


@pytest.mark.parametrize(
    ("judged", "figures"),
    [
        (
            Judgement(weeks_seen=10, is_judged=True, is_silent=True, silent_hours=4.6),
            {"hours_without_any": 5, "expected_in_them": 0},
        ),
        (
            Judgement(
                weeks_seen=10,
                is_judged=True,
                is_reduced=True,
                arrived_in_loss=51,
                expected_in_loss=99.7,
            ),
            {"arrived_since_the_loss_began": 51, "expected_since_then": 100},
        ),
    ],
)
def test_what_is_missed_is_an_error_with_what_was_expected(
    table: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    judged: Judgement,
    figures: dict[str, int],
) -> None:
    monkeypatch.setattr(volume, "volume_of_orders", lambda _link: judged)

    red = Ran(instance, "watch_operations").check("orders_arrive_as_usual")

    assert not red.passed
    assert red.severity is ERROR
    shown = {
        name: v.value for name, v in red.metadata.items() if isinstance(v, dg.IntMetadataValue)
    }
    assert shown == figures


def test_an_address_check_stays_red_while_later_orders_are_good_until_the_order_is_corrected(
    table: Path, world: World, instance: dg.DagsterInstance
) -> None:
    sku = next(iter(world.items))
    check = "every_delivery_address_is_complete_and_valid"
    Ran(instance, "refresh_reference")
    bad = place_order(world, [(sku, 1)], address={**ADA, "zipCode": "SW1A"})

    found = Ran(instance, "relay_orders", after_minutes=1).check(check)
    place_order(world, [(sku, 1)])
    later = Ran(instance, "relay_orders", after_minutes=2).check(check)
    assert bad.address is not None
    bad.address["zipCode"] = "SW1A 1AA"
    touch(world, bad)
    corrected = Ran(instance, "relay_orders", after_minutes=3).check(check)

    assert [one.passed for one in (found, later, corrected)] == [False, False, True]
    assert f"| Order {bad.number} | postcode |" in str(later.metadata["table"].value)
    assert later.metadata["open"].value == 1
    assert later.metadata["judged"].value == 1
    assert later.metadata["failures"].value == 0


def test_a_fault_of_the_shipping_table_names_its_option_owner_remedy_and_time_limit(
    table: Path, instance: dg.DagsterInstance
) -> None:
    table.write_text(table.read_text() + "Nowhere,GB,,NONE,NONE,,,ecommerce,not at Whistl\n")

    found = Ran(instance, "refresh_reference").check(
        "every_option_in_use_has_a_service_that_whistl_offers"
    )

    assert not found.passed
    assert found.severity is WARN
    text = str(found.metadata["table"].value)
    assert found.metadata["faults"].value == len(text.splitlines()) - 2
    assert "| option | field | kind | what is wrong | owner | what to do | time limit |" in text
    assert "| Nowhere | shipping_option | service_unknown |" in text
    assert "| ecommerce |" in text


def test_skus_that_a_picker_would_mix_up_are_an_error_with_owner_remedy_and_time_limit(
    table: Path, world: World, instance: dg.DagsterInstance
) -> None:
    item = next(iter(world.items.values()))
    twin = item.sku.lower()
    world.items[twin] = replace(
        item, sku=twin, size_id=99_999, product=replace(item.product, sku=twin)
    )

    found = Ran(instance, "refresh_reference").check("no_two_skus_look_the_same_on_a_pick_list")

    assert not found.passed
    assert found.severity is ERROR
    assert found.metadata["colliding"].value == 2
    text = str(found.metadata["table"].value)
    assert "| SKU | looks like | owner | what to do | time limit |" in text
    assert f"| {twin} | {item.sku} | merchandising |" in text


def test_service_levels_show_no_time_where_nothing_was_measured(
    table: Path, instance: dg.DagsterInstance
) -> None:
    figures = Ran(instance, "watch_operations").figures("operations/service_levels")

    assert figures["parcels_completed"] == 0
    assert figures["orders_blocked"] == 0
    assert not [name for name in figures if name.startswith("seconds_")]


def test_each_morning_writes_yesterdays_brief_and_the_weekly_one_once(
    table: Path, instance: dg.DagsterInstance
) -> None:
    first = Ran(instance, "daily_operations")
    again = Ran(instance, "daily_operations", after_minutes=24 * 60)

    daily, weekly = first.figures("operations/daily_brief"), "operations/weekly_brief"
    assert Path(str(daily["file"])).read_text().startswith("<!doctype html>")
    assert again.figures("operations/daily_brief")["file"] != daily["file"]
    assert [ran.figures(weekly)["is_new"] for ran in (first, again)] == [True, False]
    assert again.figures(weekly)["file"] == first.figures(weekly)["file"]


def test_stock_that_has_grown_too_old_is_an_error_though_no_sync_runs(
    table: Path, instance: dg.DagsterInstance
) -> None:
    Ran(instance, "refresh_reference")
    before = Ran(instance, "watch_operations")
    Ran(instance, "sync_stock")
    young = Ran(instance, "watch_operations", after_minutes=10)
    old = Ran(instance, "watch_operations", after_minutes=100)
    again = Ran(instance, "sync_stock", after_minutes=101)

    name = "stock_is_recent_enough"
    assert before.check(name).passed
    assert young.check(name).passed
    red = old.check(name)
    assert not red.passed
    assert red.severity is ERROR
    assert "at most 60 are allowed" in str(red.metadata["why_refused"].value)
    assert "fulfilment" in str(red.metadata)
    assert not again.check("snapshot_is_fresh_and_complete").passed


def test_divergence_shows_the_units_of_each_cause_as_a_number(
    table: Path, instance: dg.DagsterInstance
) -> None:
    synced = Ran(instance, "sync_stock")

    figures = synced.figures("stock/divergence")
    assert figures["units_unexplained"] == 0
    assert isinstance(figures["units_other_channels"], int)
    assert synced.check("no_sku_is_oversold").passed
    assert synced.check("no_sku_is_oversold").severity is ERROR
    assert synced.check("divergence_is_explained").severity is WARN
