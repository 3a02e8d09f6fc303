"""How open exceptions are divided into what is to be done, and for how long one may be snoozed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.london import LONDON

_START_OF_DAY = time(8)


class Part(StrEnum):
    """The parts of the worklist. Every open exception is in exactly one."""

    OVERDUE = "overdue"  # past its time limit
    DUE = "due"  # to be done, in time
    SNOOZED = "snoozed"  # somebody put it out of sight until later


@dataclass(frozen=True, slots=True)
class WorklistCounts:
    """How many exceptions are in each part."""

    by_part: Mapping[Part, int]

    @property
    def total(self) -> int:
        """All that are open."""
        return sum(self.by_part.values())


def added_up(counts: Iterable[WorklistCounts]) -> WorklistCounts:
    """Return the counts of several teams together."""
    listed = list(counts)
    return WorklistCounts({part: sum(each.by_part[part] for each in listed) for part in Part})


class Snooze(StrEnum):
    """For how long an exception is put out of sight. Its time limit and its alerts go on."""

    ONE_HOUR = "1 hour"
    FOUR_HOURS = "4 hours"
    TOMORROW = "until 08:00 tomorrow"

    def until(self, now: datetime) -> datetime:
        """Return when it is in sight again; mornings are London's."""
        if self is Snooze.ONE_HOUR:
            return now + timedelta(hours=1)
        if self is Snooze.FOUR_HOURS:
            return now + timedelta(hours=4)
        tomorrow = now.astimezone(LONDON).date() + timedelta(days=1)
        return datetime.combine(tomorrow, _START_OF_DAY, tzinfo=LONDON)
