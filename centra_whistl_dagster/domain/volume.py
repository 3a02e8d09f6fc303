"""Whether as many orders, or despatches, come as usual for the hour of the week.

A link that looks active and carries nothing, or half, raises no error. Two rules find it:

- *silence*: nothing has come since the last arrival, although so much was expected that the chance
  of it is below one in the checks of ten years;
- *partial loss*: a CUSUM (Page 1954) of the evidence that arrivals have halved, for each hour
  `S = max(0, S + (arrived · ln ½ + expected / 2) / dispersion)`; without any loss it needs at least
  `e^limit` hours on average to reach its limit (Lorden 1971), which is two years.

Together they promise less than one false alarm a year, as far as arrivals are negative binomial
with the dispersion (variance over mean) that forecasts of past days had. No clock and no I/O.
Does not belong here: exact comparisons of two lists (`workflows.orders.balance`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np

from centra_whistl_dagster.domain.bank_holidays import bank_holidays
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.arrays import Bools, Floats, Ints
from centra_whistl_dagster.domain.stock.velocity import HOURS_OF_WEEK, hour_of_week

WEEKS_JUDGED = 2
"""The CUSUM runs over these last weeks, from which nothing is learnt."""
WEEKS_LEARNT = 8
"""Before them: what an hour of the week usually brings."""
LEAST_WEEKS_LEARNT = 6
WEEKS_READ = WEEKS_JUDGED + WEEKS_LEARNT
_WEEKS_OF_LEVEL = 3
"""The newest weeks learnt from in which anything came, whose level is that of the forecast: trade
grows and shrinks."""

_CHECKED_EVERY = timedelta(minutes=10)
_YEAR = timedelta(days=365)
SILENCE_LIMIT = math.log(10 * _YEAR / _CHECKED_EVERY)
"""Of minus the logarithm of the chance of a silence, 13.2: one false alarm in ten years. A shop
closes early now and then, and a strict limit hardly delays finding a silence."""
LOSS_LIMIT = math.log(2 * _YEAR / timedelta(hours=1))
"""Of the CUSUM, 9.8: one false alarm in two years."""

_HOUR = 3600
_MOST_HOURS_AHEAD = 14 * 24
_TELLING_DAY = 10.0
"""Arrivals expected of a day, without a tenth of which it is an empty day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePolicy:
    """What operators decide (`[volume]` in `config/policy.toml`)."""

    quiet_days: tuple[date, ...] = ()
    """London days, besides bank holidays, on which fewer orders or despatches mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the arrivals up to a moment show."""

    weeks_seen: int
    """Whole weeks that arrivals are known for; nothing is judged before there are enough."""
    is_judged: bool = False
    is_silent: bool = False
    silent_hours: float = 0.0
    """Since the last arrival."""
    expected_in_silence: float = 0.0
    is_reduced: bool = False
    arrived_in_loss: int = 0
    """Arrivals since the CUSUM last was zero."""
    expected_in_loss: float = 0.0
    dispersion: float = 1.0
    silence_found_within_hours: float | None = None
    """If nothing more comes from now on; None: not within two weeks."""

    @property
    def is_usual(self) -> bool:
        """Whether nothing is amiss, as far as can be told."""
        return not (self.is_silent or self.is_reduced)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hours:
    """Consecutive hours; all arrays have one element for each."""

    counts: Floats
    of_week: Ints
    day: Ints
    """Ordinal of the London day."""
    is_usual: Bools

    def __getitem__(self, part: slice) -> _Hours:
        return _Hours(
            counts=self.counts[part],
            of_week=self.of_week[part],
            day=self.day[part],
            is_usual=self.is_usual[part],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forecast:
    by_hour_of_week: Floats
    dispersion: float

    def of(self, hours: _Hours) -> Floats:
        expected: Floats = np.where(hours.is_usual, self.by_hour_of_week[hours.of_week], 0.0)
        return expected


def judge(
    arrivals: Floats, *, known_since: datetime, now: datetime, policy: VolumePolicy
) -> Judgement:
    """Judge arrivals against what each hour of the week usually brings.

    Args:
        arrivals: moments in seconds since 1970 UTC; those outside the weeks that count are ignored.
        known_since: from when on all arrivals are among them.
        now: the moment to judge.
        policy: what operators decided.
    """
    this_hour = int(now.timestamp()) // _HOUR
    first = max(this_hour - WEEKS_READ * HOURS_OF_WEEK, -(-int(known_since.timestamp()) // _HOUR))
    weeks = max(0, this_hour - first) // HOURS_OF_WEEK
    nothing = Judgement(weeks_seen=weeks)
    if weeks < LEAST_WEEKS_LEARNT + WEEKS_JUDGED:
        return nothing
    within = arrivals[(arrivals >= first * _HOUR) & (arrivals <= now.timestamp())]
    hours = _hours(within, first, this_hour + _MOST_HOURS_AHEAD, policy)
    start = this_hour - first - WEEKS_JUDGED * HOURS_OF_WEEK
    forecast = _forecast(hours[:start])
    if forecast is None:
        return nothing
    judged = replace(nothing, is_judged=True, dispersion=forecast.dispersion)
    last = max(float(within.max(initial=0.0)), float((first + start) * _HOUR))
    zero = first * _HOUR
    judged = _with_silence(
        judged, forecast.of(hours), (last - zero) / _HOUR, (now.timestamp() - zero) / _HOUR
    )
    return _with_loss(judged, hours[start : this_hour - first], forecast)


def _hours(arrivals: Floats, first: int, end: int, policy: VolumePolicy) -> _Hours:
    numbers = range(first, end)
    kinds = [_kind_of(number) for number in numbers]
    of_week, day, is_holiday = (np.array(column) for column in zip(*kinds, strict=True))
    quiet = [each.toordinal() for each in policy.quiet_days]
    positions = arrivals.astype(np.int64) // _HOUR - first
    return _Hours(
        counts=np.bincount(positions, minlength=len(numbers)).astype(np.float64),
        of_week=of_week,
        day=day,
        is_usual=~is_holiday & ~np.isin(day, quiet),
    )


@lru_cache(maxsize=4 * WEEKS_READ * HOURS_OF_WEEK)
def _kind_of(hour: int) -> tuple[int, int, bool]:
    """Return the hour of the week, the London day and whether it is a bank holiday."""
    at = datetime.fromtimestamp(hour * _HOUR, UTC)
    day = at.astimezone(LONDON).date()
    return hour_of_week(at, LONDON), day.toordinal(), day in bank_holidays(day.year)


def _forecast(learnt: _Hours) -> _Forecast | None:
    """Learn the profile of a week, the level of the newest weeks, and how far forecasts err."""
    profile = _profile(learnt)
    is_empty = _is_empty_day(learnt, np.where(learnt.is_usual, profile[learnt.of_week], 0.0))
    # A day on which nothing came is a fault or a holiday of its own, and no guide to usual days.
    usual = replace(learnt, is_usual=learnt.is_usual & ~is_empty)
    profile = _profile(usual)
    expected = np.where(usual.is_usual, profile[usual.of_week], 0.0)
    arrived = np.where(usual.is_usual, usual.counts, 0.0)
    week = (len(expected) - 1 - np.arange(len(expected))) // HOURS_OF_WEEK
    arrived_by_week: Floats = np.bincount(week, arrived).astype(np.float64)
    expected_by_week: Floats = np.bincount(week, expected).astype(np.float64)
    newest = _level(arrived_by_week, expected_by_week)
    if newest is None:
        return None
    before = [
        _level(arrived_by_week[after:], expected_by_week[after:])
        for after in range(1, len(arrived_by_week) + 1)
    ]
    levels = np.array([np.nan if level is None else level for level in before])
    return _Forecast(
        by_hour_of_week=profile * newest,
        dispersion=_dispersion(usual.day, arrived, expected * levels[week]),
    )


def _profile(hours: _Hours) -> Floats:
    usual = hours.is_usual
    arrived = np.bincount(hours.of_week[usual], hours.counts[usual], HOURS_OF_WEEK)
    seen = np.bincount(hours.of_week[usual], minlength=HOURS_OF_WEEK)
    profile: Floats = arrived / np.maximum(seen, 1)
    return profile


def _level(arrived: Floats, expected: Floats) -> float | None:
    """Return by how much the newest of some weeks, newest first, exceed the profile.

    A week in which nothing came, or nothing was expected, says nothing of the level. Otherwise a
    silence that lasts would become what is usual. None where no week says anything.
    """
    telling = np.flatnonzero((expected > 0) & (arrived > 0))[:_WEEKS_OF_LEVEL]
    return float(arrived[telling].sum() / expected[telling].sum()) if telling.size else None


def _is_empty_day(hours: _Hours, expected: Floats) -> Bools:
    """Return, hour by hour, whether the day brought less than a tenth of what was expected."""
    _, day = np.unique(hours.day, return_inverse=True)
    of_day = np.bincount(day, expected)
    empty: Bools = (of_day >= _TELLING_DAY) & (np.bincount(day, hours.counts) < of_day / 10)
    return empty[day]


def _dispersion(days: Ints, arrived: Floats, expected: Floats) -> float:
    """Return variance over mean of whole days, by forecasts from the weeks before each; 1 or more.

    Hours of one day rise and fall together, so that the dispersion of hours would promise too much.
    """
    known = ~np.isnan(expected)
    _, day = np.unique(days[known], return_inverse=True)
    forecast, actual = np.bincount(day, expected[known]), np.bincount(day, arrived[known])
    telling = forecast >= 1
    if not telling.any():
        return 1.0
    squares = (actual[telling] - forecast[telling]) ** 2 / forecast[telling]
    return max(1.0, float(squares.mean()))


def _with_silence(judged: Judgement, expected: Floats, last: float, now: float) -> Judgement:
    """Judge the silence from `last` to `now`, both in hours from the first one."""
    reached = np.concatenate([[0.0], np.cumsum(expected)])
    edges = np.arange(len(reached), dtype=np.float64)
    at_last, at_now = np.interp([last, now], edges, reached)
    limit = SILENCE_LIMIT / _nats_per_arrival(judged.dispersion)
    position = int(np.searchsorted(reached, at_now + limit))
    within = None
    if position < len(reached):
        last_hour = slice(position - 1, position + 1)
        within = float(np.interp(at_now + limit, reached[last_hour], edges[last_hour])) - now
    return replace(
        judged,
        is_silent=bool(at_now - at_last >= limit),
        silent_hours=now - last,
        expected_in_silence=float(at_now - at_last),
        silence_found_within_hours=within,
    )


def _nats_per_arrival(dispersion: float) -> float:
    """Return minus the logarithm of the chance that none comes, for each arrival expected.

    Of a negative binomial with mean m and dispersion d it is `m · ln d / (d - 1)`; Poisson's m is
    the limit at 1.
    """
    return 1.0 if dispersion < 1.0001 else math.log(dispersion) / (dispersion - 1)


def _with_loss(judged: Judgement, hours: _Hours, forecast: _Forecast) -> Judgement:
    expected = forecast.of(hours)
    arrived = np.where(hours.is_usual, hours.counts, 0.0)
    # Empty days are the other rule's: here one would outweigh a fortnight of usual ones.
    counts_here = ~_is_empty_day(hours, expected) | (hours.day == hours.day[-1])
    steps = (arrived * math.log(0.5) + expected / 2) / forecast.dispersion
    reached, since = 0.0, 0
    for position, step in enumerate(np.where(counts_here, steps, 0.0)):
        reached += float(step)
        if reached <= 0:
            reached, since = 0.0, position + 1
    return replace(
        judged,
        is_reduced=reached >= LOSS_LIMIT,
        arrived_in_loss=int(arrived[since:].sum()),
        expected_in_loss=float(expected[since:].sum()),
    )


def as_seconds(moments: Iterable[datetime]) -> Floats:
    """Return moments in seconds since 1970 UTC, as `judge` takes them."""
    return np.array([moment.timestamp() for moment in moments], dtype=np.float64)
