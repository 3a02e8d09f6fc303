"""An honest count of what a step did: nothing read may be unaccounted for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the records a step read.

    `read = written + unchanged + skipped + failed` holds when the step is done.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason."""
    failed: Counter[str] = field(default_factory=Counter)
    """By reason."""

    @property
    def accounted_for(self) -> int:
        """Records with a known fate."""
        return self.written + self.unchanged + self.skipped.total() + self.failed.total()

    @property
    def is_balanced(self) -> bool:
        """Whether every record read has a known fate."""
        return self.read == self.accounted_for

    def as_dict(self) -> dict[str, object]:
        """Return the figures with plain names."""
        return {
            "read": self.read,
            "written": self.written,
            "unchanged": self.unchanged,
            "skipped": dict(self.skipped),
            "failed": dict(self.failed),
        }
