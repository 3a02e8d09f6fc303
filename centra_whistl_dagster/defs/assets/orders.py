"""The way of an order: from Centra to Whistl, and of its despatch back."""

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.orders.handover import hand_over
from centra_whistl_dagster.workflows.orders.intake import take_in_orders
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses
from centra_whistl_dagster.workflows.shipments.completion import complete_shipments
from centra_whistl_dagster.workflows.shipments.despatches import apply_despatches, pull_despatches

GROUP = "orders"


class IntakeConfig(dg.Config):
    """How to read Centra's orders."""

    is_sweep: bool = False
    """Read every open order whatever its date, to find what a change of dates hid."""


@dg.asset(
    key=["centra", "orders"],
    group_name=GROUP,
    kinds={"graphql"},
    owners=["team:fulfilment"],
    description=(
        "Confirmed orders of the shop, read by Centra's own time of change with an overlap, and "
        "whole every ten minutes. Each is kept once; a change in Centra brings it here again."
    ),
    metadata={
        "dagster/column_schema": metadata.columns(
            ("number", "integer", "Centra's order number"),
            ("state", "string", "Where the order stands; see the handbook for the states"),
            ("ordered_at", "timestamp", "When the shopper ordered"),
            ("centra_updated_at", "timestamp", "When Centra last touched it"),
            ("shipping_option", "string", "What the shopper chose"),
            ("country", "string", "Delivery country, ISO 3166-1 alpha-2"),
            ("grand_total", "decimal", "Gross, in the order's currency"),
        )
    },
)
def centra_orders(config: IntakeConfig, link: LinkResource) -> dg.MaterializeResult:
    """Take in what is new."""
    with link.open() as opened:
        tally = take_in_orders(opened, is_sweep=config.is_sweep)
    return dg.MaterializeResult(metadata=metadata.of_tally(tally))


@dg.asset(
    key=["whistl", "order_submissions"],
    deps=[["orders", "screened"]],
    group_name=GROUP,
    kinds={"rest"},
    owners=["team:fulfilment"],
    description=(
        "Orders handed to Whistl, each once: an intent is written before every call, and an order "
        "whose answer was lost is looked up before anything is sent again. Accepted orders are "
        "locked in Centra; cancelled ones are called back where Whistl still can."
    ),
)
def whistl_order_submissions(link: LinkResource) -> dg.MaterializeResult:
    """Settle what is in doubt, then send what is ready."""
    with link.open() as opened:
        done = hand_over(opened)
    return dg.MaterializeResult(
        metadata={
            **metadata.of_tally(done.sent),
            "looked_up": done.looked_up.read,
            "locked_in_centra": done.locked.written,
            "cancellations_passed_on": done.cancelled.written,
        }
    )


@dg.asset(
    key=["whistl", "order_statuses"],
    deps=[["whistl", "order_submissions"]],
    group_name=GROUP,
    kinds={"rest"},
    owners=["team:fulfilment"],
    description=(
        "What Whistl says of the orders it has: allocated, held, rejected, cancelled. When an "
        "order was allocated decides how its units count in the stock sum."
    ),
)
def whistl_order_statuses(link: LinkResource) -> dg.MaterializeResult:
    """Read the orders that Whistl changed."""
    with link.open() as opened:
        return dg.MaterializeResult(metadata=metadata.of_tally(follow_order_statuses(opened)))


class DespatchConfig(dg.Config):
    """How to read Whistl's despatches."""

    is_sweep: bool = False
    """Read the last few hundred again: a message that came late under an old number is found."""


@dg.asset(
    key=["whistl", "despatches"],
    deps=[["whistl", "order_submissions"]],
    group_name=GROUP,
    kinds={"rest"},
    owners=["team:fulfilment"],
    description=(
        "Despatch messages by sequence, each version kept once, matched to their orders. A parcel "
        "without a carrier, or that cannot be right, is held for a person."
    ),
)
def whistl_despatches(config: DespatchConfig, link: LinkResource) -> dg.MaterializeResult:
    """Store what has left the warehouse."""
    with link.open() as opened:
        pulled = pull_despatches(opened, is_sweep=config.is_sweep)
        applied = apply_despatches(opened)
    return dg.MaterializeResult(
        metadata={**metadata.of_tally(pulled), "matched_to_orders": applied.written}
    )


@dg.asset(
    key=["centra", "shipments"],
    deps=[["whistl", "despatches"]],
    group_name=GROUP,
    kinds={"graphql"},
    owners=["team:fulfilment"],
    description=(
        "Parcels that Centra knows as completed shipments, with carrier and tracking number, so "
        "that the customer has the shipping mail. A shipment that Centra already has is completed, "
        "not made a second time. Never at the same time as stock is written."
    ),
)
def centra_shipments(link: LinkResource) -> dg.MaterializeResult:
    """Tell Centra of every parcel that is due."""
    with link.open() as opened:
        return dg.MaterializeResult(metadata=metadata.of_tally(complete_shipments(opened)))


ASSETS = [
    centra_orders,
    whistl_order_submissions,
    whistl_order_statuses,
    whistl_despatches,
    centra_shipments,
]
