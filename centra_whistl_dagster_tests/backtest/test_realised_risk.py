"""The risk that a buffer states is the one that comes true, however seldom Whistl publishes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from centra_whistl_dagster.backtest.demand import Demand, read_demand
from centra_whistl_dagster.backtest.realised import RealisedRisk
from centra_whistl_dagster.backtest.replay import WorldSettings
from centra_whistl_dagster.backtest.run import run
from centra_whistl_dagster.backtest.strategies import Strategy
from centra_whistl_dagster.domain.stock.policy import StockPolicy

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

DAYS, HOURS = 28, 12
SKUS = 80


def brisk_trade() -> Demand:
    """SKUs that sell from once in four days to 10 times an hour, in clumps; three in ten unseen."""
    rng = np.random.default_rng(5)
    lines = []
    for position, an_hour in enumerate(np.geomspace(0.02, 10, SKUS)):
        number = rng.poisson(an_hour * DAYS * HOURS)
        hour = rng.uniform(0, DAYS * HOURS, number)
        seconds = ((hour // HOURS * 24 + 8 + hour % HOURS) * 3600).astype(np.int64)
        units = np.maximum(np.rint(np.exp(rng.normal(1.0, 0.9, number))), 1).astype(np.int64)
        lines.append(pd.DataFrame({"sku": f"S{position:02}", "at": seconds, "quantity": units}))
    frame = pd.concat(lines).sort_values("at")
    frame["order_number"] = np.arange(len(frame)).astype(str)
    frame["ordered_at"] = pd.Timestamp("2026-06-01") + pd.to_timedelta(frame["at"], unit="s")
    return read_demand(frame, unseen_share=0.3, seed=1)


@pytest.mark.parametrize("publishes_each_minutes", [1, 15, 60])
def test_buffers_are_exceeded_no_more_often_than_half_again_the_stated_risk_at_any_velocity(
    publishes_each_minutes: int,
) -> None:
    settings = WorldSettings(publishes_each_seconds=60 * publishes_each_minutes, cover_days=7)

    outcomes = run(brisk_trade(), Strategy(name="default", policy=StockPolicy()), settings)

    assert outcomes.stated_risk == 0.01
    assert len(outcomes.realised_risk) == 10
    assert max(outcomes.realised_risk) <= 1.5 * outcomes.stated_risk
    assert max(outcomes.realised_risk) > 0.1 * outcomes.stated_risk


def test_an_exposure_ends_with_the_next_figures_and_counts_what_the_buffer_did_not_cover() -> None:
    risk, both = RealisedRisk(2), np.array([0, 1])
    risk.begin_exposures(both, np.array([10, 0]), np.array([2, 2]), counts=True)

    risk.end_exposures(both, np.array([13, 2]))

    assert risk.exposures.tolist() == [1, 1]
    assert risk.exceeded.tolist() == [1, 0]
    assert sum(risk.by_velocity(np.array([5.0, 9.0]))) == 1.0
