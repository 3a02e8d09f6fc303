"""When something that failed in another system is tried again, and when its owner must hear of it.

The rule for shipments sent to Centra and for orders locked and unlocked there. Stock levels are
tried again by the next sync; orders sent to Whistl and orders to be stopped there have waits of
their own, beside their workflows.
"""

from __future__ import annotations

from datetime import timedelta

BACK_OFF = (
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""Waits after the first, second, ... failed attempt; the last one from then on. The short ones are
for refusals that pass by themselves, the long ones keep a lasting refusal from using up a quota."""

OWNER_HEARS_AFTER = 4
"""Failed attempts until an exception is opened: 80 seconds, when nothing else takes time."""


def back_off(attempts: int) -> timedelta:
    """Return how long to wait before the next attempt, after so many failed ones."""
    return BACK_OFF[min(max(attempts, 1), len(BACK_OFF)) - 1]


def must_owner_hear(attempts: int) -> bool:
    """Say whether so many failed attempts are no longer a passing fault."""
    return attempts >= OWNER_HEARS_AFTER
