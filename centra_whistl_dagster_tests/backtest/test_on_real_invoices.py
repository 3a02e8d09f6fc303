"""The policy on invoices that it was not tuned with, beside a timer of five minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from centra_whistl_dagster.backtest.demand import read_demand
from centra_whistl_dagster.backtest.outcomes import Outcomes
from centra_whistl_dagster.backtest.replay import WorldSettings
from centra_whistl_dagster.backtest.run import run
from centra_whistl_dagster.backtest.strategies import RIVALS, Strategy
from centra_whistl_dagster.domain.stock.policy import StockPolicy

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

INVOICES = Path(
    os.environ.get("UCI_INVOICES", "../shared/data/online_retail_2010-12_2011-06.parquet")
)
TUNED_UNTIL = pd.Timestamp("2011-03-17")
"""Every figure of the policy was chosen with the invoices before it."""
DAYS = 35


@pytest.mark.skipif(not INVOICES.exists(), reason="the UCI invoices are not here")
def test_the_cadence_prevents_more_than_a_timer_of_five_minutes_with_no_more_requests() -> None:
    invoices = pd.read_parquet(INVOICES)
    since = invoices["InvoiceDate"] >= TUNED_UNTIL
    until = invoices["InvoiceDate"] < TUNED_UNTIL + pd.Timedelta(days=DAYS)
    demand = read_demand(invoices[since & until], unseen_share=0.1, seed=2)

    def replayed(strategy: Strategy) -> Outcomes:
        return run(demand, strategy, WorldSettings(seed=2))

    ours = replayed(Strategy(name="default", policy=StockPolicy()))
    timer = replayed(RIVALS["5-min"])

    assert ours.centra_requests_peak_hour <= timer.centra_requests_peak_hour
    assert ours.withheld_per_10k <= 10
    assert ours.preventable_per_10k <= timer.preventable_per_10k / 3 + 0.05
