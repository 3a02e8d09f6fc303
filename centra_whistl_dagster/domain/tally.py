"""An honest count of what a step did: nothing read may be unaccounted for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar


class Fate:
    """What became of one record a step read.

    One of `Fate.WRITTEN`, `Fate.UNCHANGED`, `Skipped(reason)` and `Failed(reason)`. Fates are
    compared by value.
    """

    __slots__ = ()

    WRITTEN: ClassVar[Fate]
    """The record was written: to the other system, or to the ledger."""
    UNCHANGED: ClassVar[Fate]
    """There was nothing to write."""


@dataclass(frozen=True, slots=True)
class _Done(Fate):
    """A fate that needs no reason."""

    name: str


Fate.WRITTEN = _Done("written")
Fate.UNCHANGED = _Done("unchanged")


@dataclass(frozen=True, slots=True)
class Skipped(Fate):
    """The record was left alone on purpose."""

    reason: str
    """A few plain words, shown in Dagster beside the count."""


@dataclass(frozen=True, slots=True)
class Failed(Fate):
    """The record was tried, without success."""

    reason: str
    """A few plain words, shown in Dagster beside the count."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the records a step read.

    `read = written + unchanged + skipped + failed` holds when the step is done. The step sets
    `read` from its input, apart from `add`, so that a record it lost on the way shows up.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason."""
    failed: Counter[str] = field(default_factory=Counter)
    """By reason."""

    def add(self, fate: Fate, records: int = 1) -> None:
        """Count `records` records with this fate; with none, nothing is counted.

        Raises:
            TypeError: `fate` is not one of the four fates.
        """
        if not records:
            return
        match fate:
            case Fate.WRITTEN:
                self.written += records
            case Fate.UNCHANGED:
                self.unchanged += records
            case Skipped(reason):
                self.skipped[reason] += records
            case Failed(reason):
                self.failed[reason] += records
            case _:
                raise TypeError(f"Not a fate of a record: {fate!r}")

    def include(self, other: Tally) -> Tally:
        """Add what another tally of the same step counted; return this one."""
        self.read += other.read
        self.written += other.written
        self.unchanged += other.unchanged
        self.skipped += other.skipped
        self.failed += other.failed
        return self

    @property
    def accounted_for(self) -> int:
        """Records with a known fate."""
        return self.written + self.unchanged + self.skipped.total() + self.failed.total()

    @property
    def is_balanced(self) -> bool:
        """Whether every record read has a known fate."""
        return self.read == self.accounted_for
