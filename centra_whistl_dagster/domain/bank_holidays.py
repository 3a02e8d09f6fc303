"""The bank holidays of England and Wales, on which a usual day's trade proves nothing."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

_MONDAY = 0
_SATURDAY = 5


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """Return a year's regular bank holidays, the days they stand in for, and Easter Sunday.

    The days are those that https://www.gov.uk/bank-holidays lists each year. A holiday declared
    once, such as one for a coronation, follows no rule: operators list it as a quiet day.
    """
    easter = _easter(year)
    fixed = [date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)]
    movable = [
        easter + timedelta(days=-2),
        easter,
        easter + timedelta(days=1),
        _monday_from(date(year, 5, 1)),
        _monday_from(date(year, 5, 25)),
        _monday_from(date(year, 8, 25)),
    ]
    days = {*fixed, *movable}
    for day in fixed:
        if day.weekday() >= _SATURDAY:
            days.add(_next_free_weekday(day, days))
    return frozenset(days)


def _monday_from(day: date) -> date:
    return day + timedelta(days=(_MONDAY - day.weekday()) % 7)


def _next_free_weekday(day: date, taken: set[date]) -> date:
    while day.weekday() >= _SATURDAY or day in taken:
        day += timedelta(days=1)
    return day


def _easter(year: int) -> date:
    """Return Easter Sunday by the Gregorian rule of Meeus, Jones and Butcher (Nature, 1876)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    corrected = century - century // 4 - (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + corrected + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
