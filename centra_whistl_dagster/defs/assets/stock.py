"""Stock: read from both sides, brought to one number per SKU, and written where it differs.

Belongs here: what Dagster shows of it. Does not belong here: any step of it (`workflows`).
"""

import dagster as dg
from pydantic import Field

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.sales_velocity import (
    Measured,
    count_demand,
    measure_velocity,
)
from centra_whistl_dagster.workflows.stock_divergence import measure_divergence
from centra_whistl_dagster.workflows.stock_reconciliation import (
    NothingToReconcile,
    Reconciliation,
    read_centra_levels,
    reconcile_stock,
)
from centra_whistl_dagster.workflows.stock_snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock_sync import publish_stock

GROUP = "stock"
OVERSOLD = "no_sku_is_oversold"
EXPLAINED = "divergence_is_explained"
FRESH = "snapshot_is_fresh_and_complete"


@dg.asset(
    key=["whistl", "stock_snapshot"],
    group_name=GROUP,
    kinds={"rest", "parquet"},
    owners=["team:fulfilment"],
    check_specs=[
        dg.AssetCheckSpec(
            FRESH,
            asset=["whistl", "stock_snapshot"],
            description="The newest snapshot can be believed; a refused one waits in quarantine.",
        )
    ],
    description=(
        "Whistl's newest stock snapshot, read to the end and judged: a stale, short, empty or "
        "absurd one goes to quarantine, and Centra keeps the last good figures."
    ),
    metadata={
        "dagster/column_schema": metadata.columns(
            ("sku", "string", "SKU as Whistl spells it"),
            ("on_hand", "integer", "Units in the building, quarantined ones too"),
            ("allocated", "integer", "Units reserved for anybody's orders and still there"),
            ("quarantined", "integer", "Units that may not be sold"),
            ("available", "integer", "on_hand - allocated - quarantined; may be negative"),
        )
    },
)
def whistl_stock_snapshot(link: LinkResource) -> dg.MaterializeResult:
    """Read the newest snapshot, unless it was read before."""
    with link.open() as opened:
        read = read_latest_snapshot(opened)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": read.row_count,
            "snapshot": read.snapshot_id,
            "taken_at": dg.MetadataValue.timestamp(read.taken_at),
            "is_new": read.is_new,
            "is_accepted": read.is_accepted,
            "why_refused": read.reason or "-",
            "unusable_rows": read.bad_rows,
            "skus_absent": read.absent_skus,
        },
        data_version=dg.DataVersion(read.snapshot_id),
        check_results=[
            dg.AssetCheckResult(
                check_name=FRESH,
                passed=read.is_accepted,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"why_refused": read.reason or "-"},
            )
        ],
    )


class StockScope(dg.Config):
    """How much of the stock a pass is over."""

    within_minutes: int | None = Field(
        default=None,
        description=(
            "Only SKUs that need a pass this often or more often, in minutes. Empty: every SKU."
        ),
    )


@dg.asset(
    key=["centra", "stock_levels"],
    deps=[["whistl", "stock_snapshot"]],
    group_name=GROUP,
    kinds={"graphql", "parquet"},
    owners=["team:ecommerce"],
    description="What Centra holds of each SKU in the Whistl warehouse, and has allocated.",
    metadata={
        "dagster/column_schema": metadata.columns(
            ("sku", "string", "SKU as Centra spells it"),
            ("product_size_id", "integer", "Centra's id of the size"),
            ("physical", "integer", "Units Centra believes are there"),
            ("allocated", "integer", "Units promised to orders"),
            ("free", "integer", "Units the shop may sell: physical - allocated"),
        )
    },
)
def centra_stock_levels(config: StockScope, link: LinkResource) -> dg.MaterializeResult:
    """Read the levels that this pass is over."""
    with link.open() as opened:
        count = read_centra_levels(opened, within_minutes=config.within_minutes)
    return dg.MaterializeResult(metadata={"dagster/row_count": count})


@dg.asset(
    key=["stock", "sales_velocity"],
    deps=[["whistl", "stock_snapshot"], ["whistl", "order_statuses"], ["centra", "orders"]],
    group_name=GROUP,
    kinds={"parquet"},
    owners=["team:ecommerce"],
    description=(
        "How fast each SKU sells, recent sales weighing more: what Centra sees, and what leaves "
        "Whistl without it. Sparse SKUs lean on the whole; clumping is measured, not assumed."
    ),
    metadata={
        "dagster/column_schema": metadata.columns(
            ("sku", "string", "SKU"),
            ("seen_units", "number", "Units in Centra's order lines, old ones weighing less"),
            ("unseen_units", "number", "Units gone from Whistl that our orders do not explain"),
            ("hours", "number", "Hours counted, old ones weighing less"),
        )
    },
)
def sales_velocity(link: LinkResource) -> dg.MaterializeResult:
    """Carry the counts forward to the newest snapshot."""
    with link.open() as opened:
        counted = count_demand(opened)
        if counted is None:
            return dg.MaterializeResult(metadata={"nothing_to_do": "no usable snapshot yet"})
        measured = measure_velocity(opened, counted.skus)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(counted.skus),
            "counted_until": dg.MetadataValue.timestamp(counted.until),
            "fastest": metadata.table(_fastest(counted.skus, measured)),
        }
    )


def _fastest(skus: list[str], measured: Measured | None) -> list[dict[str, object]]:
    if measured is None:
        return []
    speed = measured.velocity
    order = sorted(range(len(skus)), key=lambda at: -float(speed.per_hour[at]))
    return [
        {
            "SKU": skus[at],
            "units an hour": f"{float(speed.per_hour[at]):.2f}",
            "of which Centra does not see": f"{float(speed.unseen_per_hour[at]):.2f}",
            "clumping": f"{float(speed.dispersion[at]):.1f}",
        }
        for at in order[:20]
    ]


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
                    dg.AssetCheckResult(check_name=name, passed=True)
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


ASSETS = [
    whistl_stock_snapshot,
    centra_stock_levels,
    sales_velocity,
    stock_divergence,
    reconciled_availability,
    centra_stock_updates,
]
