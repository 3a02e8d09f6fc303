"""What notifies people: exceptions, checks and runs become alerts in an outbox, which is sent.

No sensor here launches a run. They open the ledger alone, so that they work while the rest of the
configuration is broken.
"""

from contextlib import closing

import dagster as dg

from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.defs.sensors import EACH_LOOP, RUNNING
from centra_whistl_dagster.ledger.alerts import Backlog
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.settings import Settings
from centra_whistl_dagster.workflows.exceptions.alerting import tell_owners
from centra_whistl_dagster.workflows.exceptions.delivery import are_any_due, backlogs, deliver
from centra_whistl_dagster.workflows.exceptions.step_failures import open_ledger
from centra_whistl_dagster.workflows.exceptions.watching import names_told_red, note_conditions

QUARTER_OF_A_MINUTE = 15
NO_ADDRESS = "Nobody is notified: no alert address is set. .env.example says how to set one."


def _ledger(settings: Settings) -> closing[Ledger]:
    return closing(open_ledger(settings))


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
    settings = link.settings()
    if not settings.alerts.are_there:
        return dg.SkipReason(NO_ADDRESS)
    with _ledger(settings) as ledger:
        return dg.SkipReason(f"{tell_owners(ledger, settings.alerts)} alerts written.")


@dg.sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description=(
        "Sends alerts to their channels; what a dead channel does not take goes to the second one, "
        "and no alert is dropped. A tick that leaves an alert unsent fails, and says which channel "
        "is at fault."
    ),
)
def alerts_waiting(link: LinkResource) -> dg.SkipReason:
    """Send what is due.

    Raises:
        Failure: an alert that was written before this tick is still unsent. Dagster shows a tick
            without a run grey, as if there had been nothing to do; only a failed one stands out.
    """
    settings = link.settings()
    with _ledger(settings) as ledger:
        started_at = ledger.now()
        sent = deliver(ledger, settings.alerts).sent if are_any_due(ledger) else 0
        left = [backlog for backlog in backlogs(ledger) if backlog.oldest_at < started_at]
    if left:
        waiting = "; ".join(_in_words(backlog) for backlog in left)
        raise dg.Failure(description=f"{sent} alerts sent. Still unsent: {waiting}.")
    return dg.SkipReason(f"{sent} alerts sent." if sent else "No alert is waiting.")


def _in_words(backlog: Backlog) -> str:
    why = backlog.last_error or "not tried yet"
    return f"{backlog.alerts} for {backlog.channel} ({why})"


@dg.sensor(
    minimum_interval_seconds=QUARTER_OF_A_MINUTE,
    default_status=RUNNING,
    description=(
        "Writes alerts for checks that failed, passed again or never ran, for assets that are "
        "late, for sensors and schedules that fail at every tick, and for jobs that work again."
    ),
)
def checks_changed(context: dg.SensorEvaluationContext, link: LinkResource) -> dg.SkipReason:
    """Compare what Dagster shows with what was alerted."""
    settings = link.settings()
    repository = context.repository_def
    if not settings.alerts.are_there or repository is None:
        return dg.SkipReason(NO_ADDRESS)
    instigators = [
        *(sensor.name for sensor in repository.sensor_defs),
        *(schedule.name for schedule in repository.schedule_defs),
    ]
    with _ledger(settings) as ledger:
        seen = [
            *observed.colours_of_checks(context.instance, repository),
            *observed.late_assets(context.instance, repository),
            *observed.ends_of_jobs(context.instance, names_told_red(ledger)),
            *observed.ticks(context.instance, instigators),
        ]
        return dg.SkipReason(f"{note_conditions(ledger, seen)} alerts written.")


@dg.run_failure_sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description="Writes one alert when a job begins to fail, and none while it goes on failing.",
)
def runs_failed(context: dg.RunFailureSensorContext, link: LinkResource) -> dg.SkipReason:
    """Note that a job's last run failed."""
    settings = link.settings()
    if not settings.alerts.are_there:
        return dg.SkipReason(NO_ADDRESS)
    with _ledger(settings) as ledger:
        return dg.SkipReason(
            f"{note_conditions(ledger, [observed.failed_run(context)])} alerts written."
        )
