"""What operations read: exceptions with their owners, service levels, alerts; and retention.

Does not belong here: the briefs (`briefs`), or the wording of an alert (`alerts`).
"""

import dagster as dg

from centra_whistl_dagster.alerts.rules import DELIVERED_WITHIN
from centra_whistl_dagster.defs import freshness, metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.ledger.alerts import Backlog
from centra_whistl_dagster.ledger.service_levels import Spread
from centra_whistl_dagster.workflows.access import end_refusals_of_former_tokens
from centra_whistl_dagster.workflows.briefs.keeping import forget_old
from centra_whistl_dagster.workflows.exceptions.closing import end_old_advice
from centra_whistl_dagster.workflows.exceptions.delivery import backlogs, channels_replaced
from centra_whistl_dagster.workflows.exceptions.register import ListedException, list_exceptions
from centra_whistl_dagster.workflows.upkeep.retention import (
    forget_old_orders,
    forget_old_tracking,
    thin_archive,
    thin_history,
)
from centra_whistl_dagster.workflows.upkeep.service_levels import service_levels

GROUP = "operations"


@dg.asset(
    key=["operations", "open_exceptions"],
    deps=[
        ["orders", "screened_orders"],
        ["whistl", "order_submissions"],
        ["centra", "shipments"],
        ["centra", "stock_updates"],
    ],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.OPERATIONS,
    description="Everything that is wrong now: whose it is, what to do, and by when.",
    metadata=metadata.columns(
        ("owner", "string", "Team that fixes it"),
        ("about", "string", "The order, SKU, shipping option, despatch or feed"),
        ("field", "string", "The field that is wrong; blank when it is about the whole"),
        ("what is wrong", "string", "One sentence"),
        ("what to do", "string", "Where to fix it, and how"),
        ("by when", "string", "London time after which it is escalated"),
        ("overdue", "string", "yes when that time has passed"),
        ("orders", "integer", "Orders that wait for it"),
        ("worth", "string", "What those orders add up to, by currency"),
    ),
)
def open_exceptions(link: LinkResource) -> dg.MaterializeResult:
    """List what is open, the most overdue first."""
    with link.open("operations/open_exceptions") as opened:
        end_old_advice(opened.ledger)
        end_refusals_of_former_tokens(opened)
        listed = list_exceptions(opened)
        link_to_list = metadata.at_desk(opened.settings, "/")
    return dg.MaterializeResult(
        metadata={
            **link_to_list,
            "dagster/row_count": len(listed),
            "overdue": sum(exception.is_overdue for exception in listed),
            "open": metadata.table(_as_people_read_it(exception) for exception in listed),
        }
    )


def _as_people_read_it(exception: ListedException) -> dict[str, object]:
    return {
        "owner": exception.owner,
        "about": exception.about,
        "field": exception.field,
        "what is wrong": exception.message,
        "what to do": exception.instructions,
        "by when": f"{exception.due_at.astimezone(LONDON):%d %b %H:%M}",
        "overdue": "yes" if exception.is_overdue else "no",
        "orders": len(exception.stake.order_numbers),
        "worth": exception.stake.value_in_words,
    }


@dg.asset(
    key=["operations", "service_levels"],
    deps=[["whistl", "order_submissions"], ["centra", "shipments"]],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.OPERATIONS,
    description=(
        "How long orders took to be accepted by Whistl, and despatched parcels to be completed in "
        "Centra, over the last 24 hours; and how many orders are in each state."
    ),
    metadata=metadata.columns(
        ("step", "string", "What was measured"),
        ("count", "integer", "Orders or parcels measured"),
        ("p50", "number", "Seconds within which half of them were done"),
        ("p95", "number", "Seconds within which 95 of 100 were done"),
    ),
)
def measured_service_levels(link: LinkResource) -> dg.MaterializeResult:
    """Measure the last day."""
    with link.open("operations/service_levels") as opened:
        measured = service_levels(opened)
        link_to_health = metadata.at_desk(opened.settings, "/health")
    return dg.MaterializeResult(
        metadata={
            **link_to_health,
            "orders_accepted": measured.seen_to_accepted.count,
            **_seconds("seconds_to_accepted", measured.seen_to_accepted),
            "parcels_completed": measured.despatched_to_completed.count,
            **_seconds("seconds_to_completed", measured.despatched_to_completed),
            **{f"orders_{state.value}": number for state, number in measured.by_state.items()},
        }
    )


