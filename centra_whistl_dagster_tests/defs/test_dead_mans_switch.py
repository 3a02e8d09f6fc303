"""Signs of life go out only while orders, despatches, stock and alerts are all proven well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest
import time_machine
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from centra_whistl_dagster.defs import dead_mans_switch as switch
from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.resources import LinkResource

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAGED_AFTER = timedelta(minutes=10)
"""How long the service outside waits for a sign, as docs/deployment.md has it set up."""
DAEMON = "SENSOR"
ERROR = SerializableErrorInfo("No answer.", [], "Failure")


class Service(ThreadingHTTPServer):
    """The service outside: counts signs, and can be told to refuse them."""

    def __init__(self) -> None:
        self.signs = 0
        self.status = 200
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.signs += service.status == 200
                self.send_response(service.status)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/secret-of-the-check"


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: Service) -> None:
    for name, value in {
        "CENTRA_BASE_URL": "http://127.0.0.1:9",
        "CENTRA_TOKEN": "t",
        "WHISTL_BASE_URL": "http://127.0.0.1:9",
        "WHISTL_TOKEN": "t",
        "WHISTL_CLIENT_CODE": "ACME",
        "WHISTL_SITE": "SW",
        "STATE_DIR": str(tmp_path),
        "DEAD_MANS_SWITCH_URL": service.url,
    }.items():
        monkeypatch.setenv(name, value)


def tick(
    instance: dg.DagsterInstance,
    name: str,
    at: datetime,
    status: TickStatus = TickStatus.SKIPPED,
) -> None:
    is_schedule = name == "stock_on_cadence"
    origin = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=9, location_name="here")
    known = {state.name: state for state in instance.all_instigator_state()}
    state = known.get(name) or instance.add_instigator_state(
        InstigatorState(
            RemoteInstigatorOrigin(RemoteRepositoryOrigin(origin, "__repository__"), name),
            InstigatorType.SCHEDULE if is_schedule else InstigatorType.SENSOR,
            InstigatorStatus.RUNNING,
            ScheduleInstigatorData("* * * * *", at.timestamp())
            if is_schedule
            else SensorInstigatorData(),
        )
    )
    instance.create_tick(
        TickData(
            instigator_origin_id=state.instigator_origin_id,
            selector_id=state.selector_id,
            instigator_name=name,
            instigator_type=state.instigator_type,
            status=status,
            timestamp=at.timestamp(),
            error=ERROR if status is TickStatus.FAILURE else None,
        )
    )


def check(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey, at: datetime, *, passed: bool = True
) -> None:
    with time_machine.travel(at, tick=False):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key.asset_key, check_name=key.name, passed=passed, metadata={}
            )
        )


def make(instance: dg.DagsterInstance, key: list[str], at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=key))


def beat(instance: dg.DagsterInstance, at: datetime) -> None:
    instance.add_daemon_heartbeat(
        DaemonHeartbeat(at.timestamp(), DAEMON, daemon_id="d", errors=None)
    )


CHECKS = [key for checks in switch.CHECKS.values() for key, _ in checks]
NAMES = [name for names in switch.TICKS.values() for name in names]


def live(instance: dg.DagsterInstance, at: datetime) -> None:
    """Let everything prove itself at a moment."""
    beat(instance, at)
    for name in NAMES:
        tick(instance, name, at)
    for key, _ in switch.MADE.values():
        make(instance, key, at)
    for each in CHECKS:
        check(instance, each, at)


def shown(instance: dg.DagsterInstance, at: datetime) -> str:
    """Tick the switch; return what its tick shows."""
    context = dg.build_sensor_context(instance=instance, resources={"link": LinkResource()})
    with time_machine.travel(at, tick=False):
        skipped = switch.dead_mans_switch(context)
    assert isinstance(skipped, dg.SkipReason)
    return str(skipped.skip_message)


def test_while_all_is_well_a_sign_goes_out_each_minute(
    instance: dg.DagsterInstance, service: Service
) -> None:
    live(instance, NOW)

    for minute in range(3):
        assert shown(instance, NOW + timedelta(minutes=minute)) == "A sign of life was sent."
    assert service.signs == 3


def test_a_new_installation_that_has_proven_nothing_sends_no_sign(
    instance: dg.DagsterInstance, service: Service
) -> None:
    said = shown(instance, NOW)

    assert said.startswith("No sign of life was sent. Not proven: ")
    assert all(f"{flow}: " in said for flow in ("orders", "despatches", "stock", "alerts"))
    assert service.signs == 0


def test_without_an_address_nothing_is_sent(
    instance: dg.DagsterInstance, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(instance, NOW)
    monkeypatch.delenv("DEAD_MANS_SWITCH_URL")

    assert "DEAD_MANS_SWITCH_URL is not set" in shown(instance, NOW)
    assert service.signs == 0


def test_after_total_death_a_page_comes_within_a_quarter_of_an_hour(
    instance: dg.DagsterInstance, service: Service
) -> None:
    """Nothing ticks any more, the switch's own sensor included: the service waits in vain."""
    live(instance, NOW)
    shown(instance, NOW)
    last_sign = NOW

    dies_at = NOW + timedelta(seconds=switch.EACH_MINUTE)
    paged_at = last_sign + PAGED_AFTER

    assert service.signs == 1
    assert paged_at - dies_at <= timedelta(minutes=15)


