"""The units that are launched. They run in one process: a process a step costs more than the work."""

import dagster as dg

ORDERS_FLOW = "orders"
DESPATCHES_FLOW = "despatches"


def _job(
    name: str, assets: list[str], description: str, *, flow: str | None = None
) -> dg.unresolved_asset_job_definition.UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        description=description,
        executor_def=dg.in_process_executor,
        run_tags={"centra_whistl/relay": flow} if flow else None,
    )
