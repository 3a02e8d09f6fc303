"""The history: what happened to orders, stock and exceptions, and the copy that analysts open."""

from collections.abc import Iterable, Sequence

import dagster as dg

from centra_whistl_dagster.defs import freshness, metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.stock_tables import StockLevels
from centra_whistl_dagster.history.tables import Exceptions, Orders
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster.workflows.upkeep.history_archive import files_not_loaded
from centra_whistl_dagster.workflows.upkeep.history_measurements import load_measurements

GROUP = "history"
POOL = "history"
"""One loader at a time: the live file lets a single process in."""
EVERY_READING = "every_reading_is_loaded"


def _result(
    loads: Iterable[Load], checks: Sequence[dg.AssetCheckResult] = ()
) -> dg.MaterializeResult:
    loads = list(loads)
    return dg.MaterializeResult(
        check_results=checks,
        metadata={
            "written": sum(load.written for load in loads),
            "unchanged": sum(load.unchanged for load in loads),
            "skipped": sum(load.skipped for load in loads),
            "failed": sum(load.failed for load in loads),
            "by_table": metadata.table(
                {
                    "table": load.table_name,
                    "read": load.read,
                    "written": load.written,
                    "unchanged": load.unchanged,
                    "skipped": load.skipped,
                    "failed": load.failed,
                }
                for load in loads
            ),
        },
    )


@dg.asset(
    key=["history", "order_history"],
    deps=[["whistl", "order_submissions"], ["centra", "shipments"]],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    freshness_policy=freshness.HISTORY,
    description=(
        "Orders, their lines and state changes, what held them up, despatches and parcels, and the "
        "calls made for them, as DuckDB tables. No "
        "personal data: no name, address, phone, e-mail or tracking number is ever loaded."
    ),
    metadata={**metadata.columns_of_table(Orders), "dagster/table_name": "history.orders"},
)
def order_history(link: LinkResource) -> dg.MaterializeResult:
    """Load what is new."""
    with link.open("history/order_history") as opened:
        file = history.open_history(opened)
        return _result([*history.load_orders(opened, file), *load_measurements(opened, file)])


@dg.asset(
    key=["history", "stock_history"],
    deps=[["whistl", "stock_snapshot"], ["centra", "stock_updates"]],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    freshness_policy=freshness.HISTORY,
    description=(
        "Whistl's stock over time, kept as changes, and every quantity written to Centra with "
        "the sum that led to it."
    ),
    metadata={
        **metadata.columns_of_table(StockLevels),
        "dagster/table_name": "history.stock_levels",
    },
    check_specs=[
        dg.AssetCheckSpec(
            EVERY_READING,
            asset=["history", "stock_history"],
            description=(
                "Every archived reading of stock is in the history. The data team restores a file "
                "that is named here from a backup, or deletes it to go without that reading."
            ),
        )
    ],
)
def stock_history(link: LinkResource) -> dg.MaterializeResult:
    """Load what is new."""
    with link.open("history/stock_history") as opened:
        live = history.open_history(opened)
        loads = history.load_stock(opened, live)
        missing = files_not_loaded(live)
    check = dg.AssetCheckResult(
        check_name=EVERY_READING,
        passed=not missing,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "files": metadata.table(
                {"file": file, "problem": problem} for file, problem in missing.items()
            )
        }
        if missing
        else {},
    )
    return _result(loads, [check])


@dg.asset(
    key=["history", "exception_history"],
    deps=[
        ["orders", "screened_orders"],
        ["whistl", "order_submissions"],
        ["centra", "shipments"],
    ],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    freshness_policy=freshness.HISTORY,
    description="Every exception: its kind, its owner, its time limit, and when it was fixed.",
    metadata={**metadata.columns_of_table(Exceptions), "dagster/table_name": "history.exceptions"},
)
def exception_history(link: LinkResource) -> dg.MaterializeResult:
    """Load what is new."""
    with link.open("history/exception_history") as opened:
        return _result(history.load_exceptions(opened, history.open_history(opened)))


@dg.asset(
    key=["analytics", "published_history"],
    deps=[
        ["history", "order_history"],
        ["history", "stock_history"],
        ["history", "exception_history"],
    ],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    freshness_policy=freshness.HISTORY,
    description=(
        "The copy of the history that analysts open with any DuckDB client, for as long as they "
        "like: it is replaced in one step, and an open copy blocks nothing."
    ),
)
def published_history(link: LinkResource) -> dg.MaterializeResult:
    """Replace the published copy with a new one."""
    with link.open("analytics/published_history") as opened:
        publication = history.publish_history(opened, history.open_history(opened))
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(publication.path)),
            "size_bytes": publication.size_bytes,
        }
    )
