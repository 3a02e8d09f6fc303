"""What notifies people: exceptions, checks and runs become alerts in an outbox, which is sent.

No sensor here launches a run. They need the ledger and the addresses of alerts alone, so that they
work while the rest of the configuration is broken.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.defs.sensors import EACH_LOOP, RUNNING
from centra_whistl_dagster.ledger.alerts import Backlog
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.workflows.exceptions.alerting import tell_owners
from centra_whistl_dagster.workflows.exceptions.delivery import are_any_due, backlogs, deliver
from centra_whistl_dagster.workflows.exceptions.step_failures import NO_LEDGER, open_ledger
from centra_whistl_dagster.workflows.exceptions.watching import names_told_red, note_conditions
from centra_whistl_dagster.workflows.exceptions.without_ledger import alert_directly

QUARTER_OF_A_MINUTE = 15
NO_ADDRESS = "Nobody is notified: no alert address is set. .env.example says how to set one."


_REPEATED_AFTER = timedelta(hours=1)
"""While the ledger cannot be used, the direct alert that says so."""


@contextmanager
def _ledger(link: LinkResource) -> Iterator[Ledger]:
    try:
        with closing(open_ledger(link.ledger_settings())) as ledger:
            yield ledger
    except NO_LEDGER as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


@dg.sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description=(
        "Writes alerts for exceptions that are new, past their time limit, or resolved: one for "
        "each cause and owner, with the number of orders that wait."
    ),
)
def exceptions_changed(link: LinkResource) -> dg.SkipReason:
    """Compare the register of exceptions with what was alerted."""
    addresses = link.alert_addresses()
    if not addresses.are_there:
        return dg.SkipReason(NO_ADDRESS)
    with _ledger(link) as ledger:
        return dg.SkipReason(f"{_count(tell_owners(ledger, addresses, link.links()))} written.")


@dg.sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description=(
        "Sends alerts to their channels; what a dead channel does not take goes to the second one, "
        "and no alert is dropped. A tick that leaves an alert unsent fails, and says which channel "
        "is at fault."
    ),
)
def alerts_waiting(
    context: dg.SensorEvaluationContext, link: LinkResource
) -> dg.SkipReason | dg.SensorResult:
    """Send what is due; where the ledger cannot be used, say so past it, once an hour.

    Raises:
        Failure: an alert that was written before this tick is still unsent, or the ledger cannot be
            used. Dagster shows a tick without a run grey, as if there had been nothing to do; only
            a failed one stands out.
    """
    addresses = link.alert_addresses()
    try:
        with _ledger(link) as ledger:
            started_at = ledger.now()
            sent = deliver(ledger, addresses).sent if are_any_due(ledger) else 0
            left = [backlog for backlog in backlogs(ledger) if backlog.oldest_at < started_at]
    except dg.Failure as error:
        return _alerted_directly(context.cursor, addresses, error)
    if left:
        waiting = "; ".join(_in_words(backlog) for backlog in left)
        raise dg.Failure(description=f"{_count(sent)} sent. Still unsent: {waiting}.")
    return dg.SkipReason(f"{_count(sent)} sent." if sent else "No alert is waiting.")


def _alerted_directly(
    last: str | None, addresses: AlertAddresses, error: dg.Failure
) -> dg.SensorResult:
    # The cursor is the memory: what the ledger would remember, it cannot.
    now = datetime.now(UTC)
    if last and now - datetime.fromisoformat(last) < _REPEATED_AFTER:
        raise error
    if not alert_directly(addresses, str(error.description)):
        raise dg.Failure(
            description=f"{error.description} Nobody was alerted: no channel took the alert.",
            allow_retries=False,
        )
    skipped = dg.SkipReason(f"Alerted directly: {error.description}")
    return dg.SensorResult(skip_reason=skipped, cursor=now.isoformat())


def _count(alerts: int) -> str:
    return "1 alert" if alerts == 1 else f"{alerts} alerts"


def _in_words(backlog: Backlog) -> str:
    why = backlog.last_error or "not tried yet"
    return f"{backlog.alerts} for {backlog.channel} ({why})"


@dg.sensor(
    minimum_interval_seconds=QUARTER_OF_A_MINUTE,
    default_status=RUNNING,
    description=(
        "Writes alerts for checks that failed, passed again or never ran, for assets that are "
        "late, for sensors and schedules that fail at every tick or were stopped, for daemons of "
        "Dagster that have stopped, and for jobs that work again."
    ),
)
def checks_changed(context: dg.SensorEvaluationContext, link: LinkResource) -> dg.SkipReason:
    """Compare what Dagster shows with what was alerted."""
    repository = context.repository_def
    if not link.alert_addresses().are_there or repository is None:
        return dg.SkipReason(NO_ADDRESS)
    should_run = {
        **{each.name: each.default_status is RUNNING for each in repository.sensor_defs},
        **{
            each.name: each.default_status is dg.DefaultScheduleStatus.RUNNING
            for each in repository.schedule_defs
        },
    }
    with _ledger(link) as ledger:
        seen = [
            *observed.colours_of_checks(context.instance, repository),
            *observed.late_assets(context.instance, repository),
            *observed.ends_of_jobs(context.instance, names_told_red(ledger)),
            *observed.ticks(context.instance, should_run),
            *observed.daemons(context.instance, datetime.now(UTC)),
        ]
        return dg.SkipReason(f"{_count(note_conditions(ledger, seen, link.links()))} written.")


@dg.run_failure_sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description="Writes one alert when a job begins to fail, and none while it goes on failing.",
)
def runs_failed(context: dg.RunFailureSensorContext, link: LinkResource) -> dg.SkipReason:
    """Note that a job's last run failed."""
    if not link.alert_addresses().are_there:
        return dg.SkipReason(NO_ADDRESS)
    with _ledger(link) as ledger:
        failed = observed.failed_run(context)
        return dg.SkipReason(f"{_count(note_conditions(ledger, [failed], link.links()))} written.")
