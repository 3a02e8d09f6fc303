"""Signs of life to a service outside, while orders, despatches, stock and alerts are proven well.

An alert cannot say that the machine, the daemon or the alerts themselves are dead. The service
alerts people when signs stop coming, whatever the reason.
"""

from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus

from centra_whistl_dagster.defs import freshness, observed
from centra_whistl_dagster.defs.assets.operations import DELIVERED, OUTBOX
from centra_whistl_dagster.defs.assets.orders import ALL_ORDERS_ARRIVED, CLOCKS_AGREE
from centra_whistl_dagster.defs.assets.stock_reading import AGE_OF_STOCK
from centra_whistl_dagster.defs.assets.volume import VOLUME_OF_DESPATCHES, VOLUME_OF_ORDERS
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.defs.sensors import RUNNING
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.transport.dead_mans_switch import send_sign_of_life

EACH_MINUTE = 50
"""Seconds. The daemon evaluates sensors every 5 s; an interval of 60 would often miss a minute."""
TICKED_WITHIN = timedelta(minutes=5)
TICKS = {
    "orders": ["new_centra_orders"],
    "despatches": ["new_whistl_despatches", "work_is_due"],
    "stock": ["stock_on_cadence"],
    "alerts": ["exceptions_changed", "checks_changed", "alerts_waiting"],
}
"""The sensors and schedules that must have ticked without a failure."""
MADE = {
    "orders": (["whistl", "order_submissions"], freshness.ORDER_RELAY),
    "despatches": (["centra", "shipments"], freshness.DESPATCH_RELAY),
}
"""What must not be late."""
CHECKS = {
    "orders": [(ALL_ORDERS_ARRIVED, freshness.BALANCE), (VOLUME_OF_ORDERS, freshness.OPERATIONS)],
    "despatches": [(VOLUME_OF_DESPATCHES, freshness.OPERATIONS)],
    "stock": [(AGE_OF_STOCK, freshness.OPERATIONS)],
    "alerts": [
        (dg.AssetCheckKey(OUTBOX, DELIVERED), freshness.OPERATIONS),
        (CLOCKS_AGREE, freshness.BALANCE),
    ],
}
"""What must have been checked in time, and found well."""


@dg.sensor(
    minimum_interval_seconds=EACH_MINUTE,
    default_status=RUNNING,
    description=(
        "Sends a sign of life every minute to DEAD_MANS_SWITCH_URL, if that is set, while orders, "
        "despatches, stock and alerts are all proven well. The service behind that address alerts "
        "people when no sign has come for 10 minutes."
    ),
)
def dead_mans_switch(context: dg.SensorEvaluationContext, link: LinkResource) -> dg.SkipReason:
    """Send a sign of life, or say what is not proven well.

    Raises:
        Failure: the service cannot be reached.
    """
    url = link.settings().dead_mans_switch_url
    if not url:
        return dg.SkipReason("DEAD_MANS_SWITCH_URL is not set, so nobody outside is watching.")
    if doubts := list(unproven(context.instance, datetime.now(UTC))):
        return dg.SkipReason(f"No sign of life was sent. Not proven: {'; '.join(doubts)}.")
    try:
        send_sign_of_life(url)
    except IntegrationError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
    return dg.SkipReason("A sign of life was sent.")


def unproven(instance: dg.DagsterInstance, now: datetime) -> Iterator[str]:
    """Yield what is not proven well, flow by flow, in words."""
    for daemon in observed.stopped_daemons(instance, now):
        yield f"Dagster's daemon {daemon} runs"
    ticked = last_good_ticks(instance, {name for names in TICKS.values() for name in names})
    for flow, names in TICKS.items():
        for name in names:
            if now - ticked.get(name, datetime.min.replace(tzinfo=UTC)) > TICKED_WITHIN:
                yield f"{flow}: {name} ticks"
    for flow, (key, promise) in MADE.items():
        made = made_at(instance, dg.AssetKey(key))
        if made is None or now - made > freshness.fails_after(promise):
            yield f"{flow}: {'/'.join(key)} is up to date"
    for flow, checks in CHECKS.items():
        for check, promise in checks:
            passed = passed_at(instance, check)
            if passed is None or now - passed > freshness.fails_after(promise):
                yield f"{flow}: {check.name.replace('_', ' ')}"


def last_good_ticks(instance: dg.DagsterInstance, names: Set[str]) -> dict[str, datetime]:
    """Return when each of some sensors and schedules last ticked, unless that tick failed."""
    newest = {
        state.name: next(iter(observed.ended_ticks(instance, state)), None)
        for state in instance.all_instigator_state()
        if state.name in names
    }
    return {
        name: datetime.fromtimestamp(tick.timestamp, UTC)
        for name, tick in newest.items()
        if tick is not None and tick.status is not TickStatus.FAILURE
    }


def made_at(instance: dg.DagsterInstance, key: dg.AssetKey) -> datetime | None:
    """Return when an asset was last made; None if never."""
    event = instance.get_latest_materialization_event(key)
    return None if event is None else datetime.fromtimestamp(event.timestamp, UTC)


def passed_at(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> datetime | None:
    """Return when a check passed; None where it has failed since, or is being evaluated."""
    record = instance.get_latest_asset_check_evaluation_record(key)
    evaluation = record.evaluation if record is not None else None
    if record is None or record.event is None:
        return None
    if not isinstance(evaluation, dg.AssetCheckEvaluation) or not evaluation.passed:
        return None
    return datetime.fromtimestamp(record.event.timestamp, UTC)
