"""What keeps Dagster's own storage from growing: runs that nobody needs any more are deleted.

The project's own records have their own retention (`workflows.upkeep.retention`), and so have ticks
(`retention` in `dagster.yaml`).
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.jobs import (
    publish_history,
    relay_despatches,
    relay_orders,
    sync_stock,
    watch_operations,
    watch_the_balance,
)

PURGE = "purge_old_runs"
OFTEN = [
    relay_orders.name,
    relay_despatches.name,
    sync_stock.name,
    publish_history.name,
    watch_operations.name,
    watch_the_balance.name,
    PURGE,
]
"""Jobs that run every few seconds to every hour, and make nearly all of the storage."""
DAYS_OF_SUCCESS_OFTEN = 3
"""Over a long weekend: on Tuesday morning Saturday's runs are still there to compare with."""
DAYS_OF_REST = 30
"""A failure is investigated within a month; until then its steps and its log can be read."""
AT_MOST = 2_000
"""Runs that one execution deletes, in about a minute; hourly, many times what a busy day makes."""


def purge(
    instance: dg.DagsterInstance, *, keep: Set[str], now: datetime, at_most: int = AT_MOST
) -> Counter[str]:
    """Delete old finished runs with their files, the oldest of each kind first.

    Call it from a run. If the newest event of all were deleted, SQLite would give its number to the
    next event, and a sensor that has read up to that number would never see it. The run under way
    has the newest event, and stays.

    Args:
        instance: where the runs are.
        keep: ids of runs that stay whatever their age.
        now: what ages are counted to.
        at_most: how many runs to delete; the next call deletes the rest.

    Returns:
        How many runs of each job were deleted.
    """
    deleted: Counter[str] = Counter()
    for old in _old(now):
        room = at_most - deleted.total()
        if not room:
            break
        # Runs that stay are among the oldest: counted in the limit, they would fill it one day.
        found = instance.get_run_records(old, limit=room + len(keep), ascending=True)
        runs = [record.dagster_run for record in found if record.dagster_run.run_id not in keep]
        for run in runs[:room]:
            _delete(instance, run.run_id)
            deleted[run.job_name] += 1
    return deleted


def _old(now: datetime) -> Iterator[dg.RunsFilter]:
    for job_name in OFTEN:
        yield dg.RunsFilter(
            job_name=job_name,
            statuses=[dg.DagsterRunStatus.SUCCESS],
            updated_before=now - timedelta(days=DAYS_OF_SUCCESS_OFTEN),
        )
    yield dg.RunsFilter(statuses=observed.ENDED, updated_before=now - timedelta(days=DAYS_OF_REST))


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run, its events, its log and its files.

    The run itself goes after its log: a purge that is killed between the two finds it again.
    """
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    files = Path(instance.storage_directory()) / run_id
    if files.is_dir():
        shutil.rmtree(files)
    instance.delete_run(run_id)
    events = instance.event_log_storage
    if isinstance(events, SqliteEventLogStorage):
        # It keeps a file for each run; Dagster empties the file and leaves it.
        file = Path(events.path_for_shard(run_id))
        for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
            file.with_name(name).unlink(missing_ok=True)


@dg.op(
    out=dg.Out(dg.Nothing),
    description=(
        f"Deletes successful runs of jobs that run often after {DAYS_OF_SUCCESS_OFTEN} days, all "
        f"others after {DAYS_OF_REST}; the last run of each asset, check and job stays."
    ),
)
def delete_old_runs(context: dg.OpExecutionContext) -> None:
    """Delete old runs, and report how many."""
    keep = observed.runs_still_shown(context.instance, context.repository_def)
    deleted = purge(context.instance, keep=keep, now=datetime.now(UTC))
    count = deleted.total()
    rest = " There may be more: the next run deletes them." if count == AT_MOST else ""
    context.log.info("%s old runs deleted.%s", count, rest)
    by_job = {f"deleted: {job_name}": number for job_name, number in deleted.items()}
    context.add_output_metadata({"deleted": count, **by_job})


@dg.job(
    name=PURGE,
    executor_def=dg.in_process_executor,
    description="Delete old runs, so that Dagster's storage stops growing.",
)
def purge_old_runs() -> None:
    """One step."""
    delete_old_runs()
