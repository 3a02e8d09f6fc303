"""Bank holidays are those that were published, and Easter is where the calendar has it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from centra_whistl_dagster.domain.bank_holidays import bank_holidays

# As https://www.gov.uk/bank-holidays listed them, without those declared once.
PUBLISHED = {
    2011: ["01-03", "04-22", "04-25", "05-02", "05-30", "08-29", "12-26", "12-27"],
    2021: ["01-01", "04-02", "04-05", "05-03", "05-31", "08-30", "12-27", "12-28"],
    2022: ["01-03", "04-15", "04-18", "05-02", "08-29", "12-26", "12-27"],
    2026: ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"],
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_every_published_bank_holiday_is_one(year: int) -> None:
    days = {date.fromisoformat(f"{year}-{day}") for day in PUBLISHED[year]}

    assert days <= bank_holidays(year)
    weekdays = {day for day in bank_holidays(year) if day.weekday() < 5}
    assert weekdays - days <= {date(2022, 5, 30)}  # moved to 2 June in that year alone


EASTER = ["2000-04-23", "2008-03-23", "2011-04-24", "2024-03-31", "2026-04-05", "2038-04-25"]
"""The earliest and the latest of half a century are among them."""


@pytest.mark.parametrize("day", [date.fromisoformat(day) for day in EASTER], ids=str)
def test_easter_sunday_and_the_days_around_it_are_quiet(day: date) -> None:
    around = {day + timedelta(days=days) for days in (-2, 0, 1)}

    assert around <= bank_holidays(day.year)
