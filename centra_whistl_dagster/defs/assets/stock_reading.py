"""Stock as both systems tell it, and how fast it moves: what a pass over stock begins with.

Belongs here: what Dagster shows of it. Does not belong here: what is made of it (`assets.stock`),
or any step of it (`workflows`).
"""

import dagster as dg
from pydantic import Field

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile, usable_snapshot
from centra_whistl_dagster.workflows.stock.sales_velocity import (
    Measured,
    count_demand,
    measure_velocity,
)
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot

GROUP = "stock"
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
        try:
            usable_snapshot(opened)
        except NothingToReconcile as error:
            return dg.MaterializeResult(metadata={"nothing_to_do": str(error)})
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


ASSETS = [whistl_stock_snapshot, centra_stock_levels, sales_velocity]
