"""Silence and loss are found in made-up shops, and shops that trade as usual alarm nobody."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.arrays import Floats
from centra_whistl_dagster.domain.volume import (
    LOSS_LIMIT,
    SILENCE_LIMIT,
    Judgement,
    VolumePolicy,
    judge,
)

BEGAN = datetime(2026, 5, 26, tzinfo=UTC)
WEEKS = 12
A_MONDAY = datetime(2026, 8, 3, 12, tzinfo=UTC)
"""A busy hour, ten weeks after the beginning."""
BUSY = range(9, 21)


def shop(per_hour: float, *, seed: int = 1, days_vary: float = 0.0, weeks: int = WEEKS) -> Floats:
    """Return when orders come: by day, fewer at night, days better and worse than others."""
    rng = np.random.default_rng(seed)
    moments = []
    for day in range(weeks * 7):
        level = rng.gamma(1 / days_vary, days_vary) if days_vary else 1.0
        for hour in range(24):
            start = BEGAN + timedelta(days=day, hours=hour)
            rate = level * per_hour * (1.0 if start.astimezone(LONDON).hour in BUSY else 0.1)
            moments.append(start.timestamp() + 3600 * rng.random(rng.poisson(rate)))
    return np.sort(np.concatenate(moments))


def judged(
    arrivals: Floats, now: datetime, policy: VolumePolicy | None = None, since: datetime = BEGAN
) -> Judgement:
    seen = arrivals[arrivals <= now.timestamp()]
    return judge(seen, known_since=since, now=now, policy=policy or VolumePolicy())


def until(arrivals: Floats, end: datetime) -> Floats:
    return arrivals[arrivals < end.timestamp()]


def halved(arrivals: Floats, since: datetime, *, seed: int = 2) -> Floats:
    dice = np.random.default_rng(seed).random(len(arrivals))
    kept: Floats = arrivals[(arrivals < since.timestamp()) | (dice < 0.5)]
    return kept


def hours_until(found: str, arrivals: Floats, since: datetime, *, most: int = 14 * 24) -> int:
    """Return after how many hours a rule finds it; fails if it never does."""
    for hours in range(most):
        if getattr(judged(arrivals, since + timedelta(hours=hours)), found):
            return hours
    raise AssertionError(f"not found within {most} hours")


def test_the_limits_are_one_false_alarm_in_ten_years_and_one_in_two() -> None:
    assert np.exp(SILENCE_LIMIT) == pytest.approx(10 * 365 * 24 * 6)
    assert np.exp(LOSS_LIMIT) == pytest.approx(2 * 365 * 24)


@pytest.mark.parametrize("days_vary", [0.0, 0.05])
def test_a_shop_that_trades_as_usual_alarms_nobody(days_vary: float) -> None:
    for seed in range(8):
        arrivals = shop(10, seed=seed, days_vary=days_vary)
        for hours in range(0, 14 * 24, 3):
            seen = judged(arrivals, A_MONDAY + timedelta(hours=hours))
            assert seen.is_judged
            assert seen.is_usual, (seed, hours, seen)


@pytest.mark.parametrize(("per_hour", "within_hours"), [(60, 1), (20, 2), (6, 4), (2, 11)])
def test_total_silence_is_found_as_soon_as_that_many_orders_allow(
    per_hour: float, within_hours: int
) -> None:
    arrivals = until(shop(per_hour), A_MONDAY)

    assert hours_until("is_silent", arrivals, A_MONDAY) <= within_hours


def test_how_soon_a_silence_would_be_found_is_stated_and_kept() -> None:
    arrivals = shop(20)
    stated = judged(arrivals, A_MONDAY).silence_found_within_hours
    assert stated is not None
    silent = until(arrivals, A_MONDAY)

    before = judged(silent, A_MONDAY + timedelta(hours=stated - 0.2))
    after = judged(silent, A_MONDAY + timedelta(hours=stated + 0.01))

    assert not before.is_silent
    assert after.is_silent
    assert after.expected_in_silence > before.expected_in_silence > 5


@pytest.mark.parametrize(("per_hour", "within_hours"), [(60, 4), (20, 12), (6, 48)])
def test_half_of_the_orders_lost_is_found(per_hour: float, within_hours: int) -> None:
    arrivals = halved(shop(per_hour), A_MONDAY)

    assert hours_until("is_reduced", arrivals, A_MONDAY) <= within_hours
    seen = judged(arrivals, A_MONDAY + timedelta(hours=within_hours))
    assert 0.3 < seen.arrived_in_loss / seen.expected_in_loss < 0.75


@pytest.mark.parametrize("per_hour", [20, 1])
def test_a_silence_of_weeks_does_not_become_usual(per_hour: float) -> None:
    arrivals = until(shop(per_hour), A_MONDAY)

    for weeks in (1, 3, 4, 5, 6):
        assert judged(arrivals, A_MONDAY + timedelta(weeks=weeks)).is_silent, weeks


def test_a_quiet_night_is_no_silence() -> None:
    arrivals = until(shop(6), A_MONDAY.replace(hour=21))

    assert judged(arrivals, A_MONDAY + timedelta(hours=18)).is_usual


def test_days_that_vary_more_need_more_silence() -> None:
    steady, wild = (judged(shop(20, days_vary=v), A_MONDAY) for v in (0.0, 0.2))

    assert steady.dispersion < 2
    assert wild.dispersion > 5
    assert steady.silence_found_within_hours is not None
    assert wild.silence_found_within_hours is not None
    assert steady.silence_found_within_hours < wild.silence_found_within_hours / 2


def test_nothing_is_judged_before_eight_weeks_are_known() -> None:
    arrivals = until(shop(20), A_MONDAY)
    now = A_MONDAY + timedelta(days=1)

    young = judged(arrivals, now, since=now - timedelta(weeks=8) + timedelta(hours=1))
    old = judged(arrivals, now, since=now - timedelta(weeks=8))

    assert (young.weeks_seen, young.is_judged, young.is_usual) == (7, False, True)
    assert (old.weeks_seen, old.is_judged, old.is_silent) == (8, True, True)


def test_a_shop_without_a_single_order_is_not_judged() -> None:
    assert not judged(np.array([]), A_MONDAY).is_judged


@pytest.mark.parametrize("policy", [VolumePolicy(), VolumePolicy(quiet_days=(date(2026, 8, 3),))])
def test_on_a_quiet_day_nothing_is_expected(policy: VolumePolicy) -> None:
    arrivals = until(shop(20), A_MONDAY.replace(hour=0))

    seen = judged(arrivals, A_MONDAY.replace(hour=20), policy)

    assert seen.is_silent is not bool(policy.quiet_days)


def test_a_day_of_silence_does_not_become_usual() -> None:
    arrivals = shop(20)
    day = A_MONDAY.replace(hour=0) - timedelta(weeks=4)
    gone = (arrivals >= day.timestamp()) & (arrivals < (day + timedelta(days=1)).timestamp())

    seen, without = judged(arrivals, A_MONDAY), judged(arrivals[~gone], A_MONDAY)

    assert without.dispersion == pytest.approx(seen.dispersion, abs=0.3)
    assert without.silence_found_within_hours == pytest.approx(
        seen.silence_found_within_hours, abs=0.2
    )


def test_the_night_on_which_the_clocks_change_is_like_any_other() -> None:
    clocks_change = datetime(2026, 10, 25, 1, tzinfo=UTC)
    arrivals = shop(20, weeks=24)

    for hours in range(-48, 49, 4):
        assert judged(arrivals, clocks_change + timedelta(hours=hours)).is_usual
