"""What starts the relays: something new at Centra or Whistl, or something due in the ledger.

A sensor polls cheaply and launches only when there is work: a run costs two seconds of a core. A
run that waits in the queue will take all there is, so no second one is queued behind it.
"""

import dagster as dg

from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.jobs import refresh_reference, relay_despatches, relay_orders
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows import quotas
from centra_whistl_dagster.workflows.due import orders_due, parcels_due
from centra_whistl_dagster.workflows.orders.announcements import forget_events, read_events
from centra_whistl_dagster.workflows.orders.polling import watch_for_news
from centra_whistl_dagster.workflows.page_words import counted
from centra_whistl_dagster.workflows.reference.refresh import has_changed_at_whistl
from centra_whistl_dagster.workflows.shipments.despatches import are_there_new_despatches

EACH_LOOP = 1
"""Seconds. The daemon evaluates sensors every 5 s; an interval of 5 would miss every other time."""
HALF_A_MINUTE = 30
A_MINUTE = 60
"""More often does harm, as Centra's documentation says of events."""
RUNNING = dg.DefaultSensorStatus.RUNNING
QUEUED_RELAY = "A relay is queued and will take all there is."


@dg.sensor(
    job=relay_orders,
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description=(
        "Polls Centra every 5 seconds for orders that are new or were changed; every 30 seconds "
        "while Centra's pushes announce them, and as soon as one does."
    ),
)
def new_centra_orders(context: dg.SensorEvaluationContext, link: LinkResource) -> dg.SensorResult:
    """Ask Centra cheaply when that is due, and start a relay when there is news."""
    if observed.is_queued(context.instance, relay_orders.name):
        return dg.SensorResult(skip_reason=QUEUED_RELAY)
    with link.open("new_centra_orders") as opened:
        # First: a quota too low for a poll must not stop the reading of a higher one.
        quotas.refresh(opened.centra, opened.ledger)
        watched = watch_for_news(opened)
    news = watched.news
    if news is None:
        return dg.SensorResult(skip_reason=watched.cadence)
    if not news.orders:
        reason = f"Nothing new in Centra. {watched.cadence}".rstrip()
        return dg.SensorResult(skip_reason=reason, cursor=news.watermark)
    return dg.SensorResult(
        run_requests=[dg.RunRequest(tags={"new_orders": str(news.orders)})],
        cursor=news.watermark,
    )


@dg.sensor(
    minimum_interval_seconds=A_MINUTE,
    default_status=RUNNING,
    description=(
        "Reads Centra's queue of events once a minute, where CENTRA_EVENTS=yes. What they point at "
        "is polled for at once; each is confirmed when the ledger has its order."
    ),
)
def centra_events(context: dg.SensorEvaluationContext, link: LinkResource) -> dg.SkipReason:  # noqa: ARG001 - Dagster's signature
    """Read the queue of events; `new_centra_orders` starts the runs."""
    with link.open("centra_events") as opened:
        if not opened.settings.reads_events:
            forget_events(opened)
            return dg.SkipReason("CENTRA_EVENTS is not set to yes.")
        read = read_events(opened)
    if read is None:
        return dg.SkipReason("Centra's token may not read events.")
    reason = f"{counted(read.read, 'event')} read, {read.confirmed} of them confirmed."
    if read.given_up:
        reason += (
            f" Given up after an hour: {read.given_up}, because the ledger does not have the order "
            "as Centra shows it."
        )
    return dg.SkipReason(reason)


@dg.sensor(
    job=relay_despatches,
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description="Polls Whistl every 5 seconds for new despatches.",
)
def new_whistl_despatches(
    context: dg.SensorEvaluationContext, link: LinkResource
) -> dg.SensorResult:
    """Ask Whistl once, cheaply, and start a relay when there is news."""
    if observed.is_queued(context.instance, relay_despatches.name):
        return dg.SensorResult(skip_reason=QUEUED_RELAY)
    with link.open("new_whistl_despatches") as opened:
        has_new = are_there_new_despatches(opened)
    if not has_new:
        return dg.SensorResult(skip_reason="Nothing new at Whistl.")
    return dg.SensorResult(run_requests=[dg.RunRequest()])


@dg.sensor(
    jobs=[relay_orders, relay_despatches],
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description=(
        "Starts relays for orders and parcels whose next step is due by the ledger: a retry, a "
        "look-up after a lost answer, a blocked order whose cause is gone. Calls neither system."
    ),
)
def work_is_due(context: dg.SensorEvaluationContext, link: LinkResource) -> dg.SensorResult:
    """Start what the ledger says is due."""
    with link.open("work_is_due") as opened:
        due = {relay_orders.name: orders_due(opened).total}
        due[relay_despatches.name] = parcels_due(opened).total
    requests = [
        dg.RunRequest(job_name=job_name, tags={"due": str(count)})
        for job_name, count in due.items()
        # A relay that runs is doing it; what it leaves is still due at the next tick.
        if count and not observed.is_active(context.instance, job_name)
    ]
    if not requests:
        return dg.SensorResult(skip_reason="Nothing is due, or a relay is already working on it.")
    return dg.SensorResult(run_requests=requests)


@dg.sensor(
    job=refresh_reference,
    minimum_interval_seconds=HALF_A_MINUTE,
    default_status=RUNNING,
    description=(
        "Polls Whistl every half minute for products and services that are new or changed: orders "
        "may be waiting for just that."
    ),
)
def whistl_reference_changed(
    context: dg.SensorEvaluationContext, link: LinkResource
) -> dg.SensorResult:
    """Re-read the reference data when Whistl's part of it has changed."""
    if observed.is_active(context.instance, refresh_reference.name):
        return dg.SensorResult(skip_reason="A refresh is under way.")
    if context.cursor is None:
        return dg.SensorResult(run_requests=[dg.RunRequest()], cursor="read once")
    with link.open("whistl_reference_changed") as opened:
        if has_changed_at_whistl(opened):
            return dg.SensorResult(run_requests=[dg.RunRequest()])
    return dg.SensorResult(skip_reason="Whistl's products and services have not changed.")
