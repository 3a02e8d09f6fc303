"""Which London day or week a brief is about, also when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from centra_whistl_dagster.domain.brief_periods import (
    Cadence,
    Period,
    day_before,
    day_of,
    period_named,
    week_before,
)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 3, 30), 24), (date(2026, 10, 25), 25)],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day: date, hours: int) -> None:
    period = Period(day, Cadence.DAILY)

    assert period.until - period.since == timedelta(hours=hours)
    assert day_of(period.since) == day_of(period.until - timedelta(seconds=1)) == period
    assert day_before(period.until) == period


def test_the_brief_of_the_morning_after_the_clocks_changed_is_about_the_day_before() -> None:
    seven_in_summer = datetime(2026, 3, 30, 6, 0, tzinfo=UTC)
    seven_in_winter = datetime(2026, 10, 26, 7, 0, tzinfo=UTC)

    assert day_before(seven_in_summer).first == date(2026, 3, 29)
    assert day_before(seven_in_winter).first == date(2026, 10, 25)


def test_just_after_midnight_in_london_it_is_still_yesterday_in_utc() -> None:
    assert day_of(datetime(2026, 6, 1, 23, 30, tzinfo=UTC)).first == date(2026, 6, 2)


@pytest.mark.parametrize("hour", [0, 23])
def test_the_last_whole_week_ends_with_last_sunday(hour: int) -> None:
    for day in range(23, 30):  # Monday to Sunday
        week = week_before(datetime(2026, 11, day, hour, tzinfo=UTC))

        assert (week.first, week.last) == (date(2026, 11, 16), date(2026, 11, 22))


def test_a_week_in_which_the_clocks_change_has_an_hour_more() -> None:
    week = Period(date(2026, 10, 19), Cadence.WEEKLY)

    assert week.until - week.since == timedelta(days=7, hours=1)


def test_a_period_is_found_again_by_its_name() -> None:
    for period in (Period(date(2026, 11, 23), cadence) for cadence in Cadence):
        assert period_named(period.name) == period


@pytest.mark.parametrize(
    "name",
    ["", "daily-2026-02-30", "weekly-2026-11-24", "../daily-2026-11-23", "daily-2026-11-23.html"],
)
def test_what_is_no_brief_s_name_names_none(name: str) -> None:
    assert period_named(name) is None
