"""Both systems' stock brought to one number per SKU, written where it differs, and compared.

Belongs here: what Dagster shows of it. Does not belong here: the readings it rests on
(`assets.stock_reading`), or any step of it (`workflows`).
"""

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.assets.stock_reading import GROUP
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.stock.reconciliation import (
    NothingToReconcile,
    Reconciliation,
    reconcile_stock,
)
from centra_whistl_dagster.workflows.stock.sync import publish_stock

OVERSOLD = "no_sku_is_oversold"
EXPLAINED = "divergence_is_explained"


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
)
def reconciled_availability(link: LinkResource) -> dg.MaterializeResult:
    """Work it out, and show what would be written."""
    with link.open() as opened:
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
            "looked_at_every": metadata.table(_by_interval(found)),
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
            "minutes": each,
            "SKUs": int((demand.minutes == each).sum()),
            "fastest": found.skus[int((demand.per_hour * (demand.minutes == each)).argmax())],
        }
        for each in sorted(set(demand.minutes.tolist()))
    ]


def _largest_buffers(found: Reconciliation) -> list[dict[str, object]]:
    demand = found.demand
    order = sorted(range(len(found.skus)), key=lambda at: -int(demand.buffer[at]))
    return [
        {
            "SKU": found.skus[at],
            "held back": int(demand.buffer[at]),
            "units an hour": f"{float(demand.per_hour[at]):.2f}",
            "looked at every": f"{int(demand.minutes[at])} min",
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
)
def centra_stock_updates(link: LinkResource) -> dg.MaterializeResult:
    """Write what differs."""
    with link.open() as opened:
        try:
            tally = publish_stock(opened)
        except NothingToReconcile as error:
            return dg.MaterializeResult(metadata={"nothing_to_do": str(error)})
    return dg.MaterializeResult(metadata=metadata.of_tally(tally))


@dg.asset(
    key=["stock", "divergence"],
    deps=[["centra", "stock_updates"]],
    group_name=GROUP,
    kinds={"parquet"},
    owners=["team:finance"],
    check_specs=[
        dg.AssetCheckSpec(
            OVERSOLD,
            asset=["stock", "divergence"],
            description="Nobody has bought what the warehouse does not have.",
        ),
        dg.AssetCheckSpec(
            EXPLAINED,
            asset=["stock", "divergence"],
            description="Every difference between the two systems' stock has a cause.",
        ),
    ],
    description=(
        "How far Centra's free stock is from the warehouse's, SKU by SKU, split into causes that "
        "add up to it: in flight, blocked, shipped and not completed, other channels, quarantine, "
        "buffer, stale, clamped, on one side only, unexplained."
    ),
)
def stock_divergence(link: LinkResource) -> dg.MaterializeResult:
    """Compare as the last pass left things."""
    with link.open() as opened:
        try:
            compared = measure_divergence(opened)
        except NothingToReconcile as error:
            return dg.MaterializeResult(
                metadata={"nothing_to_do": str(error)},
                check_results=[
                    dg.AssetCheckResult(
                        check_name=name,
                        passed=False,
                        severity=dg.AssetCheckSeverity.WARN,
                        description=f"Not known: {error}.",
                    )
                    for name in (OVERSOLD, EXPLAINED)
                ],
            )
    warn = dg.AssetCheckSeverity.WARN
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": compared.differing,
            "skus_compared": compared.skus,
            "units_by_cause": compared.units_by_cause,
            "unexplained": metadata.table(compared.unexplained),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=OVERSOLD,
                passed=not compared.oversold,
                severity=warn,
                metadata={"table": metadata.table(compared.oversold)},
            ),
            dg.AssetCheckResult(
                check_name=EXPLAINED,
                passed=not compared.unexplained,
                severity=warn,
                metadata={"table": metadata.table(compared.unexplained)},
            ),
        ],
    )


ASSETS = [reconciled_availability, centra_stock_updates, stock_divergence]
