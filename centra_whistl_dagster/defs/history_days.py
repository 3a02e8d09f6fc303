"""A job that loads one day into the history again, chosen as a partition in the UI."""

from datetime import UTC, date, datetime

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.assets.history import POOL
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster.workflows.upkeep.history_of_day import load_day

DAYS = dg.DailyPartitionsDefinition(
    start_date=datetime(2025, 1, 1, tzinfo=UTC), timezone="UTC", end_offset=1
)
"""Today among them. Loading a day before the installation began changes nothing."""


@dg.op(
    out=dg.Out(dg.Nothing),
    pool=POOL,
    description=(
        "Loads one day again, as the ledger and the archived readings of stock have it. Fails, and "
        "leaves the day's stock as it is, where readings have been removed by retention."
    ),
)
def load_day_again(context: dg.OpExecutionContext, link: LinkResource) -> None:
    """Load the day of the run's partition, and report what became of the rows."""
    day = date.fromisoformat(context.partition_key)
    with link.open("load_history_day") as opened:
        loads = load_day(opened, history.open_history(opened), day)
    context.add_output_metadata(
        {
            "by_table": metadata.table(
                {
                    "table": load.table_name,
                    "read": load.read,
                    "written": load.written,
                    "unchanged": load.unchanged,
                    "failed": load.failed,
                }
                for load in loads
            )
        }
    )


@dg.job(
    partitions_def=DAYS,
    executor_def=dg.in_process_executor,
    description="Load one day into the history again; the next publication shows it.",
)
def load_history_day() -> None:
    """One step."""
    load_day_again()
