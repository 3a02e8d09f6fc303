"""Both systems' stock brought to one number per SKU, written where it differs, and compared.

Does not belong here: the readings that this rests on (`stock_reading`), or any sum (`workflows`).
"""

from collections.abc import Mapping

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.assets.stock_reading import GROUP
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.history.stock_tables import Divergence, StockUpdates
from centra_whistl_dagster.workflows.stock.divergence import Compared, measure_divergence
from centra_whistl_dagster.workflows.stock.reconciliation import (
    NothingToReconcile,
    Reconciliation,
    reconcile_stock,
)
from centra_whistl_dagster.workflows.stock.sync import publish_stock

OVERSOLD = "no_sku_is_oversold"
EXPLAINED = "divergence_is_explained"
DIVERGENCE = dg.AssetKey(["stock", "divergence"])


@dg.asset(
    key=["stock", "reconciled_availability"],
    deps=[
        ["whistl", "stock_snapshot"],
        ["centra", "stock_levels"],
        ["whistl", "order_statuses"],
        ["stock", "sales_velocity"],
    ],
    group_name=GROUP,
    kinds={"duckdb", "pandas"},
    owners=["team:ecommerce"],
    description=(
        "What Centra should hold of each SKU: Whistl's available, plus our units that Whistl has "
        "set aside and Centra still counts, less what is gone or going, less a buffer. No term "
        "changes when a shopper orders."
    ),
    metadata=metadata.columns_of_table(
        StockUpdates,
        "sku",
        "from_physical",
        "whistl_available",
        "units_held",
        "units_left",
        "buffer",
        "to_physical",
    ),
)
def reconciled_availability(link: LinkResource) -> dg.MaterializeResult:
    """Work out the quantities, and show what would be written."""
    with link.open("stock/reconciled_availability") as opened:
        try:
            found = reconcile_stock(opened)
        except NothingToReconcile as error:
            return dg.MaterializeResult(metadata={"nothing_to_do": str(error)})
    steps, catalogue = found.catalogue.steps, found.catalogue
    both = catalogue.in_whistl & catalogue.in_centra
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(found.skus),
            "to_write": len(catalogue.to_write),
            "skus_on_one_side_only": int((~both).sum()),
            "oversold_units": int(steps.oversold[both].sum()),
            "snapshot": found.snapshot_id,
            "largest_changes": metadata.table(_largest_changes(found)),
            "is_over_every_sku": found.is_whole,
            "synced_every": metadata.table(_by_interval(found)),
            "largest_buffers": metadata.table(_largest_buffers(found)),
        }
    )


def _largest_changes(found: Reconciliation) -> list[dict[str, object]]:
    steps = found.catalogue.steps
    order = sorted(found.catalogue.to_write, key=lambda at: -abs(int(steps.change[at])))
    return [
        {
            "SKU": found.skus[at],
            "Whistl available": int(steps.warehouse.available[at]),
            "+ held": int(steps.ours.held[at]),
            "- left": int(steps.ours.left[at]),
            "- buffer": int(steps.buffer_used[at]),
            "= Centra should hold": int(steps.physical[at]),
            "Centra holds": int(steps.centra.physical[at]),
        }
        for at in order[:50]
    ]


def _by_interval(found: Reconciliation) -> list[dict[str, object]]:
    demand = found.demand
    return [
        {
            "minutes": minutes,
            "SKUs": int((demand.minutes == minutes).sum()),
            "fastest": found.skus[int((demand.per_hour * (demand.minutes == minutes)).argmax())],
        }
        for minutes in sorted(set(demand.minutes.tolist()))
    ]


def _largest_buffers(found: Reconciliation) -> list[dict[str, object]]:
    demand = found.demand
    order = sorted(range(len(found.skus)), key=lambda at: -int(demand.buffer[at]))
    return [
        {
            "SKU": found.skus[at],
            "held back": int(demand.buffer[at]),
            "units an hour": f"{float(demand.per_hour[at]):.2f}",
            "synced every": f"{int(demand.minutes[at])} min",
        }
        for at in order[:20]
        if demand.buffer[at]
    ]


@dg.asset(
    key=["centra", "stock_updates"],
    deps=[["stock", "reconciled_availability"]],
    group_name=GROUP,
    kinds={"graphql"},
    owners=["team:ecommerce"],
    description=(
        "Quantities written to Centra: only what differs, in batches, worked out once more just "
        "before writing, and read back. Never while shipments are being completed."
    ),
    metadata=metadata.columns_of_table(StockUpdates),
)
def centra_stock_updates(link: LinkResource) -> dg.MaterializeResult:
    """Write what differs."""
    with link.open("centra/stock_updates") as opened:
        try:
            tally = publish_stock(opened)
        except NothingToReconcile as error:
            return dg.MaterializeResult(metadata={"nothing_to_do": str(error)})
    return dg.MaterializeResult(metadata=metadata.of_tally(tally))


@dg.asset(
    key=DIVERGENCE,
    deps=[["centra", "stock_updates"]],
    group_name=GROUP,
    kinds={"parquet"},
    owners=["team:finance"],
    check_specs=[
        dg.AssetCheckSpec(
            OVERSOLD,
            asset=DIVERGENCE,
            description=(
                "Nobody has bought what the warehouse does not have. The table says of which SKUs "
                "too much was sold, who decides on the orders, and the time limit."
            ),
        ),
        dg.AssetCheckSpec(
            EXPLAINED,
            asset=DIVERGENCE,
            description=(
                "Every difference between the two systems' stock has a cause. Finance compares the "
                "SKUs in the table with both systems within a week; `divergence` in the history "
                "has each comparison."
            ),
        ),
    ],
    description=(
        "How far Centra's free stock is from the warehouse's, SKU by SKU, split into causes that "
        "add up to it: in flight, blocked, shipped and not completed, other channels, quarantine, "
        "buffer, stale, clamped, on one side only, unexplained."
    ),
    metadata=metadata.columns_of_table(Divergence),
)
def stock_divergence(link: LinkResource) -> dg.MaterializeResult:
    """Compare the two systems as the last sync left them."""
    with link.open("stock/divergence") as opened:
        try:
            compared = measure_divergence(opened)
        except NothingToReconcile as error:
            return _not_compared(str(error))
        kinds = opened.configuration.exception_kinds
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": compared.differing,
            "skus_compared": compared.skus,
            **{f"units_{cause}": units for cause, units in compared.units_by_cause.items()},
            "unexplained": metadata.table(compared.unexplained),
        },
        check_results=[_oversold(compared, kinds), _explained(compared)],
    )


def _not_compared(why: str) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"nothing_to_do": why},
        check_results=[
            dg.AssetCheckResult(
                check_name=name,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"Not known: {why}.",
            )
            for name in (OVERSOLD, EXPLAINED)
        ],
    )


def _oversold(
    compared: Compared, kinds: Mapping[ExceptionKind, Responsibility]
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=OVERSOLD,
        passed=not compared.oversold,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "oversold_skus": len(compared.oversold),
            "table": metadata.table(
                {**row, **metadata.whose(ExceptionKind.OVERSOLD, kinds)}
                for row in compared.oversold
            ),
        },
    )


def _explained(compared: Compared) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=EXPLAINED,
        passed=not compared.unexplained,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "unexplained_skus": len(compared.unexplained),
            "unexplained_units": compared.units_by_cause["unexplained"],
            "table": metadata.table(compared.unexplained),
        },
    )
