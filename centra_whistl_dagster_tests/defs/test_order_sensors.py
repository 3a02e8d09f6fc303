"""What the sensors of orders show in Dagster, with pushes and events and without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from centra_whistl_dagster.defs import sensors
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.orders.polling import PushRecord
from centra_whistl_dagster.ledger import hints, state
from centra_whistl_dagster.ledger.hints import HintSource
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import CentraToken, Settings, World
from centra_whistl_dagster.workflows.access import CallGroup, refused_groups
from centra_whistl_dagster.workflows.orders.announcements import WAITED_FOR


@pytest.fixture
def world() -> World:
    """By the wall clock, which is Dagster's."""
    world = World(
        Settings(seed=7, skus=20, centra_limits=None, switches={"whistl_requests_per_minute": None})
    )
    stock_world(world)
    open_warehouse(world)
    return world


@pytest.fixture
def simulator(world: World) -> Iterator[RunningSimulator]:
    with RunningSimulator(world) as running:
        yield running


def evaluate(sensor: dg.SensorDefinition) -> dg.SensorResult:
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"link": LinkResource()})
        result = sensor(context)
    if isinstance(result, dg.SkipReason):
        return dg.SensorResult(skip_reason=result)
    assert isinstance(result, dg.SensorResult)
    return result


def reason(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return result.skip_reason.skip_message or ""


def test_without_pushes_a_tick_polls_and_starts_a_relay(config_folder: Path, world: World) -> None:
    assert reason(evaluate(sensors.new_centra_orders)) == "Nothing new in Centra."

    place_order(world, [(world.whistl_skus()[0], 1)])

    assert len(evaluate(sensors.new_centra_orders).run_requests or ()) == 1


def test_a_tick_reads_centras_quotas_once_in_a_while(config_folder: Path, world: World) -> None:
    evaluate(sensors.new_centra_orders)
    evaluate(sensors.new_centra_orders)

    assert world.calls["centra rateLimits"] == 1


def test_a_tick_without_a_poll_reads_the_quotas_too(
    config_folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setenv("CENTRA_WEBHOOK_SECRET", "s")
    monkeypatch.setattr("centra_whistl_dagster.workflows.orders.polling.WATCH_SECONDS", 0.0)
    with LinkResource().open("a poll") as link, link.ledger.transaction() as tx:
        state.set_to(tx, state.CENTRA_POLLED, tx.now.isoformat())

    evaluate(sensors.new_centra_orders)

    assert world.calls["centra query"] == world.calls["centra rateLimits"] == 1


def test_a_tick_says_how_often_centra_is_polled_and_why(
    config_folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setenv("CENTRA_WEBHOOK_SECRET", "s")
    monkeypatch.setattr("centra_whistl_dagster.workflows.orders.polling.WATCH_SECONDS", 0.0)

    assert "no push has arrived yet" in reason(evaluate(sensors.new_centra_orders))
    with LinkResource().open("a push") as link, link.ledger.transaction() as tx:
        record = hints.push_record(tx)
        assert record is not None
        hints.announce(tx, HintSource.PUSH, {1: datetime.now(UTC)})
        hints.set_push_record(tx, PushRecord(heard_at=datetime.now(UTC), is_on_trial=False))

    assert "Pushes announce new orders" in reason(evaluate(sensors.new_centra_orders))


def test_events_are_read_only_where_that_is_set(
    config_folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    assert reason(evaluate(sensors.centra_events)) == "CENTRA_EVENTS is not set to yes."
    assert world.calls["centra events"] == 0

    monkeypatch.setenv("CENTRA_EVENTS", "yes")

    assert reason(evaluate(sensors.centra_events)) == "0 events read, 0 of them confirmed."
    assert world.calls["centra events"] == 1


def test_once_events_are_switched_off_their_refusal_does_not_stay_open(
    config_folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setenv("CENTRA_EVENTS", "yes")
    for token in world.settings.centra_tokens:
        world.settings.centra_tokens[token] = CentraToken(permissions=frozenset())
    assert reason(evaluate(sensors.centra_events)) == "Centra's token may not read events."
    with LinkResource().open("a person") as link, link.ledger.reading() as tx:
        assert refused_groups(tx) == [CallGroup.EVENTS]

    monkeypatch.setenv("CENTRA_EVENTS", "no")
    assert reason(evaluate(sensors.centra_events)) == "CENTRA_EVENTS is not set to yes."

    with LinkResource().open("a person") as link, link.ledger.reading() as tx:
        assert refused_groups(tx) == []


def test_events_that_are_given_up_are_counted_apart(
    config_folder: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setenv("CENTRA_EVENTS", "yes")
    world.settings.switches["centra_events_enabled"] = True
    number = place_order(world, [(world.whistl_skus()[0], 1)]).number
    world.events[1] = {
        "id": 1,
        "objectType": "Order",
        "changeType": "CREATED",
        "objectReference": number,
        "createdAt": datetime.now(UTC) - WAITED_FOR - timedelta(seconds=1),
    }

    assert reason(evaluate(sensors.centra_events)) == (
        "1 event read, 1 of them confirmed. Given up after an hour: 1, because the ledger does not "
        "have the order as Centra shows it."
    )


def test_events_are_read_no_more_than_once_a_minute() -> None:
    assert sensors.centra_events.minimum_interval_seconds == 60
