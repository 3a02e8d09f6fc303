"""The days and weeks that briefs report on, in London time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.london import LONDON

_NAME = re.compile(r"(daily|weekly)-(\d{4}-\d{2}-\d{2})")


class Cadence(StrEnum):
    """How often a brief is written."""

    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def days(self) -> int:
        """How many days a brief reports on."""
        return 1 if self is Cadence.DAILY else 7


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The day, or the seven days from Monday to Sunday, that one brief reports on."""

    first: date
    cadence: Cadence

    @property
    def last(self) -> date:
        """The last day of it."""
        return self.first + timedelta(days=self.cadence.days - 1)

    @property
    def since(self) -> datetime:
        """The midnight in London with which it begins, in UTC."""
        return _midnight(self.first)

    @property
    def until(self) -> datetime:
        """The midnight in London with which it ends, in UTC: after 23 to 25 hours, or a week."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def name(self) -> str:
        """The name of its brief, such as `daily-2026-11-23`."""
        return f"{self.cadence}-{self.first.isoformat()}"

    @property
    def in_words(self) -> str:
        """Return it as people read it: `Monday 23 November 2026`, or two days with a dash."""
        if self.cadence is Cadence.DAILY:
            return f"{self.first:%A} {self.first.day} {self.first:%B %Y}"
        is_one_month = self.first.month == self.last.month
        start = f"{self.first.day}" if is_one_month else f"{self.first.day} {self.first:%B}"
        return f"{start} – {self.last.day} {self.last:%B %Y}"  # noqa: RUF001 - a dash


def day_of(moment: datetime) -> Period:
    """Return the London day that a moment is in."""
    return Period(moment.astimezone(LONDON).date(), Cadence.DAILY)


def day_before(moment: datetime) -> Period:
    """Return the last whole London day before a moment."""
    return Period(moment.astimezone(LONDON).date() - timedelta(days=1), Cadence.DAILY)


def week_before(moment: datetime) -> Period:
    """Return the last whole week, Monday to Sunday, before a moment."""
    today = moment.astimezone(LONDON).date()
    return Period(today - timedelta(days=today.weekday() + 7), Cadence.WEEKLY)


def period_named(name: str) -> Period | None:
    """Return the period of a brief's name; None where it is not a brief's name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        period = Period(date.fromisoformat(found[2]), Cadence(found[1]))
    except ValueError:
        return None
    is_monday = period.first.weekday() == 0
    return period if period.cadence is Cadence.DAILY or is_monday else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=LONDON).astimezone(UTC)
