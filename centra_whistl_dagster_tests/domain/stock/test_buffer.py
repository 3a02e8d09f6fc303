from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centra_whistl_dagster.domain.stock.buffer import (
    BufferPolicy,
    buffer_reason,
    buffer_units,
    units_covering,
)
from centra_whistl_dagster.domain.stock.clumps import Clumps


def negative_binomial(mean: float, dispersion: float, upto: int) -> list[float]:
    """By the textbook's formula, through logarithms."""
    size = mean / (dispersion - 1)
    return [
        math.exp(
            math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
            - size * math.log(dispersion) + k * math.log1p(-1 / dispersion)
        )
        for k in range(upto + 1)
    ]  # fmt: skip


def units(mean: float, dispersion: float, risk: float, most: int) -> int:
    """What covers the demand of one SKU."""
    return units_covering(np.array([mean]), np.array([dispersion]), risk, most).item()


@pytest.mark.parametrize(
    ("per_hour", "minutes", "expected"),
    [
        (0.5, 5, (0, 1, 1)), (2, 15, (2, 3, 4)), (5, 30, (5, 7, 9)), (10, 15, (5, 7, 9)),
        (30, 60, (39, 43, 48)), (60, 240, (266, 277, 289)),
    ],
)  # fmt: skip
def test_single_sales_need_the_published_poisson_units(
    per_hour: float, minutes: int, expected: tuple[int, ...]
) -> None:
    mean = per_hour * minutes / 60

    got = tuple(units(mean, 1.0, risk, 1000) for risk in (0.05, 0.01, 0.001))

    assert got == expected


def test_clumped_sales_need_nearly_twice_as_much() -> None:
    got = tuple(units(2.5, 3.0, risk, 1000) for risk in (0.05, 0.01, 0.001))

    assert got == (8, 12, 18)


@settings(max_examples=200)
@given(st.floats(0.001, 60), st.floats(1.01, 25), st.floats(0.0005, 0.4))
def test_it_is_the_smallest_number_that_demand_exceeds_with_at_most_the_risk(
    mean: float, dispersion: float, risk: float
) -> None:
    covering = units(mean, dispersion, risk, 10_000)

    chances = negative_binomial(mean, dispersion, covering)
    assert math.fsum(chances) >= 1 - risk - 1e-9
    assert covering == 0 or math.fsum(chances[:-1]) < 1 - risk + 1e-9


def test_so_much_demand_that_no_float_holds_the_chance_of_none_is_still_answered() -> None:
    assert units(5000.0, 2.0, 0.01, 100_000) == pytest.approx(5000 + 2.326 * 100, abs=2)


def test_the_search_ends_at_the_cap() -> None:
    assert units(50.0, 30.0, 0.001, 40) == 40


def test_no_demand_needs_nothing() -> None:
    assert units(0.0, 5.0, 0.001, 40) == 0


def test_a_risk_of_none_is_refused_rather_than_searched_for_ever() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        units(1.0, 2.0, 0.0, 10)


def test_a_catalogue_is_covered_as_each_sku_alone_would_be() -> None:
    rng = np.random.default_rng(1)
    mean, dispersion = rng.gamma(0.2, 10, 3000), 1 + rng.gamma(1, 8, 3000)

    catalogue = units_covering(mean, dispersion, 0.01, 300)

    for at in range(0, 3000, 29):
        assert catalogue[at] == units(mean[at], dispersion[at], 0.01, 300)


ONE_AN_HOUR = Clumps(per_hour=np.array([1.0]), units=np.array([3.0]), spread=np.array([0.5]))


@pytest.mark.parametrize(
    ("case", "policy", "expected"),
    [
        ("risk alone", BufferPolicy(risk=0.01), 17),
        ("and a share of a day's sales", BufferPolicy(risk=0.01, share_of_daily_sales=0.1), 21),
        ("raised to a floor", BufferPolicy(risk=0.01, floor_units=20), 20),
        ("held to a cap", BufferPolicy(risk=0.01, cap_units=5), 5),
        ("the cap over the floor", BufferPolicy(risk=0.01, floor_units=20, cap_units=5), 5),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_policy_changes_the_buffer(case: str, policy: BufferPolicy, expected: int) -> None:
    got = buffer_units(ONE_AN_HOUR, 1.0, np.array([31.0]), policy)

    assert got.tolist() == [expected]


def test_the_reason_names_what_the_number_came_from() -> None:
    reason = buffer_reason(
        units=12,
        clumps_per_hour=0.5,
        clump_units=20,
        exposure_minutes=15,
        policy=BufferPolicy(risk=0.01, cap_units=12),
    )

    assert reason == (
        "12 held back: about 0.5 orders an hour go unseen by Centra, of 20 units on average, over "
        "15 minutes from a snapshot to the next one's figures, at a risk of 1.0%, held to its cap"
    )
