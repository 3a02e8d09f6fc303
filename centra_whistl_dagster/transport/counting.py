"""Count calls by hour and operation, in memory, until somebody stores the counts.

A process that is killed loses what it has counted since they were last stored: a few calls of
statistics, never of the pacing, which is in a shared file (`pacing`).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class HourOfCalls:
    """The calls of one operation that ended in one hour."""

    hour: datetime
    system: str
    operation: str
    calls: int = 0
    tries: int = 0
    """Requests sent, or tried to be sent: each call has one or more."""
    failed: int = 0
    """Calls that ended in an error, whichever."""
    throttled: int = 0
    """Tries that the other system's limit, or our share of it, kept back."""
    milliseconds: int = 0
    """From the beginning of each call to its end, waits included."""
    units: Counter[str] = field(default_factory=Counter)
    """Units taken, by quota."""
    allowed: Mapping[str, int | None] = field(default_factory=dict)
    """Units we may take in an hour, by quota; None where there is no limit."""


class CallCounter:
    """Counts the calls to one system. Safe to use from several threads."""

    def __init__(
        self, system: str, *, now: Callable[[], datetime], allowed: Callable[[str], int | None]
    ) -> None:
        """Begin at nothing.

        Args:
            system: its name.
            now: the clock, aware UTC.
            allowed: returns how many units of a quota we may take in an hour.
        """
        self._system = system
        self._now = now
        self._allowed = allowed
        self._lock = threading.Lock()
        self._counts: dict[tuple[datetime, str], HourOfCalls] = {}

    def add(
        self,
        operation: str,
        *,
        tries: int,
        throttled: int,
        is_failed: bool,
        seconds: float,
        units: Mapping[str, int],
    ) -> None:
        """Count a call that has ended."""
        hour = self._now().replace(minute=0, second=0, microsecond=0)
        with self._lock:
            counted = self._counts.get((hour, operation))
            if counted is None:
                counted = HourOfCalls(hour=hour, system=self._system, operation=operation)
                self._counts[hour, operation] = counted
            counted.calls += 1
            counted.tries += tries
            counted.failed += is_failed
            counted.throttled += throttled
            counted.milliseconds += round(1000 * seconds)
            counted.units.update(units)

    def take(self) -> list[HourOfCalls]:
        """Return what was counted since the last time, and begin at nothing again."""
        with self._lock:
            taken, self._counts = self._counts, {}
        for counted in taken.values():
            counted.allowed = {resource: self._allowed(resource) for resource in counted.units}
        return list(taken.values())