def _seconds(name: str, spread: Spread) -> dict[str, float]:
    """Return the percentiles; none where nothing was measured, since 0 s would look excellent."""
    return {f"{name}_p50": spread.p50, f"{name}_p95": spread.p95} if spread.count else {}


OUTBOX = dg.AssetKey(["operations", "alert_outbox"])
DELIVERED = "every_alert_reaches_its_team"
ACCEPTED = "every_channel_accepts_alerts"


@dg.asset(
    key=OUTBOX,
    deps=[["operations", "open_exceptions"]],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:data"],
    freshness_policy=freshness.OPERATIONS,
    check_specs=[
        dg.AssetCheckSpec(
            DELIVERED,
            asset=OUTBOX,
            description=(
                "No alert has waited longer than 5 minutes. While one does, a team does not know "
                "what is wrong: the data team corrects the channel's address (ALERT_..._URL) or "
                "starts the sensor alerts_waiting again, and informs the team in person meanwhile."
            ),
        ),
        dg.AssetCheckSpec(
            ACCEPTED,
            asset=OUTBOX,
            description=(
                "Each channel accepted its newest alert, so that the second channel did not have "
                "to. Otherwise the data team corrects the channel's address (ALERT_..._URL), and "
                "makes sure that the team reads the second channel meanwhile. It is green again "
                "once the channel has accepted an alert."
            ),
        ),
    ],
    description="Alerts that are written and that no channel has taken yet.",
    metadata=metadata.columns(
        ("channel", "string", "Channel they are meant for"),
        ("alerts", "integer", "How many wait"),
        ("oldest", "string", "London time at which the oldest was written"),
        ("why", "string", "What the channel answered to the last attempt"),
    ),
)
def alert_outbox(link: LinkResource) -> dg.MaterializeResult:
    """Count what waits, channel by channel."""
    with link.open("operations/alert_outbox") as opened:
        waiting, now = backlogs(opened.ledger), opened.now()
        replaced = channels_replaced(opened.ledger)
        has_addresses = opened.settings.alerts.are_there
    late = [backlog for backlog in waiting if now - backlog.oldest_at > DELIVERED_WITHIN]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(waiting),
            "alerts": sum(backlog.alerts for backlog in waiting),
            "outbox": metadata.table(_line(backlog) for backlog in waiting),
        },
        check_results=[_delivered(late, has_addresses=has_addresses), _accepted(replaced)],
    )


def _line(backlog: Backlog) -> dict[str, object]:
    return {
        "channel": backlog.channel,
        "alerts": backlog.alerts,
        "oldest": f"{backlog.oldest_at.astimezone(LONDON):%d %b %H:%M:%S}",
        "why": backlog.last_error or "not tried yet",
    }


def _delivered(late: list[Backlog], *, has_addresses: bool) -> dg.AssetCheckResult:
    if not has_addresses:
        return dg.AssetCheckResult(
            check_name=DELIVERED,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description="Nobody is notified: no alert address is set.",
        )
    return dg.AssetCheckResult(
        check_name=DELIVERED,
        passed=not late,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "channels_behind": len(late),
            "table": metadata.table(_line(backlog) for backlog in late),
        },
    )


def _accepted(replaced: list[str]) -> dg.AssetCheckResult:
    channels = ", ".join(replaced)
    return dg.AssetCheckResult(
        check_name=ACCEPTED,
        passed=not replaced,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"The second channel took the newest alert for: {channels}."
        if channels
        else "",
        metadata={"channels_replaced": len(replaced)},
    )


@dg.asset(
    key=["operations", "retention"],
    deps=[["whistl", "order_submissions"], ["centra", "shipments"]],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:data"],
    freshness_policy=freshness.DAILY,
    description=(
        "Deletes from the ledger the contents of orders that ended long ago: names, addresses, "
        "phones and e-mails are kept nowhere else, and what is left of an order identifies nobody. "
        "Deletes old stock readings too, once they are in the history, and rows of the history "
        "and briefs that are past their time."
    ),
)
def retention(link: LinkResource) -> dg.MaterializeResult:
    """Delete what is past its retention."""
    with link.open("operations/retention") as opened:
        return dg.MaterializeResult(
            metadata={
                "orders_forgotten": forget_old_orders(opened),
                "tracking_forgotten": forget_old_tracking(opened),
                "stock_files_removed": thin_archive(opened),
                "history_rows_removed": thin_history(opened),
                "briefs_removed": forget_old(opened.settings, opened.now()),
            }
        )
