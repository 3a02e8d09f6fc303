"""The sensors that notify people, on a real Dagster instance with real events."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import time_machine
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
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
from dagster._utils.error import serializable_error_info_from_exc_info

from centra_whistl_dagster.alerts.rules import GREEN_LASTS, Condition
from centra_whistl_dagster.defs import alerts as sensors
from centra_whistl_dagster.defs import freshness, observed, purposes
from centra_whistl_dagster.defs.assets.operations import ACCEPTED, DELIVERED, alert_outbox
from centra_whistl_dagster.defs.purposes import Purpose
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.launching.dagster_processes import free_port
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.tables import alerts, watched
from centra_whistl_dagster.workflows.exceptions.watching import note_conditions

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as running:
        yield running


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, inbox: Inbox) -> Iterator[Ledger]:
    for name, value in {
        "CENTRA_BASE_URL": "http://127.0.0.1:9",
        "CENTRA_TOKEN": "centra-test-token",
        "WHISTL_BASE_URL": "http://127.0.0.1:9",
        "WHISTL_TOKEN": "whistl-test-token",
        "WHISTL_CLIENT_CODE": "ACME",
        "WHISTL_LOOK_UP_LAG_SECONDS": "30",
        "WHISTL_SITE": "SW",
        "STATE_DIR": str(tmp_path),
        "CONFIG_DIR": str(PROJECT / "config"),
        "ALERT_DATA_URL": inbox.web_url("data"),
        "ALERT_CX_URL": inbox.mail_url("cx"),
    }.items():
        monkeypatch.setenv(name, value)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with closing(Ledger(url, now=lambda: datetime.now(UTC))) as opened:
        yield opened


@pytest.fixture(autouse=True)
def known_purposes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what the jobs and sensors of these tests are for."""
    sending = Purpose(does="Sending orders to Whistl", while_failing="New orders wait.")
    watching = Purpose(does="Watching the parcels", while_failing="Parcels wait.")
    known = {**purposes.PURPOSES, "send": sending, "watched": watching}
    monkeypatch.setattr(purposes, "PURPOSES", known)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


IS_GOOD = {"value": True}


@dg.asset(owners=["team:cx"])
def parcels() -> None:
    """Something to check."""


@dg.asset_check(asset=parcels)
def every_parcel_is_whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=IS_GOOD["value"],
        severity=dg.AssetCheckSeverity.WARN,
        description="Parcel 7 is open.",
        metadata={"failures": 3, "table": dg.MetadataValue.md("| Ada Lovelace |")},
    )


@dg.asset
def broken() -> None:
    raise dg.Failure(description="Whistl, create_order: no answer.")


@dg.asset
def surprising() -> None:
    raise ValueError("Ada Lovelace, 12 High Street")


def definitions() -> dg.Definitions:
    return dg.Definitions(
        assets=[parcels, broken, surprising],
        asset_checks=[every_parcel_is_whole],
        jobs=[dg.define_asset_job("send", [broken]), dg.define_asset_job("guess", [surprising])],
    )


def tick(instance: dg.DagsterInstance) -> None:
    context = dg.build_sensor_context(
        instance=instance, definitions=definitions(), resources={"link": LinkResource()}
    )
    sensors.checks_changed(context)


def evaluate(instance: dg.DagsterInstance, *, is_good: bool) -> None:
    IS_GOOD["value"] = is_good
    dg.materialize([parcels, every_parcel_is_whole], instance=instance)


