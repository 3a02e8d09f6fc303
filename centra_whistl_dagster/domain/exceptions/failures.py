"""When a step that keeps failing is an exception.

A step is one asset's run, a sensor or a schedule.
Pure functions of what was remembered of the step. What a failure is like, so that two can be told
alike, is its fingerprint: text of our own, nothing personal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

OUTAGE_LASTS = timedelta(seconds=60)
"""An outage of another system that is over by then is not worth a person's time."""

_ALIKE = 2
_OF_ANY_KIND = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Failures of one step since it last succeeded."""

    fingerprint: str
    """Of the last failure."""
    alike: int
    """How many in a row had that fingerprint."""
    failures: int
    """How many there were, whatever they were like."""
    since: datetime
    """When the first of them was, aware UTC."""


def after_failure(before: Streak | None, fingerprint: str, now: datetime) -> Streak:
    """Return the streak with one more failure in it."""
    if before is None:
        return Streak(fingerprint=fingerprint, alike=1, failures=1, since=now)
    is_alike = before.fingerprint == fingerprint
    return Streak(
        fingerprint=fingerprint,
        alike=before.alike + 1 if is_alike else 1,
        failures=before.failures + 1,
        since=before.since,
    )


def is_exception(streak: Streak, now: datetime, *, may_pass: bool) -> bool:
    """Say whether a person must hear of a streak of failures.

    Two alike are enough. So are three that differ: two faults that take turns would never be alike.

    Args:
        streak: the failures up to now.
        now: the current time.
        may_pass: the last failure is an outage of another system, which usually ends by itself.
    """
    is_repeated = streak.alike >= _ALIKE or streak.failures >= _OF_ANY_KIND
    return is_repeated and (not may_pass or now - streak.since >= OUTAGE_LASTS)
