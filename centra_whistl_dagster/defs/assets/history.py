"""The history: what happened to orders, stock and exceptions, and the copy that analysts open."""

from collections.abc import Iterable

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.history.columns import HistoryTable, columns_of
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.stock_tables import StockLevels
from centra_whistl_dagster.history.tables import Exceptions, Orders
from centra_whistl_dagster.workflows.upkeep import history

GROUP = "history"
POOL = "history"
"""One loader at a time: the live file lets a single process in."""


def _schema(model: type[HistoryTable]) -> dg.TableSchema:
    return metadata.columns(
        *((column.name, column.type, column.description) for column in columns_of(model))
    )


def _result(loads: Iterable[Load]) -> dg.MaterializeResult:
    loads = list(loads)
    return dg.MaterializeResult(
        metadata={
            "written": sum(load.written for load in loads),
            "unchanged": sum(load.unchanged for load in loads),
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
        }
    )


@dg.asset(
    key=["history", "orders"],
    deps=[["whistl", "order_submissions"], ["centra", "shipments"]],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    description=(
        "Orders, their lines and moves, despatches and parcels, as DuckDB tables. No personal "
        "data: no name, address, phone, e-mail or tracking number ever comes here."
    ),
    metadata={"dagster/column_schema": _schema(Orders), "dagster/table_name": "history.orders"},
)
def history_orders(link: LinkResource) -> dg.MaterializeResult:
    """Load what is new."""
    with link.open() as opened:
        return _result(history.load_orders(opened, history.open_history(opened)))


@dg.asset(
    key=["history", "stock"],
    deps=[["whistl", "stock_snapshot"], ["centra", "stock_updates"]],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    description=(
        "Whistl's stock over time, kept as changes, and every quantity written to Centra with "
        "the sum that led to it."
    ),
    metadata={
        "dagster/column_schema": _schema(StockLevels),
        "dagster/table_name": "history.stock_levels",
    },
)
def history_stock(link: LinkResource) -> dg.MaterializeResult:
    """Load what is new."""
    with link.open() as opened:
        return _result(history.load_stock(opened, history.open_history(opened)))


@dg.asset(
    key=["history", "exceptions"],
    deps=[["orders", "screened"], ["whistl", "order_submissions"], ["centra", "shipments"]],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    description="Every exception: its kind, owner, clock, and when it was mended.",
    metadata={
        "dagster/column_schema": _schema(Exceptions),
        "dagster/table_name": "history.exceptions",
    },
)
def history_exceptions(link: LinkResource) -> dg.MaterializeResult:
    """Load what is new."""
    with link.open() as opened:
        return _result(history.load_exceptions(opened, history.open_history(opened)))


@dg.asset(
    key=["analytics", "published"],
    deps=[["history", "orders"], ["history", "stock"], ["history", "exceptions"]],
    group_name=GROUP,
    kinds={"duckdb"},
    owners=["team:data"],
    pool=POOL,
    description=(
        "The copy of the history that analysts open with any DuckDB client, for as long as they "
        "like: replaced in one step, and an open one stops nothing."
    ),
)
def analytics_published(link: LinkResource) -> dg.MaterializeResult:
    """Put a new copy in the place of the old."""
    with link.open() as opened:
        publication = history.publish_history(opened, history.open_history(opened))
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(publication.path)),
            "size_bytes": publication.size_bytes,
        }
    )


ASSETS = [history_orders, history_stock, history_exceptions, analytics_published]
