"""What runs by the clock. A tick that has nothing to do says why and launches nothing."""

from collections.abc import Mapping

import dagster as dg

from centra_whistl_dagster.defs import observed
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
from centra_whistl_dagster.domain.stock.cadence import StockSync
from centra_whistl_dagster.workflows.reference.refresh import is_due
from centra_whistl_dagster.workflows.stock.cadence_record import decide_and_record

RUNNING = dg.DefaultScheduleStatus.RUNNING
PARTIAL_SYNC = [
    dg.AssetKey(["whistl", "order_statuses"]),
    stock_reading.whistl_stock_snapshot.key,
    stock_reading.centra_stock_levels.key,
    stock_reading.sales_velocity.key,
    stock.reconciled_availability.key,
    stock.centra_stock_updates.key,
]
"""A sync of some SKUs. The two systems are compared after a full sync alone."""


@dg.schedule(
    job=sync_stock,
    cron_schedule="* * * * *",
    execution_timezone=LONDON.key,
    default_status=RUNNING,
    description="Decides every minute whether a stock sync is due, and says why when it is not.",
)
def stock_on_cadence(
    context: dg.ScheduleEvaluationContext, link: LinkResource
) -> dg.RunRequest | dg.SkipReason:
    """Decide by what Whistl has published and how fast stock moves."""
    if observed.is_active(context.instance, sync_stock.name):
        return dg.SkipReason("The last sync has not finished.")
    with link.open("stock_on_cadence") as opened:
        decision = decide_and_record(opened)
    if decision.does is StockSync.NONE:
        return dg.SkipReason(decision.reason)
    # A tick that asks for a run shows no sentence of its own; its log and the run's tag do.
    context.log.info(decision.reason)
    tags = {"reason": decision.reason}
    if decision.does is StockSync.FULL:
        return dg.RunRequest(tags=tags)
    scope = {"ops": {"centra__stock_levels": {"config": {"within_minutes": decision.minutes}}}}
    return dg.RunRequest(tags=tags, run_config=scope, asset_selection=PARTIAL_SYNC)


@dg.schedule(
    job=refresh_reference,
    cron_schedule="*/5 * * * *",
    execution_timezone=LONDON.key,
    default_status=RUNNING,
    description="Re-reads catalogues and services when they were last read half an hour ago.",
)
def reference_when_old(
    context: dg.ScheduleEvaluationContext, link: LinkResource
) -> dg.RunRequest | dg.SkipReason:
    """Re-read before orders are screened against old lists."""
    if observed.is_active(context.instance, refresh_reference.name):
        return dg.SkipReason("The last refresh has not finished.")
    with link.open("reference_when_old") as opened:
        if is_due(opened):
            return dg.RunRequest()
    return dg.SkipReason("The reference data is fresh.")


def _always(
    name: str,
    job_name: str,
    cron: str,
    description: str,
    ops: Mapping[str, object] | None = None,
) -> dg.ScheduleDefinition:
    """Return a schedule that launches its job at every tick."""
    return dg.ScheduleDefinition(
        name=name,
        job_name=job_name,
        cron_schedule=cron,
        execution_timezone=LONDON.key,
        default_status=RUNNING,
        description=description,
        run_config={"ops": ops} if ops else None,
    )


def _sweep(op: str) -> dict[str, object]:
    return {op: {"config": {"is_sweep": True}}}


BY_THE_CLOCK = [
    _always(
        "sweep_of_orders",
        relay_orders.name,
        "*/10 * * * *",
        "Reads every open order whatever its date: finds what reading by time missed.",
        _sweep("centra__orders"),
    ),
    _always(
        "sweep_of_despatches",
        relay_despatches.name,
        "7 * * * *",
        "Re-reads the last few hundred despatches: finds one that arrived late.",
        _sweep("whistl__despatches"),
    ),
    _always(
        "balance_every_five_minutes",
        watch_the_balance.name,
        "*/5 * * * *",
        "Finds orders that are confirmed in Centra and never arrive here.",
    ),
    _always(
        "operations_every_ten_minutes",
        watch_operations.name,
        "*/10 * * * *",
        "Lists the open exceptions, measures the service levels, checks that alerts are delivered "
        "and that the stock in use is recent.",
    ),
    _always(
        "history_every_two_minutes",
        publish_history.name,
        "*/2 * * * *",
        "Loads the history and publishes the analysts' copy.",
    ),
    _always(
        "daily_brief_at_seven",
        daily_operations.name,
        "0 7 * * *",
        "Writes the daily brief from fresh figures, on Mondays the weekly one, and deletes what is "
        "past its retention.",
    ),
    _always(
        "purge_every_hour",
        purge_old_runs.name,
        # Small portions, at a minute at which nothing else but the cadence of stock begins.
        "23 * * * *",
        "Deletes old runs, so that Dagster's storage stops growing.",
    ),
]
