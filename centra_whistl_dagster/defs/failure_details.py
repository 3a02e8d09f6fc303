"""What an alert says of a failed run or tick: its meaning for the business, its cause, what to do.

Of an unexpected error only the class is named: its text may quote a record.
"""

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorTick
from dagster_shared.error import SerializableErrorInfo

from centra_whistl_dagster.defs.purposes import Purpose

_TICKS_AGAIN = "The next tick follows automatically."
_OUR_FAULT = (
    "which shows where the error arose: it is a fault in our code, or the machine lacks space or "
    "memory."
)
_PROCESS_ENDED = "check the machine's memory and disk, and that Dagster's processes run."


def of_run(purpose: Purpose, context: dg.RunFailureSensorContext) -> str:
    """Describe the failed run that a sensor was called for."""
    to_do = "correct what the cause names."
    causes = []
    for event in context.get_step_failure_events():
        failure = event.step_failure_data
        cause = failure.user_failure_data.description if failure.user_failure_data else None
        if not cause:
            cause = _unexpected(_root(failure.error))
            to_do = f"open the run in Dagster, {_OUR_FAULT}"
        causes.append(f"Cause, in {str(event.step_key).replace('__', '/')}: {cause}")
    if not causes:
        causes = ["Cause: no step failed. The run's process ended, or exceeded its time limit."]
        to_do = _PROCESS_ENDED
    run = context.dagster_run.run_id[:8]
    to_do = f"What to do: {to_do} {purpose.afterwards} (Run {run}.)"
    return "\n".join([purpose.while_failing, *causes, to_do])


def of_tick(purpose: Purpose, tick: InstigatorTick) -> str:
    """Describe a failed tick of a sensor or schedule."""
    error = _root(tick.error)
    if error is not None and _is_failure(error):
        cause = error.message.partition(": ")[2].strip()
        to_do = f"correct what the cause names. {_TICKS_AGAIN}"
    else:
        cause = _unexpected(error)
        to_do = f"open the tick in Dagster, under Automation, {_OUR_FAULT} {_TICKS_AGAIN}"
    return "\n".join([purpose.while_failing, f"Cause: {cause}", f"What to do: {to_do}"])


def _unexpected(error: SerializableErrorInfo | None) -> str:
    return f"an unexpected error, {error.cls_name}." if error else "an error that gave no reason."


def _root(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """Return the error that was raised first, or a `Failure` made of it: its text is for people.

    Dagster wraps either in errors of its own.
    """
    while error is not None and error.cause is not None and not _is_failure(error):
        error = error.cause
    return error


def _is_failure(error: SerializableErrorInfo) -> bool:
    return error.cls_name == dg.Failure.__name__
