"""Old runs are deleted with all their files; what pages show and alerts depend on stays.

On a real Dagster instance with SQLite in a folder, as `make dev` has it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.test_utils import create_run_for_test

from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.maintenance import purge

NOW = datetime(2030, 6, 1, 12, 23, tzinfo=UTC)
SUCCESS = dg.DagsterRunStatus.SUCCESS
FAILURE = dg.DagsterRunStatus.FAILURE
CANCELED = dg.DagsterRunStatus.CANCELED


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def age(instance: dg.DagsterInstance, *run_ids: str, days: float = 400) -> None:
    """Make runs look as if they ended that many days ago."""
    ended_at = (NOW - timedelta(days=days)).replace(tzinfo=None)
    chosen = RunsTable.update().where(RunsTable.c.run_id.in_(run_ids))
    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    with storage.connect() as connection:
        connection.execute(chosen.values(update_timestamp=ended_at))


def run_of(
    instance: dg.DagsterInstance,
    job_name: str = "relay_orders",
    *,
    status: dg.DagsterRunStatus = SUCCESS,
    days: float = 400,
) -> str:
    """Create a run of that age in the list of runs, and return its id."""
    run: dg.DagsterRun = create_run_for_test(instance, job_name=job_name, status=status)
    age(instance, run.run_id, days=days)
    return run.run_id


def left(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


@pytest.mark.parametrize(
    ("job_name", "status", "days", "stays"),
    [
        ("relay_orders", SUCCESS, 2.9, True),
        ("relay_orders", SUCCESS, 3.1, False),
        ("sync_stock", SUCCESS, 3.1, False),
        ("publish_history", SUCCESS, 3.1, False),
        ("watch_the_balance", SUCCESS, 3.1, False),
        ("purge_old_runs", SUCCESS, 3.1, False),
        ("relay_orders", FAILURE, 29.9, True),
        ("relay_orders", FAILURE, 30.1, False),
        ("relay_orders", CANCELED, 29.9, True),
        ("relay_orders", CANCELED, 30.1, False),
        ("daily_operations", SUCCESS, 29.9, True),
        ("daily_operations", SUCCESS, 30.1, False),
        ("started by hand", SUCCESS, 29.9, True),
        ("started by hand", SUCCESS, 30.1, False),
        ("relay_orders", dg.DagsterRunStatus.STARTED, 400, True),
        ("relay_orders", dg.DagsterRunStatus.NOT_STARTED, 400, True),
        ("relay_orders", dg.DagsterRunStatus.CANCELING, 400, True),
    ],
)
def test_a_run_stays_as_long_as_somebody_may_need_it(
    instance: dg.DagsterInstance,
    job_name: str,
    status: dg.DagsterRunStatus,
    days: float,
    stays: bool,
) -> None:
    run_of(instance, job_name, status=status, days=days)

    deleted = purge(instance, keep=set(), now=NOW)

    assert deleted == ({} if stays else {job_name: 1})
    assert bool(instance.get_runs()) is stays


@dg.op
def speak() -> None:
    """Do something that is noted."""


@dg.job(name="relay_orders", executor_def=dg.in_process_executor)
def relay() -> None:
    speak()


def places(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    return list(Path(instance.root_directory).rglob(f"*{run_id}*"))


def test_a_deleted_run_leaves_no_file_behind_and_touches_no_other_run(
    instance: dg.DagsterInstance,
) -> None:
    old, young = (relay.execute_in_process(instance=instance).run_id for _ in range(2))
    age(instance, old)
    age(instance, young, days=1)
    events = Path(instance.root_directory) / "history" / "runs"
    logs = Path(instance.storage_directory())
    for run_id in (old, young):
        (events / f"{run_id}.db-shm").touch()
        assert list((logs / run_id / "compute_logs").iterdir())
    before = {path.relative_to(instance.root_directory) for path in places(instance, young)}
    assert len(before) == len(places(instance, old)) == 3

    purge(instance, keep=set(), now=NOW)

    assert places(instance, old) == []
    after = {path.relative_to(instance.root_directory) for path in places(instance, young)}
    assert after == before
    assert instance.get_run_stats(young).steps_succeeded == 1


def test_files_of_a_run_are_deleted_even_if_its_log_is_kept_elsewhere() -> None:
    elsewhere = {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
    with dg.instance_for_test(overrides={"compute_logs": elsewhere}) as instance:
        run_id = run_of(instance)
        (Path(instance.storage_directory()) / run_id / "files").mkdir(parents=True)

        purge(instance, keep=set(), now=NOW)

        assert places(instance, run_id) == []


def test_one_execution_deletes_a_portion_and_the_next_deletes_more(
    instance: dg.DagsterInstance,
) -> None:
    relays = [run_of(instance) for _ in range(3)]
    daily = run_of(instance, "daily_operations")
    keep = {run_of(instance, days=1)}

    assert purge(instance, keep=keep, now=NOW, at_most=2) == {"relay_orders": 2}
    assert left(instance) == {relays[2], daily} | keep
    assert purge(instance, keep=keep, now=NOW, at_most=2).total() == 2
    assert purge(instance, keep=keep, now=NOW, at_most=2).total() == 0


def test_runs_that_stay_for_ever_never_fill_the_portion(instance: dg.DagsterInstance) -> None:
    keep = {run_of(instance) for _ in range(4)}
    run_of(instance)

    assert purge(instance, keep=keep, now=NOW, at_most=1) == {"relay_orders": 1}
    assert left(instance) == keep


# ---- what pages show
IS_BROKEN = {"orders": False}


@dg.asset
def orders() -> None:
    if IS_BROKEN["orders"]:
        raise dg.Failure(description="Centra does not answer.")


@dg.asset
def parcels() -> None:
    """Something to check."""


@dg.asset_check(asset=parcels)
def every_parcel_is_whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def shown() -> dg.Definitions:
    everything = dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()
    return dg.Definitions(
        assets=[orders, parcels],
        asset_checks=[every_parcel_is_whole],
        jobs=[
            dg.define_asset_job("relay_orders", everything),
            dg.define_asset_job("orders_alone", [orders]),
            dg.define_asset_job(
                "parcels_unchecked",
                dg.AssetSelection.assets(parcels) - dg.AssetSelection.all_asset_checks(),
            ),
            dg.define_asset_job("never_ran", [orders]),
        ],
        executor=dg.in_process_executor,
    )


def execute(instance: dg.DagsterInstance, job_name: str) -> str:
    job = shown().resolve_job_def(job_name)
    return job.execute_in_process(instance=instance, raise_on_error=False).run_id


def purge_as_the_job_does(instance: dg.DagsterInstance) -> None:
    keep = observed.runs_still_shown(instance, shown().get_repository_def())
    purge(instance, keep=keep, now=NOW)


def test_the_latest_of_each_asset_check_and_job_is_still_shown(
    instance: dg.DagsterInstance,
) -> None:
    names = ["relay_orders", "relay_orders", "parcels_unchecked", "orders_alone", "orders_alone"]
    names += ["parcels_unchecked"]
    first, checked, early, older, newest, latest = (execute(instance, name) for name in names)
    last_of_job = run_of(instance, "relay_orders")
    age(instance, first, checked, early, older, newest, latest)

    purge_as_the_job_does(instance)

    assert left(instance) == {checked, newest, latest, last_of_job}
    for asset, run_id in ((orders, newest), (parcels, latest)):
        (made,) = instance.fetch_materializations(asset.key, limit=1).records
        assert made.run_id == run_id
    record = instance.get_latest_asset_check_evaluation_record(every_parcel_is_whole.check_key)
    assert record is not None
    assert (record.run_id, record.status) == (checked, AssetCheckExecutionRecordStatus.SUCCEEDED)


def test_an_asset_that_failed_last_still_shows_as_failed(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = execute(instance, "orders_alone")
    with monkeypatch.context() as changed:
        changed.setitem(IS_BROKEN, "orders", True)
        failed = execute(instance, "orders_alone")
    last_of_job = run_of(instance, "orders_alone", days=1)
    age(instance, made, failed)

    purge_as_the_job_does(instance)

    assert left(instance) == {made, failed, last_of_job}


def test_how_a_job_ended_last_is_known_while_it_runs_again(instance: dg.DagsterInstance) -> None:
    run_of(instance, status=SUCCESS)
    ended = run_of(instance, status=FAILURE)
    running = run_of(instance, status=dg.DagsterRunStatus.STARTED)

    purge_as_the_job_does(instance)

    assert left(instance) == {ended, running}
    (end,) = observed.ends_of_jobs(instance, ["job relay_orders"])
    assert end.is_red


@dg.op
def delete_all(context: dg.OpExecutionContext) -> None:
    purge(context.instance, keep=set(), now=NOW)


@dg.job(name="purge_old_runs", executor_def=dg.in_process_executor)
def purge_everything() -> None:
    delete_all()


def test_a_failure_is_reported_once_whatever_was_deleted_before_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []

    @dg.run_failure_sensor(name="runs_failed", monitor_all_code_locations=True)
    def note(context: dg.RunFailureSensorContext) -> None:
        reported.append(context.dagster_run.run_id)

    def tick(cursor: str | None) -> str | None:
        context = dg.build_sensor_context(instance, cursor=cursor, definitions=shown())
        return note.evaluate_tick(context).cursor

    monkeypatch.setitem(IS_BROKEN, "orders", True)
    cursor = tick(tick(None))
    first = execute(instance, "orders_alone")
    cursor = tick(cursor)
    age(instance, first)
    purging = purge_everything.execute_in_process(instance=instance).run_id
    assert left(instance) == {purging}

    second = execute(instance, "orders_alone")
    tick(tick(cursor))

    assert reported == [first, second]


# ---- the job
def test_the_job_deletes_as_its_schedule_starts_it_and_says_how_many(
    instance: dg.DagsterInstance,
) -> None:
    _, newest = run_of(instance, days=4_000), run_of(instance, days=3_999)
    project = ReconstructableRepository.for_module("centra_whistl_dagster.definitions", "defs")

    with dg.execute_job(
        project.get_reconstructable_job("purge_old_runs"), instance=instance
    ) as result:
        (output,) = result.filter_events(lambda event: event.is_successful_output)

    assert left(instance) == {newest, result.run_id}
    reported = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert reported == {"deleted": 1, "deleted: relay_orders": 1}
