from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.demand_counts import average, nothing_yet, with_interval
from centra_whistl_dagster.domain.stock.exposure import Exposure
from centra_whistl_dagster.domain.stock.movements import demand_of, is_bulk
from centra_whistl_dagster.domain.stock.plan import StockPlan, plan, policies
from centra_whistl_dagster.domain.stock.policy import StockPolicy
from centra_whistl_dagster.domain.stock.velocity import (
    Observed,
    Pooling,
    aged,
    estimate,
    most_usual,
)

SKUS = 3000
POLICY = StockPolicy()


class Shop:
    """Other channels take an order of some SKUs every quarter of an hour."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(8)
        self.observed: Observed = nothing_yet(SKUS)
        self.fallen: list[int] = []

    def trade(self, intervals: int) -> None:
        for _ in range(intervals):
            some = self.rng.random(SKUS) < 0.03
            self.count(np.where(some, self.rng.geometric(0.3, SKUS), 0), np.full(SKUS, 400))

    def count(self, unseen: Ints, available: Ints) -> None:
        fell = int((unseen > 0).sum())
        most = most_usual(self.observed, average(self.observed), Pooling())
        units = demand_of(unseen, available, most)
        if is_bulk(fell, SKUS, self.fallen):
            units = np.zeros_like(units)
        self.fallen.append(fell)
        self.observed = with_interval(aged(self.observed, 0.25, 14), units, 0.25)

    def plan(self) -> StockPlan:
        return plan(
            estimate(self.observed, average(self.observed), Pooling()),
            busyness=1.0,
            exposure=Exposure(publishing_minutes=15.0, age_minutes=1.0),
            groups=policies([""] * SKUS, START, POLICY),
            policy=POLICY,
        )


START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def traded() -> Shop:
    shop = Shop()
    shop.trade(600)
    return shop


def figures(shop: Shop) -> tuple[int, float]:
    """SKUs that need a sync each minute with 60 units to sell, and units held back of all."""
    laid = shop.plan()
    rungs = laid.rungs(np.full(SKUS, 60))
    return int((rungs == 0).sum()), float(laid.buffers_at(rungs).mean())


def again(shop: Shop) -> Shop:
    other = Shop()
    other.observed, other.fallen = shop.observed, [*shop.fallen]
    return other


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in the course of a day"])
def test_a_clear_out_of_half_the_catalogue_changes_neither_buffers_nor_intervals(
    traded: Shop, *, at_once: bool
) -> None:
    shop, undisturbed = again(traded), again(traded)
    gone = np.arange(SKUS) % 2 == 0
    hours = np.arange(SKUS) % 96 // 2
    steps = [gone] if at_once else [gone & (hours == part) for part in range(48)]

    for step in steps:
        shop.count(np.where(step, 400, 0), np.where(step, 0, 400))
    for each in (shop, undisturbed):
        each.trade(96 - len(steps))

    each_minute, held_back = figures(undisturbed)
    assert held_back > 0.5
    assert figures(shop)[0] <= each_minute + 0.01 * SKUS
    assert figures(shop)[1] == pytest.approx(held_back, rel=0.1)


def test_a_stock_take_that_corrects_every_sku_is_left_out(traded: Shop) -> None:
    shop, (each_minute, held_back) = again(traded), figures(traded)

    shop.count(shop.rng.integers(0, 40, SKUS), np.full(SKUS, 360))

    assert figures(shop)[0] <= each_minute + 0.01 * SKUS
    assert figures(shop)[1] == pytest.approx(held_back, rel=0.05, abs=0.01)


def test_a_large_order_of_another_channel_is_demand() -> None:
    assert not is_bulk(500, SKUS, [30] * 50)
    assert not is_bulk(4, 6, [])


def test_where_many_skus_fall_each_time_that_becomes_demand() -> None:
    assert is_bulk(900, SKUS, [])
    assert not is_bulk(900, SKUS, [900] * 6)


def test_of_an_order_that_is_larger_than_usual_the_usual_part_counts() -> None:
    unseen, available = np.array([500, 500, 3]), np.array([20, 0, 0])

    assert demand_of(unseen, available, np.full(3, 40)).tolist() == [40, 0, 3]