def test_if_only_the_switch_outlives_the_rest_signs_stop_within_five_minutes(
    instance: dg.DagsterInstance, service: Service
) -> None:
    live(instance, NOW)

    for minute in range(20):
        shown(instance, NOW + timedelta(minutes=minute))

    assert service.signs == switch.TICKED_WITHIN // timedelta(minutes=1) + 1
    assert timedelta(minutes=15) >= switch.TICKED_WITHIN + PAGED_AFTER


LATER = NOW + timedelta(minutes=1)


@pytest.mark.parametrize("key", CHECKS, ids=lambda key: key.name)
def test_any_one_check_that_fails_stops_the_signs_and_is_named(
    instance: dg.DagsterInstance, service: Service, key: dg.AssetCheckKey
) -> None:
    live(instance, NOW)
    check(instance, key, LATER, passed=False)

    said = shown(instance, LATER)

    assert said.partition("Not proven: ")[2].partition(": ")[2] == f"{key.name.replace('_', ' ')}."
    assert service.signs == 0


@pytest.mark.parametrize("name", NAMES)
def test_any_one_sensor_or_schedule_that_fails_stops_the_signs_and_is_named(
    instance: dg.DagsterInstance, service: Service, name: str
) -> None:
    live(instance, NOW)
    tick(instance, name, LATER, TickStatus.FAILURE)

    said = shown(instance, LATER)

    assert said.partition("Not proven: ")[2].partition(": ")[2] == f"{name} ticks."
    assert service.signs == 0


@pytest.mark.parametrize(
    ("minutes", "doubts"),
    [
        (29, []),
        (31, ["orders: whistl/order_submissions", "every confirmed order", "every clock"]),
        (46, ["stock is recent", "every alert reaches", "orders arrive", "despatches arrive"]),
        (136, ["despatches: centra/shipments is up to date"]),
    ],
)
def test_a_proof_does_not_last_for_ever(
    instance: dg.DagsterInstance, minutes: int, doubts: list[str]
) -> None:
    live(instance, NOW)
    at = NOW + timedelta(minutes=minutes)
    for name in NAMES:
        tick(instance, name, at)
    beat(instance, at)

    said = shown(instance, at)

    assert [doubt for doubt in doubts if doubt not in said] == []
    assert (said == "A sign of life was sent.") is not bool(doubts)


def test_a_service_that_refuses_the_sign_fails_the_tick_without_showing_the_address(
    instance: dg.DagsterInstance, service: Service
) -> None:
    live(instance, NOW)
    service.status = 404

    with pytest.raises(dg.Failure) as caught:
        shown(instance, NOW)

    assert "answered with HTTP 404. Check DEAD_MANS_SWITCH_URL" in str(caught.value.description)
    assert "secret" not in str(caught.value.description)


# ---- Dagster's daemons
def test_a_daemon_of_dagster_that_has_stopped_is_red_and_stops_the_signs(
    instance: dg.DagsterInstance, service: Service
) -> None:
    live(instance, NOW)
    silent = NOW + timedelta(seconds=observed.HEARTBEAT_SECONDS + 1)
    for name in NAMES:
        tick(instance, name, silent)

    (alive,) = observed.daemons(instance, NOW)
    (stopped,) = observed.daemons(instance, silent)

    assert not alive.is_red
    assert stopped.is_red
    assert stopped.title == "Dagster's daemon SENSOR, which has stopped"
    assert "Dagster's daemon SENSOR runs" in shown(instance, silent)
    assert service.signs == 0
