"""The risk that is left by units held back, and how far demand then exceeds them."""

from __future__ import annotations

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.buffer import units_covering
from centra_whistl_dagster.domain.stock.shortfall import shortfall

MEANS = np.array([0.001, 0.3, 2.0, 5.0, 40.0, 900.0])
DISPERSIONS = np.array([1.0, 3.0, 2.0, 1.0, 6.0, 3.0])


@pytest.mark.parametrize("risk", [0.1, 0.01, 0.001])
def test_the_units_of_a_buffer_leave_its_risk_and_one_unit_less_leaves_more(risk: float) -> None:
    units = units_covering(MEANS, DISPERSIONS, risk, 5_000)
    fewer = np.maximum(units - 1, 0)

    assert (shortfall(MEANS, DISPERSIONS, units).chance <= risk * 1.001).all()
    is_held = units > 0
    assert (shortfall(MEANS, DISPERSIONS, fewer).chance[is_held] > risk * 0.97).all()


@pytest.mark.parametrize("held_back", [0, 1, 4, 12])
def test_the_figures_are_those_of_a_million_draws(held_back: int) -> None:
    drawn = np.random.default_rng(7).negative_binomial(2.0 / 2.0, 1 / 3.0, 1_000_000)

    found = shortfall(np.array([2.0]), np.array([3.0]), np.array([held_back]))

    assert found.chance[0] == pytest.approx((drawn > held_back).mean(), rel=0.03)
    assert found.units[0] == pytest.approx(np.maximum(drawn - held_back, 0).mean(), rel=0.03)


def test_nothing_held_back_leaves_all_demand_and_no_demand_leaves_nothing() -> None:
    none = np.zeros(len(MEANS), dtype=np.int64)

    assert shortfall(MEANS, DISPERSIONS, none).units == pytest.approx(MEANS, rel=1e-6)
    assert shortfall(np.zeros(3), np.ones(3), none[:3]).chance.tolist() == [0, 0, 0]
