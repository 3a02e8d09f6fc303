from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.buffer import BufferPolicy, units_covering
from centra_whistl_dagster.domain.stock.cadence import Rung
from centra_whistl_dagster.domain.stock.clumps import Clumps
from centra_whistl_dagster.domain.stock.exposure import Exposure
from centra_whistl_dagster.domain.stock.plan import (
    StockPlan,
    hottest_first,
    in_short,
    plan,
    policies,
)
from centra_whistl_dagster.domain.stock.policy import Sale, SkuRule, StockPolicy, sale_begun
from centra_whistl_dagster.domain.stock.reach import reach
from centra_whistl_dagster.domain.stock.velocity import Velocity

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
SKUS = ("SLOW", "DRESS-M", "DRESS-L")


CLUMPS = Clumps(
    per_hour=np.array([0.001, 1.6, 1.6]),
    units=np.array([1.0, 2.5, 2.5]),
    spread=np.array([0.0, 0.6, 0.6]),
)
EACH_MINUTE = Exposure(publishing_minutes=1.0, age_minutes=0.5)


def laid(
    policy: StockPolicy, *, busyness: float = 1.0, exposure: Exposure = EACH_MINUTE
) -> StockPlan:
    return plan(
        Velocity(
            seen_per_hour=np.array([0.01, 20.0, 20.0]),
            unseen_per_hour=np.array([0.001, 4.0, 4.0]),
            dispersion=np.array([1.0, 4.0, 4.0]),
            unseen_clumps=CLUMPS,
            is_measured=np.array([True, True, True]),
        ),
        busyness=busyness,
        exposure=exposure,
        groups=policies(SKUS, NOON, policy),
        policy=policy,
    )


def test_a_fast_seller_about_to_sell_out_is_synced_each_minute_and_a_slow_one_seldom() -> None:
    rungs = laid(StockPolicy()).rungs(np.array([40, 12, 4000]))

    assert rungs.tolist() == [4, 0, 4]


def test_a_sku_that_was_never_counted_is_synced_soonest() -> None:
    never_counted = replace(laid(StockPolicy()), is_measured=np.array([False, True, False]))

    assert never_counted.rungs(np.array([40, 4000, 0])).tolist() == [0, 4, 4]


def test_a_busy_hour_shortens_the_interval_and_raises_the_buffer() -> None:
    calm, busy = laid(StockPolicy(), busyness=0.2), laid(StockPolicy(), busyness=5.0)
    room = np.array([40, 90, 90])

    assert busy.rungs(room)[1] < calm.rungs(room)[1]
    assert busy.buffers[4, 1] > calm.buffers[4, 1]


def test_the_buffer_is_that_of_the_interval_the_sku_is_on() -> None:
    laid_out = laid(StockPolicy())
    rungs = np.array([4, 0, 4])

    buffers = laid_out.buffers_at(rungs)

    on_fifteen, on_one = (CLUMPS.covering(minutes / 60, 0.01, 200) for minutes in (15.5, 1.5))
    expected = np.array([on_fifteen[0], on_one[1], on_fifteen[2]])
    assert buffers.tolist() == expected.tolist()


def test_a_sku_synced_each_minute_is_covered_until_whistl_publishes_again() -> None:
    hourly = Exposure(publishing_minutes=60.0, age_minutes=0.5)
    on_one = np.array([0, 0, 0])

    buffers = laid(StockPolicy(), exposure=hourly).buffers_at(on_one)

    assert buffers.tolist() == CLUMPS.covering(60.5 / 60, 0.01, 200).tolist()
    assert buffers[1] > 3 * laid(StockPolicy()).buffers_at(on_one)[1]


def test_looking_up_some_skus_gives_what_looking_up_all_gives() -> None:
    laid_out, room, some = laid(StockPolicy()), np.array([3, 12, 90]), np.array([2, 0])

    rungs = laid_out.rungs(room)

    assert laid_out.rungs(room[some], some).tolist() == rungs[some].tolist()
    assert (
        laid_out.buffers_at(rungs[some], some).tolist() == laid_out.buffers_at(rungs)[some].tolist()
    )


