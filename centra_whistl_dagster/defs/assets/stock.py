"""Stock: read from both sides, brought to one number per SKU, and written where it differs."""

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.stock_snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock_sync import (
    NothingToReconcile,
    Reconciliation,
    publish_stock,
    read_centra_levels,
    reconcile_stock,
)

GROUP = "stock"


@dg.asset(
    key=["whistl", "stock_snapshot"],
    group_name=GROUP,
    kinds={"rest", "parquet"},
    owners=["team:fulfilment"],
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
def centra_stock_levels(link: LinkResource) -> dg.MaterializeResult:
    """Read all levels."""
    with link.open() as opened:
        return dg.MaterializeResult(metadata={"dagster/row_count": read_centra_levels(opened)})


@dg.asset(
    key=["stock", "reconciled_availability"],
    deps=[["whistl", "stock_snapshot"], ["centra", "stock_levels"], ["whistl", "order_statuses"]],
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


ASSETS = [
    whistl_stock_snapshot,
    centra_stock_levels,
    reconciled_availability,
    centra_stock_updates,
]
