"""What Dagster's own records show: failed checks, late assets, ends of runs, ticks.

Belongs here: reading these as conditions, with every call that has no public replacement; which
runs they rest on. Does not belong here: what is alerted (`alerts.rules`), what an alert says of a
failure (`failure_details`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick, TickStatus

from centra_whistl_dagster.alerts.rules import Condition
from centra_whistl_dagster.defs import failure_details
from centra_whistl_dagster.defs.purposes import purpose_of
from centra_whistl_dagster.domain.exceptions.responsibilities import Severity

DATA = "data"
"""The team alerted when this project is at fault, rather than an order."""
OWNER = "owner"
"""The metadata by which a check names a team other than its asset's."""
FAILING_SECONDS = 60.0
"""A sensor ticks every few seconds; one that failed for less may have met a short outage."""
_TICKS = 25
HEARTBEAT_SECONDS = 300.0
"""A daemon notes every half minute that it lives, and later while it starts many runs."""
ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_QUEUED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
]
_ACTIVE = [*_QUEUED, dg.DagsterRunStatus.STARTED]
_JOB = "job "


def is_queued(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Return whether a run of the job has been asked for and has not begun its work."""
    return _is_there(instance, job_name, _QUEUED)


def is_active(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Return whether a run of the job is queued or running."""
    return _is_there(instance, job_name, _ACTIVE)


def _is_there(
    instance: dg.DagsterInstance, job_name: str, statuses: list[dg.DagsterRunStatus]
) -> bool:
    chosen = dg.RunsFilter(job_name=job_name, statuses=statuses)
    return bool(instance.get_run_records(chosen, limit=1))


def colours_of_checks(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[Condition]:
    """Return the colour of each check that has one; a check being evaluated has none for now."""
    graph = repository.asset_graph
    seen = (_colour(instance, key, owner=_owner(graph, key)) for key in graph.asset_check_keys)
    return [condition for condition in seen if condition is not None]


def _colour(instance: dg.DagsterInstance, key: dg.AssetCheckKey, *, owner: str) -> Condition | None:
    record = instance.get_latest_asset_check_evaluation_record(key)
    if record is None:
        return None
    asset = key.asset_key.to_user_string()
    sentence = key.name.replace("_", " ")
    name = f"check {asset} {key.name}"
    evaluation = record.evaluation
    if isinstance(evaluation, dg.AssetCheckEvaluation):
        return Condition(
            name=name,
            title=f"The check '{sentence}' of {asset}",
            owner=owner,
            is_red=not evaluation.passed,
            detail=f"It is no longer true that {sentence}. {_reason(evaluation)}".strip(),
            severity=_severity(evaluation),
        )
    # Planned, and not evaluated: under way, or its run ended before it came to the check.
    run = instance.get_run_by_id(record.run_id)
    if run is not None and not run.is_finished:
        return None
    return Condition(
        name=name,
        title=f"The check '{sentence}' of {asset} never ran",
        owner=DATA,
        is_red=True,
        detail=f"Run {record.run_id[:8]} ended before it came to the check.",
    )


def _severity(evaluation: dg.AssetCheckEvaluation) -> Severity:
    is_error = evaluation.severity is dg.AssetCheckSeverity.ERROR
    return Severity.URGENT if is_error else Severity.WARNING


def _reason(evaluation: dg.AssetCheckEvaluation) -> str:
    """Return the evaluation's counts and sentence; tables stay on the web page."""
    counts = [
        f"{name.replace('_', ' ')}: {value.value}"
        for name, value in evaluation.metadata.items()
        if isinstance(value, dg.IntMetadataValue)
    ]
    figures = f"({', '.join(counts)})" if counts else ""
    # A line of its own: a long sentence is cut, and the counts must not be.
    return f"{figures}\n{evaluation.description or ''}".strip("\n")


def _owner(graph: AssetGraph, key: dg.AssetCheckKey) -> str:
    """Return the check's own owner where it names one, else its asset's."""
    named = graph.get_check_spec(key).metadata.get(OWNER)
    return str(named) if named else _team(graph.get(key.asset_key).owners)


def _team(owners: Sequence[str]) -> str:
    teams = [owner.removeprefix("team:") for owner in owners if owner.startswith("team:")]
    return teams[0] if teams else DATA


def late_assets(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[Condition]:
    """Return whether each asset keeps its freshness policy.

    An asset that was never made is not late: a new installation begins with all of them so.
    """
    promised = [
        node.key for node in repository.asset_graph.asset_nodes if node.freshness_policy is not None
    ]
    records = instance.get_freshness_state_records(promised)
    return [
        Condition(
            name=f"freshness {key.to_user_string()}",
            title=f"The asset {key.to_user_string()}, which is late",
            owner=DATA,
            is_red=record.freshness_state is FreshnessState.FAIL,
            detail=(
                "What it shows is older than promised.\n"
                "Cause: its job no longer runs or no longer succeeds.\n"
                "What to do: see Runs and Automation in Dagster."
            ),
        )
        for key, record in records.items()
    ]


def failed_run(context: dg.RunFailureSensorContext) -> Condition:
    """Return the failed run that this sensor was called for, as the colour of its job."""
    run = context.dagster_run
    purpose = purpose_of(run.job_name)
    return Condition(
        name=f"{_JOB}{run.job_name}",
        title=_title_of_job(run.job_name),
        owner=DATA,
        is_red=True,
        detail=failure_details.of_run(purpose, context),
        severity=purpose.severity,
    )


def ends_of_jobs(instance: dg.DagsterInstance, names: Iterable[str]) -> list[Condition]:
    """Return, for each job among these conditions, how its last run ended."""
    jobs = {name: name.removeprefix(_JOB) for name in names if name.startswith(_JOB)}
    return [
        Condition(
            name=name,
            title=_title_of_job(job_name),
            owner=DATA,
            is_red=run.status is not dg.DagsterRunStatus.SUCCESS,
        )
        for name, job_name in jobs.items()
        for run in _last_run(instance, job_name)
    ]


def daemons(instance: dg.DagsterInstance, now: datetime) -> list[Condition]:
    """Return whether each of Dagster's daemons that ever ran still does."""
    stopped = set(stopped_daemons(instance, now))
    return [
        Condition(
            name=f"daemon {name}",
            title=f"Dagster's daemon {name}, which has stopped",
            owner=DATA,
            is_red=name in stopped,
            detail="What it does is not done. Restart dagster-daemon, and read its log.",
        )
        for name in sorted(instance.get_daemon_heartbeats())
        if name in instance.get_required_daemon_types()
    ]


def stopped_daemons(instance: dg.DagsterInstance, now: datetime) -> list[str]:
    """Return the daemons that are needed, and whose last sign of life is minutes old."""
    beats = instance.get_daemon_heartbeats()
    return [
        name
        for name in instance.get_required_daemon_types()
        if name in beats and now.timestamp() - beats[name].timestamp > HEARTBEAT_SECONDS
    ]


def _last_run(instance: dg.DagsterInstance, job_name: str) -> Sequence[dg.DagsterRun]:
    """Return the job's last run that has ended, if there is one."""
    return instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=ENDED), limit=1)


def _title_of_job(job_name: str) -> str:
    return f"{purpose_of(job_name).does} (job {job_name})"


def runs_still_shown(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition) -> set[str]:
    """Return ids of the runs that web pages and alerts depend on, however old they are.

    They are the last run of each job, the latest of each asset and the latest of each check.
    Without its run an asset has no materializations to list, and a failed asset shows no failure.
    """
    last_runs = {run.run_id for name in repository.job_names for run in _last_run(instance, name)}
    assets = [record.asset_entry for record in instance.get_asset_records()]
    made = {
        entry.last_materialization_record.run_id
        for entry in assets
        if entry.last_materialization_record is not None
    }
    # A run that failed to materialize the asset is its latest, and is not in its materializations.
    tried = {entry.last_run_id for entry in assets if entry.last_run_id is not None}
    evaluated = {
        record.run_id
        for key in repository.asset_graph.asset_check_keys
        if (record := instance.get_latest_asset_check_evaluation_record(key)) is not None
    }
    return last_runs | made | tried | evaluated


def ticks(instance: dg.DagsterInstance, should_run: Mapping[str, bool]) -> list[Condition]:
    """Return which sensors and schedules fail at every tick, and which were stopped.

    Dagster shows both on its pages and notifies nobody.

    Args:
        instance: Dagster's records.
        should_run: by name, whether the code declares the sensor or schedule as running.
    """
    conditions = []
    for state in instance.all_instigator_state():
        if should_run.get(state.name):
            conditions.append(_of_stop(state))
        if state.name in should_run and state.is_running:
            conditions.append(_of_ticks(instance, state))
    return conditions


def _of_stop(state: InstigatorState) -> Condition:
    kind = state.instigator_type.value.lower()
    purpose = purpose_of(state.name)
    return Condition(
        name=f"{kind} {state.name} stopped",
        title=f"{purpose.does} ({kind} {state.name}, which somebody stopped)",
        owner=DATA,
        is_red=not state.is_running,
        detail=(
            f"{purpose.while_failing}\n"
            "Cause: somebody stopped it.\n"
            "What to do: start it again in Dagster, under Automation."
        ),
        severity=purpose.severity,
    )


def ended_ticks(instance: dg.DagsterInstance, state: InstigatorState) -> list[InstigatorTick]:
    """Return the newest ticks that are over, newest first."""
    found = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=_TICKS)
    return [tick for tick in found if tick.status is not TickStatus.STARTED]


def _of_ticks(instance: dg.DagsterInstance, state: InstigatorState) -> Condition:
    ended = ended_ticks(instance, state)
    failing = list(takewhile(lambda tick: tick.status is TickStatus.FAILURE, ended))
    kind = state.instigator_type.value.lower()
    lasts = failing[0].timestamp - failing[-1].timestamp if failing else 0.0
    purpose = purpose_of(state.name)
    return Condition(
        name=f"{kind} {state.name}",
        title=f"{purpose.does} ({kind} {state.name})",
        owner=DATA,
        is_red=bool(failing) and (kind == "schedule" or lasts >= FAILING_SECONDS),
        detail=failure_details.of_tick(purpose, failing[0]) if failing else "",
        severity=purpose.severity,
    )