def test_skus_that_cannot_wait_are_summarised_by_the_interval_they_need() -> None:
    minutes = np.array([15, 1, 2, 1, 15])
    noon = NOON.timestamp()

    rungs = in_short(
        minutes,
        looked_at=np.array([0.0, noon - 90, noon - 60, noon - 30, 0.0]),
        per_hour=np.array([50.0, 2.0, 3.0, 9.0, 50.0]),
        skus=("A", "B", "C", "D", "E"),
        longest=15,
    )

    assert rungs == (
        Rung(minutes=1, skus=2, fastest="D", looked_at=NOON - timedelta(seconds=90)),
        Rung(minutes=2, skus=1, fastest="C", looked_at=NOON - timedelta(seconds=60)),
    )


def test_a_calm_catalogue_has_nothing_that_cannot_wait() -> None:
    all_slow = np.full(3, 15)

    assert in_short(all_slow, np.zeros(3), np.zeros(3), SKUS, 15) == ()


def test_the_skus_of_a_sale_are_synced_often_whatever_stock_there_is() -> None:
    sale = Sale(
        name="Black Friday",
        starts_at=NOON,
        ends_at=NOON.replace(hour=13),
        skus=("DRESS-*",),
        risk=0.0001,
        most_minutes=2,
    )
    on_sale = laid(StockPolicy(sales=(sale,)))

    assert on_sale.rungs(np.array([4000, 4000, 4000])).tolist() == [4, 1, 1]
    assert on_sale.buffers[1, 1] > laid(StockPolicy()).buffers[1, 1]
    assert on_sale.buffers[1, 0] == laid(StockPolicy()).buffers[1, 0]


def test_a_sale_is_noticed_when_it_begins_and_not_before_or_once_it_is_known() -> None:
    sale = Sale(
        name="Black Friday",
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=1),
        skus=("DRESS-*",),
        risk=0.0001,
        most_minutes=2,
    )
    policy, minute = StockPolicy(sales=(sale,)), timedelta(minutes=1)

    assert sale_begun(policy, NOON - minute, NOON - minute) == ""
    assert sale_begun(policy, NOON - minute, NOON) == "Black Friday"
    assert sale_begun(policy, NOON, NOON + minute) == ""
    assert sale_begun(policy, NOON - minute, NOON + 90 * minute) == ""
    assert sale_begun(policy, None, NOON) == ""


def test_a_rule_holds_for_its_skus_alone() -> None:
    rule = SkuRule(pattern="DRESS-L", buffer=BufferPolicy(floor_units=30))

    buffers = laid(StockPolicy(sku_rules=(rule,))).buffers_at(np.array([0, 0, 0]))

    assert buffers[2] == 30
    assert buffers[0] == 0


def test_oversold_skus_are_written_first_and_fast_sellers_before_slow_ones() -> None:
    order = hottest_first(np.array([0.01, 20.0, 25.0]), np.array([-1, 5, -3]))

    assert order.tolist() == [2, 0, 1]


def test_a_reach_looked_up_is_near_the_exact_one_and_seldom_below_it() -> None:
    rng = np.random.default_rng(2)
    mean, dispersion = rng.gamma(0.3, 10, 2000), 1 + rng.gamma(1, 8, 2000)

    near, exact = reach(mean, dispersion, 0.0001), units_covering(mean, dispersion, 0.0001, 10_000)

    assert (near >= exact).mean() > 0.99
    assert np.median(near / np.maximum(exact, 1)) < 1.3


def test_more_demand_than_the_table_holds_is_worked_out() -> None:
    units = reach(np.array([5000.0]), np.array([2.0]), 0.0001)

    assert units[0] == pytest.approx(5000 + 3.719 * 100, abs=2)
