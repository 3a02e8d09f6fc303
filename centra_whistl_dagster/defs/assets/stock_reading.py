"""Stock as both systems report it, and how fast it moves: what a stock sync begins with.

Does not belong here: what is made of it (`stock`).
"""

from collections.abc import Mapping

import dagster as dg
from pydantic import Field

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.history.stock_tables import CentraLevels, StockLevels
from centra_whistl_dagster.workflows.stock.age import age_of_stock_in_use
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.levels_needed import skus_to_read
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile, usable_snapshot
from centra_whistl_dagster.workflows.stock.sales_velocity import (
    Measured,
    count_demand,
    measure_velocity,
)
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot

GROUP = "stock"
FRESH = "snapshot_is_fresh_and_complete"
SNAPSHOT = dg.AssetKey(["whistl", "stock_snapshot"])


@dg.asset(
    key=SNAPSHOT,
    group_name=GROUP,
    kinds={"rest", "parquet"},
    owners=["team:fulfilment"],
    check_specs=[
        dg.AssetCheckSpec(
            FRESH,
            asset=SNAPSHOT,
            description=(
                "The newest snapshot can be used. While it is refused, Centra keeps the last good "
                "figures; the metadata say why, who decides whether to release it, and the time "
                "limit."
            ),
        )
    ],
    description=(
        "Whistl's newest stock snapshot, read to the end and judged: a stale, truncated, empty or "
        "absurd one goes to quarantine, and Centra keeps the last good figures."
    ),
    metadata=metadata.columns_of_table(
        StockLevels, "sku", "on_hand", "allocated", "quarantined", "available"
    ),
)
def whistl_stock_snapshot(link: LinkResource) -> dg.MaterializeResult:
    """Read the newest snapshot, unless it was read before."""
    with link.open("whistl/stock_snapshot") as opened:
        read = read_latest_snapshot(opened)
        kinds = opened.configuration.exception_kinds
        link_to_feeds = metadata.at_desk(opened.settings, "/feeds")
    return dg.MaterializeResult(
        metadata={
            **link_to_feeds,
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
                metadata={} if read.is_accepted else _what_to_do(read.reason, kinds),
            )
        ],
    )


@dg.asset_check(
    asset=SNAPSHOT,
    description=(
        "The stock that syncs use may still be written to Centra. While it is too old, whatever "
        "the reason, Centra keeps its figures and goes on selling by them. Fulfilment asks Whistl "
        "for a new feed; the data team checks that Whistl can be reached and that sync_stock runs."
    ),
)
def stock_is_recent_enough(link: LinkResource) -> dg.AssetCheckResult:
    """Check the age of the stock in use; no sync runs while Whistl publishes nothing."""
    with link.open("stock_is_recent_enough") as opened:
        age = age_of_stock_in_use(opened)
        kinds = opened.configuration.exception_kinds
    if age is None:
        return dg.AssetCheckResult(passed=True, description="No stock has been used yet.")
    return dg.AssetCheckResult(
        passed=not age.is_too_old,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "minutes_old": round(age.minutes),
            "taken_at": dg.MetadataValue.timestamp(age.taken_at),
            **(_what_to_do(str(age), kinds) if age.is_too_old else {}),
        },
    )


AGE_OF_STOCK = stock_is_recent_enough.check_key


def _what_to_do(why_refused: str, kinds: Mapping[ExceptionKind, Responsibility]) -> dict[str, str]:
    whose = metadata.whose(ExceptionKind.STOCK_SNAPSHOT_REFUSED, kinds)
    return {"why_refused": why_refused, **whose}


class StockScope(dg.Config):
    """How much of the stock a sync covers."""

    within_minutes: int | None = Field(
        default=None,
        description=(
            "Only SKUs that must be synced this often or more often, in minutes. Empty: every SKU."
        ),
    )


@dg.asset(
    key=["centra", "stock_levels"],
    deps=[["whistl", "stock_snapshot"]],
    group_name=GROUP,
    kinds={"graphql", "parquet"},
    owners=["team:ecommerce"],
    description="What Centra holds of each SKU in the Whistl warehouse, and has allocated.",
    metadata=metadata.columns_of_table(CentraLevels, "sku", "physical", "allocated", "free"),
)
def centra_stock_levels(config: StockScope, link: LinkResource) -> dg.MaterializeResult:
    """Read the levels that this sync covers."""
    with link.open("centra/stock_levels") as opened:
        try:
            usable_snapshot(opened)
        except NothingToReconcile as error:
            return dg.MaterializeResult(metadata={"nothing_to_do": str(error)})
        count = read_centra_levels(
            opened,
            within_minutes=config.within_minutes,
            skus=skus_to_read(opened, config.within_minutes),
        )
    return dg.MaterializeResult(metadata={"dagster/row_count": count})


@dg.asset(
    key=["stock", "sales_velocity"],
    deps=[["whistl", "stock_snapshot"], ["whistl", "order_statuses"], ["centra", "orders"]],
    group_name=GROUP,
    kinds={"parquet"},
    owners=["team:ecommerce"],
    description=(
        "How fast each SKU sells, recent sales weighing more: what Centra sees, and what leaves "
        "Whistl without it. SKUs with few sales borrow from all SKUs together; how far sales come "
        "in clumps is measured, not assumed."
    ),
    metadata=metadata.columns(
        ("sku", "string", "SKU"),
        ("seen_units", "number", "Units in Centra's order lines, older ones weighing less"),
        ("unseen_units", "number", "Units gone from Whistl that our orders do not explain"),
        ("hours", "number", "Hours counted, older ones weighing less"),
    ),
)
def sales_velocity(link: LinkResource) -> dg.MaterializeResult:
    """Carry the counts forward to the newest snapshot."""
    with link.open("stock/sales_velocity") as opened:
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
