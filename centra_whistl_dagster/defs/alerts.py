"""What tells people: exceptions, checks and runs into the outbox, and the outbox to its channels.

No sensor here launches a run. All but the first open the ledger alone, so that they work while the
rest of the configuration is broken.
"""

from contextlib import closing
from datetime import UTC, datetime

import dagster as dg

from centra_whistl_dagster.defs import observed
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.settings import Settings
from centra_whistl_dagster.workflows.exceptions.alerting import tell_owners
from centra_whistl_dagster.workflows.exceptions.delivery import are_any_due, deliver
from centra_whistl_dagster.workflows.exceptions.watching import names_told_red, note_conditions

EACH_LOOP = 1
NOW_AND_THEN = 15
RUNNING = dg.DefaultSensorStatus.RUNNING
NO_ADDRESS = "Nobody is told: no alert address is set. .env.example says how."


def _ledger(settings: Settings) -> closing[Ledger]:
    return closing(Ledger(settings.ledger_url, now=lambda: datetime.now(UTC)))


@dg.sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description=(
        "Writes alerts for exceptions that are new, past their time limit, or resolved: one for "
        "each cause and owner, with the number of orders that wait."
    ),
)
def exceptions_changed(link: LinkResource) -> dg.SkipReason:
    """Look in the register."""
    if not link.settings().alerts.are_there:
        return dg.SkipReason(NO_ADDRESS)
    with link.open() as opened:
        return dg.SkipReason(f"{tell_owners(opened)} alerts written.")


@dg.sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description=(
        "Hands alerts to their channels; what a dead channel does not take goes to the second, "
        "and none is forgotten."
    ),
)
def alerts_waiting(link: LinkResource) -> dg.SkipReason:
    """Empty the outbox."""
    settings = link.settings()
    with _ledger(settings) as ledger:
        if not are_any_due(ledger):
            return dg.SkipReason("No alert waits.")
        done = deliver(ledger, settings.alerts)
    return dg.SkipReason(f"{done.sent} alerts sent, {done.put_off} put off.")


@dg.sensor(
    minimum_interval_seconds=NOW_AND_THEN,
    default_status=RUNNING,
    description=(
        "Writes alerts for checks that turned red or green or never ran, for sensors and schedules "
        "that fail whenever they look, and for jobs that work again."
    ),
)
def checks_changed(context: dg.SensorEvaluationContext, link: LinkResource) -> dg.SkipReason:
    """Compare what Dagster shows with what was told."""
    settings = link.settings()
    repository = context.repository_def
    if not settings.alerts.are_there or repository is None:
        return dg.SkipReason(NO_ADDRESS)
    instigators = [
        *(each.name for each in repository.sensor_defs),
        *(each.name for each in repository.schedule_defs),
    ]
    with _ledger(settings) as ledger:
        seen = [
            *observed.colours_of_checks(context.instance, repository),
            *observed.ends_of_jobs(context.instance, names_told_red(ledger)),
            *observed.ticks(context.instance, instigators),
        ]
        return dg.SkipReason(f"{note_conditions(ledger, seen)} alerts written.")


@dg.run_failure_sensor(
    minimum_interval_seconds=EACH_LOOP,
    default_status=RUNNING,
    description="Writes an alert when a job begins to fail; while it goes on failing, no more.",
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


ALERTS = [exceptions_changed, alerts_waiting, checks_changed, runs_failed]
