"""A clock that a test moves by hand: a trading day takes no time and always goes the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from centra_whistl_dagster.simulator.world.world import World

BEGINNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """Call it for the time, which is aware UTC and stands still until it is advanced."""

    def __init__(self, start: datetime = BEGINNING) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """Return the time."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move on, doing nothing of what falls due, and return the new time."""
        self._now += timedelta(seconds=seconds)
        return self._now

    def run(self, world: World, seconds: float) -> int:
        """Move on through everything that falls due, each at its own moment.

        Returns how many things happened. The world must have been made with this clock.
        """
        end = self._now + timedelta(seconds=seconds)
        done = world.run_due()
        while (due := world.next_due_at()) is not None and due <= end:
            self._now = max(self._now, due)
            done += world.run_due()
        self._now = end
        return done
