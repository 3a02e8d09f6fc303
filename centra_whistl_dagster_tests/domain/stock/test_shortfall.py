"""The risk that is left by units held back, and how far demand then exceeds them."""

from __future__ import annotations

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.clumps import Clumps
from centra_whistl_dagster.domain.stock.shortfall import shortfall

CLUMPS = Clumps(
    per_hour=np.array([0.001, 0.3, 2.0, 0.05, 40.0]),
    units=np.array([1.0, 1.0, 2.5, 60.0, 3.0]),
    spread=np.array([0.0, 0.5, 1.0, 0.2, 2.0]),
)
HOURS = np.ones(5)


@pytest.mark.parametrize("risk", [0.1, 0.01, 0.001])
def test_the_units_of_a_buffer_leave_its_risk_and_one_unit_less_leaves_more(risk: float) -> None:
    units = CLUMPS.covering(1.0, risk, 5_000)
    fewer = np.maximum(units - 1, 0)

    assert (shortfall(CLUMPS, HOURS, units).chance <= risk * 1.01).all()
    is_held = units > 0
    assert (shortfall(CLUMPS, HOURS, fewer).chance[is_held] > risk * 0.97).all()


@pytest.mark.parametrize("held_back", [0, 1, 4, 12, 100])
def test_the_figures_are_those_of_a_million_draws(held_back: int) -> None:
    any_comes, mean, spread = (values[2] for values in CLUMPS.within(HOURS))
    rng = np.random.default_rng(7)
    comes = rng.random(1_000_000) < any_comes
    drawn = comes * rng.lognormal(np.log(mean) - spread**2 / 2, spread, 1_000_000)

    found = shortfall(CLUMPS, HOURS, np.full(5, held_back))

    above = (drawn > held_back + 0.1).mean()
    assert found.chance[2] == pytest.approx(above, rel=0.03, abs=1e-4)
    beyond = np.maximum(drawn - held_back, 0).mean()
    assert found.units[2] == pytest.approx(beyond, rel=0.05, abs=1e-3)


def test_nothing_held_back_leaves_all_demand_and_no_demand_leaves_nothing() -> None:
    none = np.zeros(5, dtype=np.int64)
    nothing = Clumps(per_hour=np.zeros(5), units=np.zeros(5), spread=np.zeros(5))

    assert shortfall(CLUMPS, HOURS, none).units == pytest.approx(CLUMPS.per_hour * CLUMPS.units)
    assert shortfall(nothing, HOURS, none).chance == pytest.approx(np.zeros(5), abs=1e-9)
    assert shortfall(nothing, HOURS, none).units.tolist() == [0] * 5
