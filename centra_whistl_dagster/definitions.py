"""All that Dagster is to know: a table of contents. What a thing does is told where it is made."""

import dagster as dg

from centra_whistl_dagster.defs.alerts import ALERTS
from centra_whistl_dagster.defs.assets import (
    history,
    operations,
    orders,
    reference,
    screening,
    stock,
    stock_reading,
)
from centra_whistl_dagster.defs.checks import business
from centra_whistl_dagster.defs.jobs import JOBS
from centra_whistl_dagster.defs.maintenance import purge_old_runs
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.defs.schedules import SCHEDULES
from centra_whistl_dagster.defs.sensors import SENSORS


def build_defs(*, link: LinkResource | None = None) -> dg.Definitions:
    """Return fresh definitions; a test may bring its own connection."""
    return dg.Definitions(
        assets=[
            *reference.ASSETS,
            *orders.ASSETS,
            *screening.ASSETS,
            *stock_reading.ASSETS,
            *stock.ASSETS,
            *history.ASSETS,
            *operations.ASSETS,
        ],
        asset_checks=[*business.CHECKS, *reference.CHECKS],
        jobs=[*JOBS, purge_old_runs],
        sensors=[*SENSORS, *ALERTS],
        schedules=SCHEDULES,
        resources={"link": link or LinkResource()},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` loads."""
    return build_defs()
