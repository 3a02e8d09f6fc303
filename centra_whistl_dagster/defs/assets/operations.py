"""What operations look at: exceptions with their owners, service levels, the daily brief."""

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.upkeep.brief import (
    daily_brief,
    open_exceptions,
    service_levels,
)
from centra_whistl_dagster.workflows.upkeep.retention import forget_old_orders, thin_archive

GROUP = "operations"


@dg.asset(
    key=["operations", "exceptions"],
    deps=[
        ["orders", "screened"],
        ["whistl", "order_submissions"],
        ["centra", "shipments"],
        ["centra", "stock_updates"],
    ],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:fulfilment"],
    description="Everything that is wrong now, with its owner and its clock.",
)
def operations_exceptions(link: LinkResource) -> dg.MaterializeResult:
    """List what is open."""
    with link.open() as opened:
        listed = open_exceptions(opened)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(listed), "open": metadata.table(listed)}
    )


@dg.asset(
    key=["operations", "service_levels"],
    deps=[["whistl", "order_submissions"], ["centra", "shipments"]],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:fulfilment"],
    description="How long orders took to reach Whistl, and despatches to reach Centra.",
)
def operations_service_levels(link: LinkResource) -> dg.MaterializeResult:
    """Measure the last day."""
    with link.open() as opened:
        measured = service_levels(opened)
    return dg.MaterializeResult(
        metadata={
            "orders_accepted": measured.seen_to_accepted.count,
            "seconds_to_accepted_p50": measured.seen_to_accepted.p50,
            "seconds_to_accepted_p95": measured.seen_to_accepted.p95,
            "parcels_completed": measured.despatched_to_completed.count,
            "seconds_to_completed_p50": measured.despatched_to_completed.p50,
            "seconds_to_completed_p95": measured.despatched_to_completed.p95,
            "orders_by_state": {state.value: n for state, n in measured.by_state.items()},
        }
    )


@dg.asset(
    key=["operations", "daily_brief"],
    deps=[["operations", "exceptions"], ["operations", "service_levels"]],
    group_name=GROUP,
    kinds={"markdown"},
    owners=["team:fulfilment"],
    description="The start of the day in a few sentences.",
)
def operations_daily_brief(link: LinkResource) -> dg.MaterializeResult:
    """Write the brief."""
    with link.open() as opened:
        return dg.MaterializeResult(metadata={"brief": dg.MetadataValue.md(daily_brief(opened))})


@dg.asset(
    key=["operations", "retention"],
    deps=[["whistl", "order_submissions"], ["centra", "shipments"]],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:data"],
    description=(
        "Contents of orders that ended long ago, removed from the ledger: names, addresses, phones "
        "and e-mails are kept nowhere else. What remains of an order names nobody. And stock as it "
        "was read long ago, once it is in the history."
    ),
)
def operations_retention(link: LinkResource) -> dg.MaterializeResult:
    """Forget."""
    with link.open() as opened:
        return dg.MaterializeResult(
            metadata={
                "orders_forgotten": forget_old_orders(opened),
                "stock_files_removed": thin_archive(opened),
            }
        )


ASSETS = [
    operations_retention,
    operations_exceptions,
    operations_service_levels,
    operations_daily_brief,
]
