"""How far a feed of numbered messages may be taken as read, and where messages may be missing.

Whistl numbers its despatch messages in a rising sequence. The cursor must not follow one absurd
number: everything that comes after it under a true number would be hidden for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_JUMP = 10_000
"""From one message to the next. Feeds that several clients share have gaps, but not such gaps."""
BELIEVED_FROM = 3
"""Messages close to each other that prove a jump: then it is the feed that moved on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Sequences that no message had, both ends excluded."""

    after: int
    before: int


def safe_cursor(cursor: int, sequences: Iterable[int], reached: int) -> int:
    """Return the sequence up to which the feed may be taken as read.

    Args:
        cursor: up to where it was read before.
        sequences: of the messages after it.
        reached: up to where the sender says that the page reaches, messages of others included.
    """
    later = sorted({sequence for sequence in sequences if sequence > cursor})
    for place, sequence in enumerate(later):
        if sequence - cursor > MOST_JUMP and not _is_believed(later[place:]):
            return cursor
        cursor = sequence
    return max(cursor, reached) if reached - cursor <= MOST_JUMP else cursor


def _is_believed(beyond: list[int]) -> bool:
    return len(beyond) >= BELIEVED_FROM and beyond[BELIEVED_FROM - 1] - beyond[0] <= MOST_JUMP


def gaps(cursor: int, sequences: Iterable[int]) -> list[Gap]:
    """Return where the sequences after a cursor leave numbers out, absurd jumps apart."""
    found = []
    for sequence in sorted({sequence for sequence in sequences if sequence > cursor}):
        if 1 < sequence - cursor <= MOST_JUMP:
            found.append(Gap(after=cursor, before=sequence))
        cursor = sequence
    return found
