"""How many orders may be on their way to Whistl at once, within one round."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from centra_whistl_dagster.domain.orders.breaker import Breaker
from centra_whistl_dagster.domain.tally import Skipped

SILENT = Skipped("Whistl does not answer")


class Gate:
    """Lets fewer calls be under way after each lost answer, and none once Whistl has gone."""

    def __init__(self, breaker: Breaker, *, at_once: int) -> None:
        self._breaker, self._at_once = breaker, at_once
        self._under_way = 0
        self._changed = Condition()
        self.is_shut = False
        self.why = SILENT
        """What becomes of the orders that it does not let through."""

    @contextmanager
    def entered(self) -> Iterator[bool]:
        """Wait for room; False when the gate is shut."""
        with self._changed:
            self._changed.wait_for(self._has_room)
            if self.is_shut:
                yield False
                return
            self._under_way += 1
        try:
            yield True
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def note(self, breaker: Breaker) -> None:
        """Take over the breaker as it stands after an answer."""
        with self._changed:
            self._breaker = breaker
            self.is_shut = self.is_shut or breaker.opened_at is not None
            self._changed.notify_all()

    def shut(self, why: Skipped) -> None:
        """Let nothing more through in this round."""
        with self._changed:
            self.is_shut, self.why = True, why
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self.is_shut or self._under_way < self._breaker.room(at_once=self._at_once)
