"""Hundreds of bad feeds are refused; correct ones are used, and a large change takes one release.

The shops, feeds and faults are made without the product (`shops`, `planted`, `lawful`).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from centra_whistl_dagster.backtest.demand import read_demand
from centra_whistl_dagster_tests.domain.stock.feeds.planted import LITTLE_BY_LITTLE, SINGLE
from centra_whistl_dagster_tests.domain.stock.feeds.shops import ShopSettings
from centra_whistl_dagster_tests.domain.stock.feeds.trial import Rates, Results
from centra_whistl_dagster_tests.domain.stock.feeds.trials import SHOPS, table, try_all

PROJECT = Path(__file__).parents[4]
DATA = Path(os.environ.get("ONLINE_RETAIL_DIR", PROJECT.parent / "shared" / "data"))
INVOICES = DATA / "online_retail_2010-12_2011-06.parquet"
RELIABILITY = PROJECT / "docs" / "reliability.md"
MOST_REFUSED = 0.05
"""Share of correct feeds, and of unusual days."""


@pytest.fixture(scope="module")
def results() -> Results:
    return try_all(SHOPS)


def wrong(rates: Rates) -> str:
    return "\n".join(rates.notes)


def test_no_bad_feed_is_accepted(results: Results) -> None:
    assert sum(results.bad.tried.values()) >= 200
    assert set(results.bad.tried) >= SINGLE.keys() | LITTLE_BY_LITTLE.keys()
    assert sum(results.bad.wrong.values()) == 0, wrong(results.bad)


def test_correct_feeds_are_used_without_anybody_being_asked(results: Results) -> None:
    assert sum(results.lawful_days.tried.values()) >= 50
    assert results.lawful_days.share <= MOST_REFUSED, wrong(results.lawful_days)
    assert results.ordinary.share <= MOST_REFUSED, wrong(results.ordinary)


def test_a_true_change_as_large_as_a_fault_takes_one_release_and_freezes_nothing(
    results: Results,
) -> None:
    assert sum(results.large.wrong.values()) == 0, wrong(results.large)
    assert sum(results.asked.wrong.values()) == sum(results.asked.tried.values())


def test_the_page_on_reliability_shows_these_rates(results: Results) -> None:
    shown = RELIABILITY.read_text(encoding="utf-8")
    expected = f"<!-- feeds: begin -->\n\n{table(results)}\n\n<!-- feeds: end -->"

    assert expected in shown, f"docs/reliability.md should have:\n{expected}"


@pytest.mark.skipif(
    not INVOICES.exists(), reason=f"{INVOICES.name} is not in {DATA} (ONLINE_RETAIL_DIR)"
)
def test_a_shop_with_the_demand_of_real_invoices_is_guarded_alike() -> None:
    demand = read_demand(pd.read_parquet(INVOICES), unseen_share=0.1, seed=7)
    units = np.bincount(demand.sku, minlength=len(demand.skus)).astype(np.float64)
    shop = ShopSettings(
        name="invoices",
        seed=21,
        skus=len(units),
        lines_a_day=len(demand.sku) / demand.days,
        feed_minutes=60,
    )

    results = try_all([shop], units / units.sum())

    assert sum(results.bad.wrong.values()) == 0, wrong(results.bad)
    assert results.lawful_days.share <= MOST_REFUSED, wrong(results.lawful_days)
    assert results.ordinary.share <= MOST_REFUSED, wrong(results.ordinary)
    assert sum(results.large.wrong.values()) == 0, wrong(results.large)
