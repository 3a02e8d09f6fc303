from __future__ import annotations

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.arrays import Floats
from centra_whistl_dagster.domain.stock.clumps import Clumps, clumps_of_intervals


def alike(per_hour: float, units: float, spread: float) -> Clumps:
    return Clumps(per_hour=np.array([per_hour]), units=np.array([units]), spread=np.array([spread]))


def exceeded(per_hour: float, sizes: Floats, hours: float, units: int) -> float:
    """How often demand made of clumps of these sizes exceeds so many units."""
    rng = np.random.default_rng(5)
    numbers = rng.poisson(per_hour * hours, 40_000)
    periods = np.repeat(np.arange(len(numbers)), numbers)
    demand = np.bincount(periods, rng.choice(sizes, len(periods)), len(numbers))
    return float((demand > units).mean())


@pytest.mark.parametrize("per_hour", [0.02, 0.2, 2.0, 20.0])
@pytest.mark.parametrize("typical", [1.0, 4.0, 20.0])
def test_demand_exceeds_the_units_no_more_often_than_half_again_the_stated_risk(
    per_hour: float, typical: float
) -> None:
    rng = np.random.default_rng(6)
    sizes = np.maximum(np.rint(typical * np.exp(rng.normal(0, 0.8, 5000))), 1.0)
    clumps = alike(per_hour, sizes.mean(), sizes.var() / sizes.mean() ** 2)

    units = clumps.covering(1.0, 0.01, 10_000).item()

    assert exceeded(per_hour, sizes, 1.0, units) <= 0.015
    assert exceeded(per_hour, sizes, 1.0, (units - 2) // 2) > 0.01


def test_demand_so_seldom_that_the_risk_allows_it_needs_nothing() -> None:
    assert alike(0.02, 500.0, 1.0).covering(0.25, 0.01, 200).tolist() == [0]


def test_clumps_of_one_need_one() -> None:
    assert alike(0.03, 1.0, 0.0).covering(1.0, 0.01, 200).tolist() == [1]


def test_the_cap_bounds_it() -> None:
    assert alike(5.0, 500.0, 1.0).covering(1.0, 0.01, 200).tolist() == [200]


def test_a_risk_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        alike(1.0, 1.0, 0.0).covering(1.0, 0.0, 10)


def test_intervals_of_which_few_had_demand_show_the_clumps_themselves() -> None:
    few = clumps_of_intervals(
        np.array([0.05]), np.array([np.log(6.0)]), np.array([0.0]), np.array([0.1])
    )

    assert few.per_hour == pytest.approx(0.05, rel=0.01)
    assert few.units == pytest.approx(6.0, rel=0.01)
    assert few.spread == pytest.approx(0.0, abs=0.01)
