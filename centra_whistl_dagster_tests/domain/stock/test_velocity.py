from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.demand_counts import (
    average,
    nothing_yet,
    with_clumps_of_units,
    with_interval,
)
from centra_whistl_dagster.domain.stock.velocity import (
    Observed,
    Pooling,
    aged,
    estimate,
    hour_of_week,
    hours_of_week_between,
    profile,
    unexplained,
)

POOLING = Pooling()


def counted(**counts: float) -> Observed:
    """The counts of one SKU; zero where none are given."""
    return replace(nothing_yet(1), **{name: np.array([count]) for name, count in counts.items()})


@pytest.mark.parametrize(
    ("case", "before", "after", "ours", "expected"),
    [
        ("only our orders", 10, 7, 3, (0, 0)),
        ("another channel too", 10, 5, 3, (2, 0)),
        ("goods came in", 10, 30, 3, (0, 23)),
        ("an order of ours given back", 10, 12, -2, (0, 0)),
        ("below nothing", 1, -4, 2, (3, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_our_orders_do_not_explain_is_unseen_demand_or_goods_in(
    case: str, before: int, after: int, ours: int, expected: tuple[int, int]
) -> None:
    unseen, arrived = unexplained(np.array([before]), np.array([after]), np.array([ours]))

    assert (unseen.item(), arrived.item()) == expected


def test_counts_halve_in_each_half_life() -> None:
    old = aged(counted(hours=10.0, seen_units=8.0, unseen_intervals=4.0), 14 * 24, 14)

    assert [old.hours.item(), old.seen_units.item(), old.unseen_intervals.item()] == [5, 4, 2]
    assert sum(astuple(old)) == 11.0


def test_a_sku_with_plenty_of_counts_has_its_own_rate_and_a_new_one_the_average() -> None:
    average_sku = counted(hours=1000.0, seen_units=90.0, unseen_units=10.0)
    observed = replace(
        nothing_yet(2),
        hours=np.array([100_000.0, 0.0]),
        seen_units=np.array([300_000.0, 0.0]),
        seen_squares=np.array([300_000.0, 0.0]),
        unseen_units=np.array([100_000.0, 0.0]),
        unseen_squares=np.array([100_000.0, 0.0]),
        unseen_intervals=np.array([1e9, 0.0]),
    )

    velocity = estimate(observed, average_sku, POOLING)

    assert velocity.seen_per_hour[0] == pytest.approx(3.0, rel=0.01)
    assert velocity.unseen_per_hour[0] == pytest.approx(1.0, rel=0.01)
    assert velocity.per_hour[1] == pytest.approx(0.1)
    assert velocity.unseen_per_hour[1] == pytest.approx(0.01, rel=0.05)


def test_the_average_is_that_of_one_sku_and_nothing_in_an_empty_catalogue() -> None:
    observed = replace(nothing_yet(2), hours=np.array([2.0, 4.0]), seen_units=np.array([1.0, 0.0]))

    mean = average(observed)

    assert mean.hours.tolist() == [3.0]
    assert mean.seen_units.tolist() == [0.5]
    assert average(nothing_yet(0)).hours.tolist() == [0.0]


def test_before_anything_was_counted_the_assumptions_hold() -> None:
    velocity = estimate(nothing_yet(1), nothing_yet(1), POOLING)

    assert velocity.per_hour == 0
    assert not velocity.is_measured
    assert velocity.unseen_clumps.per_hour == 0
    assert velocity.unseen_clumps.units > 1


def test_clumping_is_measured_by_the_size_of_the_clumps() -> None:
    lines = counted(hours=1000.0, seen_units=12_000.0, seen_squares=12_000.0 * 12)

    velocity = estimate(lines, lines, POOLING)

    assert velocity.dispersion == pytest.approx(12, rel=0.05)


def counted_intervals(units: Ints, hours: float) -> Observed:
    """The counts of one SKU of which so many units went unseen in each interval."""
    observed = nothing_yet(1)
    for each in units.tolist():
        observed = with_interval(observed, np.array([each]), hours)
    return observed


def test_a_steady_unseen_flow_is_no_clump_however_long_the_intervals_are() -> None:
    flow = counted_intervals(np.random.default_rng(2).poisson(100, 3000), hours=1.0)

    clumps = estimate(flow, flow, POOLING).unseen_clumps

    assert clumps.units == pytest.approx(1, abs=0.25)
    assert clumps.per_hour * clumps.units == pytest.approx(100, rel=0.02)


def test_measured_clumps_are_those_of_the_demand_they_came_from() -> None:
    rng = np.random.default_rng(3)
    counts = np.array([rng.integers(1, 12, n).sum() for n in rng.poisson(0.05, 20_000)])
    flow = counted_intervals(counts, hours=0.25)

    clumps = estimate(flow, flow, POOLING).unseen_clumps

    assert clumps.per_hour == pytest.approx(0.2, rel=0.1)
    assert clumps.units == pytest.approx(6, rel=0.15)


def test_one_immense_clump_among_many_hardly_changes_what_a_clump_is() -> None:
    rng = np.random.default_rng(4)
    usual = np.where(rng.random(4000) < 0.05, rng.integers(1, 8, 4000), 0)
    clearance = usual.copy()
    clearance[2000] = 74_215

    before, after = (counted_intervals(each, 0.25) for each in (usual, clearance))

    assert after.unseen_units > 50 * before.unseen_units
    shape = estimate(before, before, POOLING).unseen_clumps
    shape_after = estimate(after, after, POOLING).unseen_clumps
    assert shape_after.per_hour == pytest.approx(shape.per_hour, rel=0.02)
    assert shape_after.covering(2.0, 0.01, 200) <= 2 * shape.covering(2.0, 0.01, 200)


def test_counts_of_a_release_without_clumps_still_hold_something_back() -> None:
    old = counted(hours=336.0, unseen_units=400.0, unseen_squares=2000.0, unseen_intervals=1344.0)

    told = with_clumps_of_units(old)

    clumps = estimate(told, told, POOLING).unseen_clumps

    assert clumps.covering(1.0, 0.01, 200) >= 5


def test_the_hour_of_the_week_is_the_shoppers_own_summer_and_winter() -> None:
    assert hour_of_week(datetime(2026, 1, 5, 0, 30, tzinfo=UTC), LONDON) == 0
    assert hour_of_week(datetime(2026, 7, 5, 23, 30, tzinfo=UTC), LONDON) == 0


def test_the_profile_averages_one_and_leans_on_a_flat_week_when_little_is_known() -> None:
    evening = [0.0] * 168
    evening[20] = 10_000.0

    whole_weeks = [4.0] * 168
    busy, unknown = profile(evening, whole_weeks), profile([0.0] * 168, [0.0] * 168)

    assert sum(busy) / 168 == pytest.approx(1)
    assert busy[20] > 150
    assert busy[3] == pytest.approx(500 / 168 * 168 / 10_500)
    assert set(unknown) == {1.0}


def test_a_profile_of_anything_but_a_week_is_refused() -> None:
    with pytest.raises(ValueError, match="168"):
        profile([1.0] * 24, [1.0] * 24)


def test_in_its_first_hours_a_shop_is_not_taken_for_busier_than_it_is() -> None:
    monday = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    seen = hours_of_week_between(monday, monday + timedelta(hours=2), UTC)
    sold = [0.0] * 168
    sold[9], sold[10], sold[11] = 500.0, 1000.0, 500.0

    week = profile(sold, seen)

    assert (seen[9], seen[10], seen[11], sum(seen)) == (0.5, 1.0, 0.5, 2.0)
    assert week[9] == week[10] == week[11] == pytest.approx(1.0)
    assert week[20] == 1.0


def test_a_stretch_of_whole_weeks_holds_each_hour_of_the_week_alike() -> None:
    friday = datetime(2026, 11, 27, tzinfo=UTC)

    assert hours_of_week_between(friday, friday + timedelta(weeks=3), UTC) == [3.0] * 168
