from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pandas as pd
import pytest

from centra_whistl_dagster.backtest.calls import Calls
from centra_whistl_dagster.backtest.demand import Demand, read_demand
from centra_whistl_dagster.backtest.frontier import (
    as_picture,
    as_records,
    as_table,
    compare,
    frontier,
)
from centra_whistl_dagster.backtest.outcomes import Outcomes
from centra_whistl_dagster.backtest.replay import WorldSettings
from centra_whistl_dagster.backtest.run import run
from centra_whistl_dagster.backtest.strategies import RIVALS, Strategy
from centra_whistl_dagster.domain.stock.policy import StockPolicy

OURS = Strategy(name="default", policy=StockPolicy())
SCARCE = WorldSettings(cover_days=1.5, review_days=1, lead_days=1.0, blocked_share=0.02)
"""So little is bought in that many SKUs sell out each day."""


def busy_days(days: int = 5) -> pd.DataFrame:
    """Orders of three lines in the daytime, in clumps, over 30 SKUs of which few sell most."""
    rng = np.random.default_rng(11)
    orders = 180 * days
    minutes = np.sort(rng.integers(0, days * 600, orders))
    at = pd.Timestamp("2026-06-01 08:00") + pd.to_timedelta(
        minutes // 600 * 1440 + minutes % 600, unit="min"
    )
    return pd.DataFrame(
        {
            "order_number": np.repeat(np.arange(orders), 3),
            "sku": [f"S{at:02}" for at in np.minimum(rng.geometric(0.1, orders * 3), 30)],
            "quantity": rng.geometric(0.15, orders * 3),
            "ordered_at": np.repeat(at.to_numpy(), 3),
        }
    )


def demand(unseen_share: float = 0.3) -> Demand:
    return read_demand(busy_days(), unseen_share=unseen_share, seed=3)


@cache
def outcomes_of(
    strategy: Strategy, settings: WorldSettings = SCARCE, unseen: float = 0.3
) -> Outcomes:
    return run(demand(unseen), strategy, settings)


def test_uci_invoices_are_read_without_cancellations_and_charges() -> None:
    frame = pd.DataFrame(
        {
            "InvoiceNo": ["1", "1", "C2", "3", "4"],
            "StockCode": ["85123A", "POST", "85123A", "22423", "22423"],
            "Quantity": [6, 1, -6, 2, 0],
            "InvoiceDate": [datetime(2010, 12, 1, 8, 26, tzinfo=UTC)] * 5,
        }
    )

    read = read_demand(frame, unseen_share=0.0, seed=1)

    assert read.skus == ("22423", "85123A")
    assert sorted(read.quantity.tolist()) == [2, 6]
    assert read.days == 1


def test_a_whole_order_is_seen_or_unseen_and_its_lines_come_together() -> None:
    read = demand(0.3)

    frame = pd.DataFrame({"order": read.order, "unseen": read.is_unseen, "at": read.seconds})
    assert (frame.groupby("order").nunique() == 1).all(axis=None)
    assert 0.2 < frame.groupby("order")["unseen"].first().mean() < 0.4
    assert frame["at"].is_monotonic_increasing


def test_a_table_of_something_else_is_refused_with_the_columns_it_needs() -> None:
    with pytest.raises(ValueError, match="order_number"):
        read_demand(pd.DataFrame({"sku": ["A"]}), unseen_share=0.1, seed=1)


def test_where_centra_sees_every_order_nothing_is_oversold_at_any_cadence() -> None:
    for strategy in (OURS, RIVALS["hourly"]):
        outcomes = outcomes_of(strategy, unseen=0.0)

        assert outcomes.score.oversold == 0
        assert outcomes.score.lost > 100


def test_ignoring_orders_in_flight_oversells_even_then() -> None:
    assert outcomes_of(RIVALS["hourly-naive"], unseen=0.0).score.oversold > 0


def test_our_policy_oversells_less_than_an_hourly_sync_and_withholds_less_than_a_buffer() -> None:
    ours, hourly = outcomes_of(OURS), outcomes_of(RIVALS["hourly"])
    buffered = outcomes_of(RIVALS["hourly-buffer-10"])

    assert hourly.score.oversold > 50
    assert ours.score.oversold < hourly.score.oversold / 4
    assert buffered.score.withheld > 100 + 10 * ours.score.withheld


def test_comparing_gives_each_strategy_the_same_orders_and_keeps_their_order() -> None:
    together = compare(demand(), [RIVALS["5-min"], RIVALS["hourly"]], SCARCE, workers=2)

    assert together == [outcomes_of(RIVALS["5-min"]), outcomes_of(RIVALS["hourly"])]


def test_a_replay_reports_each_day_of_orders_as_it_ends() -> None:
    days_reported = 0

    def count() -> None:
        nonlocal days_reported
        days_reported += 1

    run(demand(), RIVALS["hourly"], SCARCE, on_day=count)

    assert days_reported == demand().days > 1


def test_every_unit_ordered_was_accepted_withheld_or_not_there() -> None:
    score = outcomes_of(OURS).score

    assert score.ordered == score.accepted + score.withheld + score.lost


def test_no_sync_is_made_before_whistl_has_published_something_newer() -> None:
    outcomes = outcomes_of(OURS, replace(SCARCE, publishes_each_seconds=3600))

    assert outcomes.syncs - outcomes.refused_snapshots <= outcomes.days * 24
    assert outcomes.score.withheld > 5 * outcomes_of(OURS).score.withheld


def test_a_true_snapshot_is_not_refused_because_the_shop_sells_well() -> None:
    assert outcomes_of(OURS, unseen=0.0).refused_snapshots == 0


def test_calls_are_counted_in_a_window_that_slides() -> None:
    calls = Calls(window_seconds=60)

    for at, made in ((0, 5), (30, 4), (61, 3), (200, 1)):
        calls.add(at, made)

    assert (calls.total, calls.peak, calls.within) == (13, 9, 1)


def test_outcomes_are_shown_as_a_table_as_json_and_as_a_chart() -> None:
    outcomes = [outcomes_of(OURS)]

    assert as_table(outcomes).loc[0, "strategy"] == "default"
    assert json.loads(json.dumps(as_records(outcomes)))[0]["score"]["ordered"] > 0
    assert as_picture(outcomes).startswith(b"\x89PNG")


def test_more_caution_is_a_smaller_risk_of_the_same_policy() -> None:
    risks = [strategy.policy.buffer.risk for strategy in frontier(OURS.policy)]

    assert risks == sorted(risks, reverse=True)
