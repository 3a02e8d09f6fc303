"""The way of an order: from Centra to Whistl, and of its despatch back.

Does not belong here: what a step does (`workflows.orders`, `workflows.shipments`).
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from centra_whistl_dagster.defs import freshness, metadata
from centra_whistl_dagster.defs.observed import DATA, OWNER
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.history.tables import Despatches, Orders, Parcels
from centra_whistl_dagster.workflows.orders.balance import compare_with_centra
from centra_whistl_dagster.workflows.orders.ended_statuses import note_ended_statuses
from centra_whistl_dagster.workflows.orders.handover import hand_over
from centra_whistl_dagster.workflows.orders.intake import take_in_orders
from centra_whistl_dagster.workflows.orders.status_sweep import note_round, sweep_order_statuses
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses
from centra_whistl_dagster.workflows.shipments.completion import complete_shipments
from centra_whistl_dagster.workflows.shipments.despatches import apply_despatches, pull_despatches

GROUP = "orders"
_NAMED = 100


class IntakeConfig(dg.Config):
    """How to read Centra's orders."""

    is_sweep: bool = False
    """Read every open order whatever its date, to find what a change of dates hid."""


@dg.asset(
    key=["centra", "orders"],
    group_name=GROUP,
    kinds={"graphql"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.ORDER_RELAY,
    description=(
        "Confirmed orders of the shop, read by Centra's own time of change with an overlap, and "
        "all open ones every ten minutes. Each is kept once, and read again when Centra changes it."
    ),
    metadata=metadata.columns_of_table(
        Orders,
        "order_number",
        "state",
        "state_since",
        "ordered_at",
        "first_seen_at",
        "shipping_option",
        "country",
        "currency",
        "grand_total",
    ),
)
def centra_orders(config: IntakeConfig, link: LinkResource) -> dg.MaterializeResult:
    """Take in what is new."""
    with link.open("centra/orders") as opened:
        tally = take_in_orders(opened, is_sweep=config.is_sweep)
    return dg.MaterializeResult(metadata=metadata.of_tally(tally))


@dg.asset(
    key=["whistl", "order_submissions"],
    deps=[["orders", "screened_orders"]],
    group_name=GROUP,
    kinds={"rest"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.ORDER_RELAY,
    description=(
        "Orders sent to Whistl, each once: an intent is written before every call, and an order "
        "whose answer was lost is looked up before anything is sent again. Accepted orders are "
        "locked in Centra. Those cancelled, held or edited there afterwards are stopped at Whistl "
        "where that is still possible, and sent again under their next number where they should be."
    ),
    metadata=metadata.columns_of_table(
        Orders,
        "order_number",
        "state",
        "carrier_code",
        "delivery_method",
        "attempts",
        "submitted_at",
        "cancelled_at",
    ),
)
def order_submissions(link: LinkResource) -> dg.MaterializeResult:
    """Pass on cancellations, send what is ready, lock it, then look up what is in doubt."""
    with link.open("whistl/order_submissions") as opened:
        done = hand_over(opened)
    return dg.MaterializeResult(
        metadata={
            **metadata.of_tally(done.sent),
            "looked_up": done.looked_up.read,
            "locked_in_centra": done.locked.written,
            "asked_whistl_to_stop": done.cancelled.written,
            "unlocked_in_centra": done.unlocked.written,
        }
    )


@dg.asset_check(
    asset=order_submissions,
    description=(
        "Every open order in Centra is open in the ledger, and the other way round, order by "
        "order. Orders that are missing here do not reach Whistl: the silent failure. The data "
        "team checks at once whether new_centra_orders and sweep_of_orders run and succeed, then "
        "runs `centra-whistl doctor`. An order that is open here only was ended in Centra in a way "
        "that needs a person: look it up in both systems. Where Centra counts more orders than it "
        "lists, its list is at fault: ask Centra."
    ),
)
def every_confirmed_order_is_accounted_for(link: LinkResource) -> dg.AssetCheckResult:
    """Compare the two lists; orders changed in the last minutes may not have arrived yet."""
    with link.open("every_confirmed_order_is_accounted_for") as opened:
        balance = compare_with_centra(opened)
    return dg.AssetCheckResult(
        passed=balance.is_even,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "in_centra": balance.in_centra,
            "in_the_ledger": balance.in_ledger,
            "missing_here": len(balance.missing),
            "missing_orders": _numbers(balance.missing),
            "no_longer_open_in_centra": len(balance.extra),
            "orders_no_longer_open": _numbers(balance.extra),
            "counted_in_centra_and_not_listed": balance.unlisted,
        },
    )


def _numbers(numbers: Sequence[int]) -> str:
    """Return order numbers as text; of very many, the first."""
    named = ", ".join(map(str, numbers[:_NAMED]))
    more = len(numbers) - _NAMED
    return f"{named} and {more} more" if more > 0 else named or "none"


ALL_ORDERS_ARRIVED = every_confirmed_order_is_accounted_for.check_key

CLOCKS_DIFFER_BY = timedelta(minutes=2)
"""Less is a matter of how long an answer takes; more makes look-ups come too early or too late."""


@dg.asset_check(
    asset=centra_orders,
    metadata={OWNER: DATA},
    description=(
        "This machine's clock is within 2 minutes of Centra's. With a wrong clock, alerts and time "
        "limits come at wrong times, and an order whose answer was lost may be sent again too "
        "early. The data team corrects the machine's time (NTP)."
    ),
)
def every_clock_agrees(link: LinkResource) -> dg.AssetCheckResult:
    """Compare our clock with the time in Centra's answer."""
    with link.open("every_clock_agrees") as opened:
        ahead = opened.centra.clock_ahead()
    if ahead is None:
        return dg.AssetCheckResult(
            passed=True, description="Not known: Centra's answer shows no time."
        )
    return dg.AssetCheckResult(
        passed=abs(ahead) <= CLOCKS_DIFFER_BY,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"seconds_ahead_of_centra": round(ahead.total_seconds())},
    )


