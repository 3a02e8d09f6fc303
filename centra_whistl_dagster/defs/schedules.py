"""What runs by the clock. A tick that has nothing to do says why and launches nothing."""

import dagster as dg

from centra_whistl_dagster.defs.assets import stock, stock_reading
from centra_whistl_dagster.defs.jobs import (
    daily_operations,
    publish_history,
    refresh_reference,
    relay_despatches,
    relay_orders,
    sync_stock,
    watch_operations,
    watch_the_balance,
)
from centra_whistl_dagster.defs.maintenance import purge_old_runs
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.cadence import Pass
from centra_whistl_dagster.workflows.reference.refresh import is_due
from centra_whistl_dagster.workflows.stock.cadence import decide_stock_pass

DUE_PASS = [
    dg.AssetKey(["whistl", "order_statuses"]),
    *(asset.key for asset in stock_reading.ASSETS),
    stock.reconciled_availability.key,
    stock.centra_stock_updates.key,
]
"""A pass over some SKUs: the two systems are compared when every SKU has been passed over."""
RUNNING = dg.DefaultScheduleStatus.RUNNING

_ACTIVE = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def _is_active(context: dg.ScheduleEvaluationContext, job_name: str) -> bool:
    active = dg.RunsFilter(job_name=job_name, statuses=_ACTIVE)
    return bool(context.instance.get_run_records(active, limit=1))


@dg.schedule(
    job=sync_stock,
    cron_schedule="* * * * *",
    execution_timezone=LONDON.key,
    default_status=RUNNING,
    description="Looks every minute whether stock should be passed over now, and says why not.",
)
def stock_on_cadence(
    context: dg.ScheduleEvaluationContext, link: LinkResource
) -> dg.RunRequest | dg.SkipReason:
    """Decide by what Whistl has published and how fast stock moves."""
    if _is_active(context, sync_stock.name):
        return dg.SkipReason("The last pass has not finished.")
    with link.open() as opened:
        decision = decide_stock_pass(opened)
    if decision.does is Pass.NONE:
        return dg.SkipReason(decision.reason)
    # A tick that asks for a run shows no sentence of its own; its log and the run's tag do.
    context.log.info(decision.reason)
    tags = {"reason": decision.reason}
    if decision.does is Pass.FULL:
        return dg.RunRequest(tags=tags)
    scope = {"ops": {"centra__stock_levels": {"config": {"within_minutes": decision.minutes}}}}
    return dg.RunRequest(tags=tags, run_config=scope, asset_selection=DUE_PASS)


@dg.schedule(
    job=refresh_reference,
    cron_schedule="*/5 * * * *",
    execution_timezone=LONDON.key,
    default_status=RUNNING,
    description="Reads catalogues and services again when the last reading has grown old.",
)
def reference_when_old(
    context: dg.ScheduleEvaluationContext, link: LinkResource
) -> dg.RunRequest | dg.SkipReason:
    """Read again in time for nothing to be judged by old lists."""
    if _is_active(context, refresh_reference.name):
        return dg.SkipReason("The last reading has not finished.")
    with link.open() as opened:
        if is_due(opened):
            return dg.RunRequest()
    return dg.SkipReason("The reference data is fresh.")


@dg.schedule(
    job=relay_orders,
    cron_schedule="*/10 * * * *",
    execution_timezone=LONDON.key,
    default_status=RUNNING,
    description="Reads every open order whatever its date: finds what reading by time missed.",
)
def sweep_of_orders() -> dg.RunRequest:
    """Ask for a relay that reads everything open."""
    return dg.RunRequest(
        run_config=dg.RunConfig(ops={"centra__orders": {"config": {"is_sweep": True}}})
    )


@dg.schedule(
    job=relay_despatches,
    cron_schedule="7 * * * *",
    execution_timezone=LONDON.key,
    default_status=RUNNING,
    description="Reads the last few hundred despatches again: finds one that came late.",
)
def sweep_of_despatches() -> dg.RunRequest:
    """Ask for a relay that reads back."""
    return dg.RunRequest(
        run_config=dg.RunConfig(ops={"whistl__despatches": {"config": {"is_sweep": True}}})
    )


def _always(name: str, job, cron: str, why: str):
    """Return a schedule that launches its job each time: the job itself finds what there is."""
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=LONDON.key,
        default_status=RUNNING,
        description=why,
    )


history_every_two_minutes = _always(
    "history_every_two_minutes",
    publish_history,
    "*/2 * * * *",
    "Loads the history and publishes the analysts' copy.",
)

balance_every_five_minutes = _always(
    "balance_every_five_minutes",
    watch_the_balance,
    "*/5 * * * *",
    "Looks for orders that are confirmed in Centra and never arrive here.",
)

operations_every_ten_minutes = _always(
    "operations_every_ten_minutes",
    watch_operations,
    "*/10 * * * *",
    "Draws up the exceptions list and the service levels.",
)

daily_brief_at_seven = _always(
    "daily_brief_at_seven",
    daily_operations,
    "0 7 * * *",
    "Draws up the exceptions list, the service levels and the daily brief.",
)

purge_every_hour = _always(
    "purge_every_hour",
    purge_old_runs,
    # Small portions, at a minute at which nothing else but the cadence of stock begins.
    "23 * * * *",
    "Deletes old runs, so that Dagster's storage stops growing.",
)

SCHEDULES = [
    stock_on_cadence,
    reference_when_old,
    sweep_of_orders,
    sweep_of_despatches,
    balance_every_five_minutes,
    operations_every_ten_minutes,
    history_every_two_minutes,
    daily_brief_at_seven,
    purge_every_hour,
]