def alerted(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.reading() as tx:
        query = sa.select(alerts.c.owner, alerts.c.title).order_by(alerts.c.id)
        return [tuple(row) for row in tx.execute(query)]


def bodies(ledger: Ledger) -> str:
    with ledger.reading() as tx:
        return "\n".join(tx.execute(sa.select(alerts.c.body)).scalars())


def let_green_last(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.update(watched).values(last_red_at=ledger.now() - GREEN_LASTS))


def test_the_owner_of_an_asset_hears_that_its_check_failed_and_that_it_passes_again(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    title = "The check 'every parcel is whole' of parcels"
    tick(instance)
    assert alerted(ledger) == []

    evaluate(instance, is_good=False)
    tick(instance)
    tick(instance)

    assert alerted(ledger) == [("cx", f"Failing, warning: {title}")]
    assert "(failures: 3)\nParcel 7 is open.\n" in bodies(ledger)
    assert "Ada" not in bodies(ledger)

    evaluate(instance, is_good=True)
    let_green_last(ledger)
    tick(instance)

    assert alerted(ledger)[1:] == [("cx", f"Resolved: {title}")]


def test_the_data_team_hears_of_a_check_that_never_ran(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    @dg.asset(
        name="parcels",
        check_specs=[dg.AssetCheckSpec("every_parcel_is_whole", asset="parcels")],
    )
    def dies() -> dg.MaterializeResult:  # type: ignore[type-arg]  # refused by Dagster
        raise ValueError

    dg.materialize([dies], instance=instance, raise_on_error=False)
    tick(instance)

    assert alerted(ledger) == [
        ("data", "Failing, urgent: The check 'every parcel is whole' of parcels never ran")
    ]


def test_a_check_that_is_being_evaluated_alerts_nobody(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    @dg.asset(
        name="parcels",
        check_specs=[dg.AssetCheckSpec("every_parcel_is_whole", asset="parcels")],
    )
    def ticks(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # refused by Dagster
        tick(context.instance)
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])

    assert dg.materialize([ticks], instance=instance).success
    assert alerted(ledger) == []


def fail(instance: dg.DagsterInstance, job_name: str) -> dg.RunFailureSensorContext:
    job = definitions().resolve_job_def(job_name)
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    return dg.build_run_status_sensor_context(
        sensor_name="runs_failed",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        resources={"link": LinkResource()},
    ).for_run_failure()


def test_a_job_that_fails_again_and_again_is_alerted_once_with_its_reason(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    for _ in range(3):
        sensors.runs_failed(fail(instance, "send"))

    assert alerted(ledger) == [("data", "Failing, urgent: Sending orders to Whistl (job send)")]
    title, *said = bodies(ledger).splitlines()
    assert title == "Sending orders to Whistl (job send)"
    assert said[0] == "New orders wait."
    assert said[1] == "Cause, in broken: Whistl, create_order: no answer."
    assert said[2].startswith("What to do: correct what the cause names. It is started again")


def test_only_the_class_of_an_unexpected_error_is_alerted(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    sensors.runs_failed(fail(instance, "guess"))

    assert "Cause, in surprising: an unexpected error, ValueError." in bodies(ledger)
    assert "What to do: open the run in Dagster" in bodies(ledger)
    assert "Ada" not in bodies(ledger)


def test_a_job_that_works_again_is_alerted(instance: dg.DagsterInstance, ledger: Ledger) -> None:
    sensors.runs_failed(fail(instance, "send"))
    tick(instance)
    let_green_last(ledger)
    tick(instance)
    assert len(alerted(ledger)) == 1

    @dg.job(name="send")
    def fixed() -> None: ...

    fixed.execute_in_process(instance=instance)
    let_green_last(ledger)
    tick(instance)

    assert alerted(ledger)[1:] == [("data", "Resolved: Sending orders to Whistl (job send)")]


def send(instance: dg.DagsterInstance) -> str | None:
    """Tick the sensor that sends; return what its tick shows."""
    context = dg.build_sensor_context(instance=instance, resources={"link": LinkResource()})
    skipped = sensors.alerts_waiting(context)
    assert isinstance(skipped, dg.SkipReason)
    return skipped.skip_message


def test_the_outbox_reaches_the_teams(
    instance: dg.DagsterInstance, ledger: Ledger, inbox: Inbox
) -> None:
    watch = [
        Condition(name=f"check {team}", title=f"For {team}", owner=team, is_red=True)
        for team in ("cx", "data")
    ]
    note_conditions(ledger, watch)

    assert send(instance) == "2 alerts sent."
    assert send(instance) == "No alert is waiting."
    assert inbox.counts_by_team() == {"cx": 1, "data": 1}


def test_alerts_go_out_while_the_configuration_is_broken(
    instance: dg.DagsterInstance, ledger: Ledger, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFIG_DIR", "/nowhere")
    watch = Condition(name="sensor a", title="A sensor", owner="data", is_red=True)
    note_conditions(ledger, [watch])

    assert send(instance) == "1 alert sent."
    assert inbox.counts_by_team() == {"data": 1}


@pytest.mark.parametrize("name", ["CENTRA_TOKEN", "WHISTL_TOKEN"])
def test_alerts_go_out_while_a_secret_is_missing(
    instance: dg.DagsterInstance,
    ledger: Ledger,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.delenv(name)
    note_conditions(ledger, [Condition(name="a", title="A sensor", owner="data", is_red=True)])
    tick(instance)
    sensors.runs_failed(fail(instance, "send"))

    assert send(instance) == "2 alerts sent."
    assert inbox.counts_by_team() == {"data": 2}


def test_a_faulty_address_of_one_channel_keeps_no_alert_from_the_others(
    instance: dg.DagsterInstance, ledger: Ledger, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_MERCHANDISING_URL", "not an address")
    note_conditions(ledger, [Condition(name="a", title="A sensor", owner="data", is_red=True)])

    assert send(instance) == "1 alert sent."
    assert inbox.counts_by_team() == {"data": 1}


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/ledger.db", "postgresql://a:secret@127.0.0.1:1/x", "mysql://x"]
)
def test_a_ledger_that_cannot_be_opened_is_alerted_directly_and_once_an_hour(
    instance: dg.DagsterInstance,
    ledger: Ledger,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    monkeypatch.setenv("LEDGER_URL", url)
    started_at = datetime.now(UTC)

    def send_at(minutes: int, cursor: str | None) -> str | None:
        context = dg.build_sensor_context(
            instance=instance, resources={"link": LinkResource()}, cursor=cursor
        )
        with time_machine.travel(started_at + timedelta(minutes=minutes)):
            result = sensors.alerts_waiting(context)
        assert isinstance(result, dg.SensorResult)
        return result.cursor

    cursor = send_at(0, None)
    with pytest.raises(dg.Failure, match=r"ledger|LEDGER_URL"):
        send_at(59, cursor)
    once = inbox.counts_by_team()
    send_at(61, cursor)

    assert once == {"data": 1}
    assert inbox.counts_by_team() == {"data": 2}
    assert not any("secret" in str(message) for message in inbox.received)
    with pytest.raises(dg.Failure, match=r"ledger|LEDGER_URL"):
        tick(instance)


def test_a_ledger_that_cannot_be_opened_is_tried_again_at_once_while_no_channel_answers(
    instance: dg.DagsterInstance, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_URL", "sqlite:////nowhere/ledger.db")
    monkeypatch.setenv("ALERT_DATA_URL", f"json://127.0.0.1:{free_port()}")

    with pytest.raises(dg.Failure, match="Nobody was alerted"):
        send(instance)


@pytest.fixture
def dead_channel(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the address of merchandising; cx is reached as before."""
    monkeypatch.setenv("ALERT_MERCHANDISING_URL", f"json://127.0.0.1:{free_port()}")
    watch = [
        Condition(name=f"check {team}", title=f"For {team}", owner=team, is_red=True)
        for team in ("cx", "merchandising")
    ]
    note_conditions(ledger, watch)


def test_a_tick_that_leaves_an_alert_unsent_fails_and_names_the_channel(
    dead_channel: None, instance: dg.DagsterInstance, inbox: Inbox
) -> None:
    with pytest.raises(dg.Failure) as first:
        send(instance)
    # The next attempt is not due yet, and the tick must still differ from one with nothing to do.
    with pytest.raises(dg.Failure) as second:
        send(instance)

    assert str(first.value.description).startswith("1 alert sent. Still unsent: 1 for merchandis")
    assert str(second.value.description).startswith("0 alerts sent. Still unsent: 1 for merchandis")
    assert inbox.counts_by_team() == {"cx": 1}


def evaluate_outbox(
    *, days_later: float = 0, check_name: str = DELIVERED
) -> dg.AssetCheckEvaluation:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days_later)):
        result = dg.materialize([alert_outbox], resources={"link": LinkResource()})
    (evaluation,) = (
        each for each in result.get_asset_check_evaluations() if each.check_name == check_name
    )
    return evaluation


def test_the_outbox_is_red_while_an_alert_does_not_reach_its_team(
    dead_channel: None, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(dg.Failure):
        send(instance)

    in_time, late = evaluate_outbox(), evaluate_outbox(days_later=1)

    assert in_time.passed
    assert not late.passed
    assert late.severity is dg.AssetCheckSeverity.ERROR
    assert late.metadata["channels_behind"].value == 1
    assert "| merchandising | 1 |" in str(late.metadata["table"].value)


def test_the_outbox_is_red_while_the_second_channel_replaces_one_that_does_not_answer(
    ledger: Ledger, instance: dg.DagsterInstance, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_FALLBACK_URL", inbox.web_url("second"))
    monkeypatch.setenv("ALERT_MERCHANDISING_URL", f"json://127.0.0.1:{free_port()}")
    watch = Condition(name="check a", title="A", owner="merchandising", is_red=True)
    note_conditions(ledger, [watch])
    started_at = datetime.now(UTC)
    for seconds in (0, 6):
        with (
            time_machine.travel(started_at + timedelta(seconds=seconds)),
            pytest.raises(dg.Failure),
        ):
            send(instance)
    with time_machine.travel(started_at + timedelta(seconds=20)):
        last = send(instance)

    delivered, replaced = evaluate_outbox(), evaluate_outbox(check_name=ACCEPTED)
    monkeypatch.setenv("ALERT_MERCHANDISING_URL", inbox.web_url("merchandising"))
    note_conditions(ledger, [replace(watch, name="check b")])
    send(instance)

    assert last == "1 alert sent."
    assert inbox.counts_by_team() == {"merchandising": 1, "second": 1}
    assert inbox.received[0].title == "For merchandising: Failing, urgent: A"
    assert delivered.passed
    assert not replaced.passed
    assert replaced.severity is dg.AssetCheckSeverity.ERROR
    assert "newest alert for: merchandising" in str(replaced.description)
    assert evaluate_outbox(check_name=ACCEPTED).passed


def test_the_outbox_warns_while_no_alert_address_is_set(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_DATA_URL")
    monkeypatch.delenv("ALERT_CX_URL")

    evaluation = evaluate_outbox()

    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert evaluation.description == "Nobody is notified: no alert address is set."


# ---- freshness
@dg.asset(owners=["team:cx"], freshness_policy=freshness.OPERATIONS)
def promised() -> None:
    """Something that must not grow old."""


def test_the_data_team_hears_of_an_asset_that_is_late_and_of_its_return(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    late = dg.Definitions(assets=[promised])

    def daemon_finds(state: FreshnessState) -> None:
        change = FreshnessStateChange(
            key=promised.key,
            new_state=state,
            previous_state=FreshnessState.UNKNOWN,
            state_change_timestamp=STARTED_AT,
        )
        instance._report_runless_asset_event(change)
        context = dg.build_sensor_context(
            instance=instance, definitions=late, resources={"link": LinkResource()}
        )
        sensors.checks_changed(context)

    for state in (FreshnessState.UNKNOWN, FreshnessState.PASS, FreshnessState.WARN):
        daemon_finds(state)
    assert alerted(ledger) == []

    daemon_finds(FreshnessState.FAIL)
    let_green_last(ledger)
    daemon_finds(FreshnessState.PASS)

    assert alerted(ledger) == [
        ("data", "Failing, urgent: The asset promised, which is late"),
        ("data", "Resolved: The asset promised, which is late"),
    ]


# ---- ticks
STARTED_AT = 1_800_000_000.0


def state_of(instance: dg.DagsterInstance, name: str, kind: InstigatorType) -> InstigatorState:
    origin = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=9, location_name="here")
    repository = RemoteRepositoryOrigin(origin, "__repository__")
    data = (
        SensorInstigatorData()
        if kind is InstigatorType.SENSOR
        else ScheduleInstigatorData("* * * * *", STARTED_AT)
    )
    return instance.add_instigator_state(
        InstigatorState(
            RemoteInstigatorOrigin(repository, name), kind, InstigatorStatus.RUNNING, data
        )
    )


@pytest.mark.parametrize(
    ("case", "status", "is_red"),
    [
        ("as the code declares", InstigatorStatus.DECLARED_IN_CODE, False),
        ("switched on by somebody", InstigatorStatus.RUNNING, False),
        ("stopped by somebody", InstigatorStatus.STOPPED, True),
    ],
)
@pytest.mark.parametrize("kind", [InstigatorType.SENSOR, InstigatorType.SCHEDULE])
def test_what_should_run_and_was_stopped_by_somebody_is_red(
    instance: dg.DagsterInstance,
    kind: InstigatorType,
    case: str,
    status: InstigatorStatus,
    is_red: bool,
) -> None:
    for name in ("watched", "stopped in the code"):
        state = state_of(instance, name, kind)
        instance.update_instigator_state(state.with_status(status))

    seen = observed.ticks(instance, {"watched": True, "stopped in the code": False})
    red = [condition for condition in seen if condition.is_red]

    assert [condition.title for condition in red] == (
        [f"Watching the parcels ({kind.value.lower()} watched, which somebody stopped)"]
        if is_red
        else []
    ), case


def test_the_data_team_hears_of_a_sensor_that_was_stopped_and_of_its_restart(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    @dg.sensor(job_name="send", default_status=dg.DefaultSensorStatus.RUNNING)
    def polls() -> None: ...

    def checked(status: InstigatorStatus) -> None:
        instance.update_instigator_state(state.with_status(status))
        context = dg.build_sensor_context(
            instance=instance,
            definitions=dg.Definitions(jobs=definitions().jobs, assets=[broken], sensors=[polls]),
            resources={"link": LinkResource()},
        )
        sensors.checks_changed(context)

    state = state_of(instance, "polls", InstigatorType.SENSOR)
    checked(InstigatorStatus.RUNNING)
    checked(InstigatorStatus.STOPPED)
    let_green_last(ledger)
    checked(InstigatorStatus.RUNNING)

    assert alerted(ledger) == [
        ("data", "Failing, urgent: The work of polls (sensor polls, which somebody stopped)"),
        ("data", "Resolved: The work of polls (sensor polls, which somebody stopped)"),
    ]


def ticked(
    instance: dg.DagsterInstance, state: InstigatorState, statuses: str, *, every: float
) -> None:
    """Record ticks, one for each letter: F for failed, S for skipped."""
    # As Dagster does: a failure that words an error, within an error of Dagster's own.
    failure = dg.Failure(description="Centra, OrderStamps: no answer.")
    failure.__cause__ = OSError("reset")
    with pytest.raises(dg.DagsterError) as caught:
        raise dg.DagsterError("Error in the sensor") from failure
    error = serializable_error_info_from_exc_info((caught.type, caught.value, caught.tb))
    for number, letter in enumerate(statuses):
        failed = letter == "F"
        instance.create_tick(
            TickData(
                instigator_origin_id=state.instigator_origin_id,
                selector_id=state.selector_id,
                instigator_name=state.name,
                instigator_type=state.instigator_type,
                status=TickStatus.FAILURE if failed else TickStatus.SKIPPED,
                timestamp=STARTED_AT + number * every,
                error=error if failed else None,
            )
        )


@pytest.mark.parametrize(
    ("case", "kind", "statuses", "every", "is_red"),
    [
        ("a sensor that works", InstigatorType.SENSOR, "SSS", 5, False),
        ("a sensor in a short outage", InstigatorType.SENSOR, "S" + "F" * 12, 5, False),
        ("a sensor in a long outage", InstigatorType.SENSOR, "S" + "F" * 13, 5, True),
        ("a sensor after an outage", InstigatorType.SENSOR, "F" * 20 + "S", 5, False),
        ("a schedule that failed", InstigatorType.SCHEDULE, "SF", 86_400, True),
        ("a schedule that worked", InstigatorType.SCHEDULE, "FS", 60, False),
    ],
)
def test_a_sensor_that_goes_on_failing_is_red_and_says_why(
    instance: dg.DagsterInstance,
    case: str,
    kind: InstigatorType,
    statuses: str,
    every: float,
    is_red: bool,
) -> None:
    ticked(instance, state_of(instance, "watched", kind), statuses, every=every)
    ticked(instance, state_of(instance, "of another project", kind), "F" * 20, every=every)

    is_stopped, seen = observed.ticks(instance, {"watched": True})

    assert not is_stopped.is_red
    assert seen.is_red is is_red, case
    cause = "Parcels wait.\nCause: Centra, OrderStamps: no answer.\nWhat to do: "
    assert seen.detail.startswith(cause) is (statuses[-1] == "F")
    assert seen.title == f"Watching the parcels ({kind.value.lower()} watched)"