CLOCKS_AGREE = every_clock_agrees.check_key


@dg.asset(
    key=["whistl", "order_statuses"],
    deps=[["whistl", "order_submissions"]],
    group_name=GROUP,
    kinds={"rest"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.DESPATCH_RELAY,
    description=(
        "Whistl's status of each order it has: allocated, held, rejected, cancelled; read by time "
        "of change, and each open order at least hourly. The time of allocation decides how an "
        "order's units count in the stock sum."
    ),
    metadata=metadata.columns_of_table(
        Orders, "order_number", "state", "allocated_at", "despatched_at", "cancelled_at"
    ),
)
def whistl_order_statuses(link: LinkResource) -> dg.MaterializeResult:
    """Read the orders that Whistl changed, and those that were not compared for an hour."""
    with link.open("whistl/order_statuses") as opened:
        note_round(opened)
        followed = follow_order_statuses(opened)
        swept = sweep_order_statuses(opened)
    return dg.MaterializeResult(
        metadata={**metadata.of_tally(followed), "compared_with_whistl_again": swept.read}
    )


class DespatchConfig(dg.Config):
    """How to read Whistl's despatches."""

    is_sweep: bool = False
    """Re-read the last few hundred: finds a message that arrived late under an old number."""


@dg.asset(
    key=["whistl", "despatches"],
    deps=[["whistl", "order_submissions"]],
    group_name=GROUP,
    kinds={"rest"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.DESPATCH_RELAY,
    description=(
        "Despatch messages by sequence, each version kept once, matched to their orders. A parcel "
        "that has no carrier, or that cannot be right, waits for a person."
    ),
    metadata=metadata.columns_of_table(Despatches),
)
def whistl_despatches(config: DespatchConfig, link: LinkResource) -> dg.MaterializeResult:
    """Store what has left the warehouse."""
    with link.open("whistl/despatches") as opened:
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
    freshness_policy=freshness.DESPATCH_RELAY,
    description=(
        "Parcels as completed shipments in Centra, with carrier and tracking number, so that the "
        "customer gets the shipping e-mail. A shipment that Centra already has is completed, not "
        "created again. Never at the same time as stock is written."
    ),
    metadata=metadata.columns_of_table(Parcels),
)
def centra_shipments(link: LinkResource) -> dg.MaterializeResult:
    """Complete the shipment of every parcel that is due."""
    with link.open("centra/shipments") as opened:
        return dg.MaterializeResult(metadata=metadata.of_tally(complete_shipments(opened)))


@dg.asset(
    key=["centra", "ended_orders"],
    deps=[["centra", "shipments"]],
    group_name=GROUP,
    kinds={"graphql"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.BALANCE,
    description=(
        "Centra's status of orders that were completed here, read once more: completing the last "
        "parcel changes it, and the history would show the order as confirmed for ever."
    ),
    metadata=metadata.columns_of_table(Orders, "order_number", "state", "centra_status"),
)
def centra_ended_orders(link: LinkResource) -> dg.MaterializeResult:
    """Read the status of orders that ended since."""
    with link.open("centra/ended_orders") as opened:
        return dg.MaterializeResult(metadata={"read": note_ended_statuses(opened)})
