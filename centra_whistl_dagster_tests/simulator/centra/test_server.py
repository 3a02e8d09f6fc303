"""The simulators' server: what its operator can ask for, the clock, the command."""

from __future__ import annotations

import threading
import time

import click
import httpx
import pytest

from centra_whistl_dagster.config_files.shipping_services import COLUMNS
from centra_whistl_dagster.simulator.command import read_switches, simulate
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import CentraLine, Settings, World


def test_the_shop_opens_and_closes_on_request(simulator: RunningSimulator, world: World) -> None:
    url = f"{simulator.base_url}/_sim/trading"

    assert httpx.post(url, json={"on": True}).json() == {"on": True}
    assert world.is_trading is True
    assert httpx.post(url, json={"on": False}).json() == {"on": False}
    assert bool(world.is_trading) is False
    assert httpx.post(url, json={"on": "yes"}).status_code == 400
    unknown = {"on": True, "opening": {"huge": 1}}
    assert httpx.post(url, json=unknown).status_code == 400


def test_the_shop_opens_with_the_orders_asked_for(simulator: RunningSimulator) -> None:
    opening = {"healthy": 2, "held": 1, "cancelled": 1, "spoiled": 3}

    httpx.post(f"{simulator.base_url}/_sim/trading", json={"on": True, "opening": opening})

    orders = httpx.get(f"{simulator.base_url}/_sim/truth").json()["orders"]
    assert (orders["confirmed"], orders["healthy_unsent"], orders["blocked"]) == (6, 3, 3)


def test_what_is_reported_must_be_order_numbers(simulator: RunningSimulator) -> None:
    url = f"{simulator.base_url}/_sim/reported"

    assert httpx.post(url, json={"orders": [100_001]}).json() == {"unreported": []}
    assert httpx.post(url, json={"orders": ["C100001"]}).status_code == 400


def test_the_truth_is_served_as_json(simulator: RunningSimulator, world: World) -> None:
    place_order(world, [("TEE001-BLK-M", 1)])

    url = f"{simulator.base_url}/_sim/truth"
    assert httpx.get(url).json()["orders"]["confirmed"] == 1
    held_back = dict.fromkeys(world.items, 1)
    stock = httpx.post(url, json={"buffers": held_back, "late_after_seconds": 0}).json()["stock"]
    assert stock["agreeing"] < httpx.get(url).json()["stock"]["agreeing"]


def test_a_fault_put_over_http_reaches_centra(simulator: RunningSimulator) -> None:
    rule = {"system": "centra", "operation": "*", "kind": "error_503_before"}

    httpx.post(f"{simulator.base_url}/_sim/faults", json={"rules": [rule]})

    assert httpx.post(f"{simulator.centra_url}/graphql", json={}).status_code == 503


def test_a_ticking_world_goes_by_itself_and_leaves_no_thread_behind() -> None:
    world = World(Settings())
    happened = threading.Event()
    before = set(threading.enumerate())

    with RunningSimulator(world, ticks=True):
        world.after(0.0, happened.set)
        assert happened.wait(10)

    assert set(threading.enumerate()) == before


def test_a_world_whose_clock_fails_does_not_look_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    world = World(Settings())

    def fail() -> None:
        raise RuntimeError("a mistake in the simulation")

    with RunningSimulator(world, ticks=True) as simulator:
        world.after(0.0, fail)
        given_up_at = time.monotonic() + 10
        while simulator.is_alive and time.monotonic() < given_up_at:
            time.sleep(0.01)
        assert not simulator.is_alive

    assert len(failures) == 1


def test_the_clock_runs_through_what_falls_due_each_at_its_moment(
    world: World, clock: ManualClock
) -> None:
    begun = clock()
    seen: list[float] = []

    def again() -> None:
        seen.append((clock() - begun).total_seconds())
        if len(seen) < 3:
            world.after(10, again)

    world.after(10, again)
    clock.run(world, 35)

    assert seen == [10, 20, 30]
    assert (clock() - begun).total_seconds() == 35


def test_a_line_added_later_is_counted(world: World) -> None:
    order = place_order(world, [("TEE001-BLK-M", 1)])
    free = world.centra_free("TEE001-NVY-L")

    line = CentraLine(line_id=9, sku="TEE001-NVY-L", quantity=2, unit_price=order.shipping_price)
    world.add_line(order, line)

    assert world.centra_free("TEE001-NVY-L") == free - 2
    assert world.unsent_units("TEE001-NVY-L") == 2


def test_a_misspelled_switch_is_refused() -> None:
    with pytest.raises(ValueError, match="centra_retry_afterr"):
        World(Settings(switches={"centra_retry_afterr": True}))


def test_switches_on_the_command_line_are_json_or_text() -> None:
    context, option = click.Context(simulate), simulate.params[-1]

    given = ("centra_retry_after=null", "centra_unknown_status=ODD")
    assert read_switches(context, option, given) == {
        "centra_retry_after": None,
        "centra_unknown_status": "ODD",
    }
    with pytest.raises(click.BadParameter, match="name=value"):
        read_switches(context, option, ("no_such_switch=1",))


def test_the_mapping_table_maps_every_option_but_one_to_fake_services(world: World) -> None:
    header, *rows = shipping_services_csv(world).splitlines()

    assert tuple(header.split(",")) == COLUMNS
    mapped = {row.split(",")[0] for row in rows}
    assert {option["name"] for option in world.shipping_options} - mapped == {"Pop-up collection"}
    assert all(row.split(",")[3].startswith("SIM-") for row in rows)
    inactive = {str(code) for code, service in world.services.items() if not service.is_active}
    assert inactive == {"SIM-OLD/SATURDAY"}
