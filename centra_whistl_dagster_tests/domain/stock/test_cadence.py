from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.cadence import (
    Allowance,
    CadencePolicy,
    Decision,
    Feed,
    Quota,
    Rung,
    StockSync,
    allowance,
    decide,
    needed_rung,
    risk_of_rung,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = CadencePolicy()


def rung(minutes: int, *, skus: int = 3, looked_at: float) -> Rung:
    """SKUs that were synced so many minutes ago."""
    return Rung(
        minutes=minutes,
        skus=skus,
        fastest=f"FAST-{minutes}",
        looked_at=NOON - timedelta(minutes=looked_at),
    )


FEED = Feed(last_used_taken_at=NOON - timedelta(minutes=10), has_newer=True)
NO_NEWS = replace(FEED, has_newer=False)
QUOTA = Quota(
    requests_left=5000,
    requests_left_for_stock=2500,
    mutations_left=1800,
    mutations_left_for_stock=900,
)


def decision(
    *rungs: Rung,
    full_minutes_ago: float | None = 5,
    unfinished: int = 0,
    sale_begun: str = "",
    feed: Feed = FEED,
    quota: Quota = QUOTA,
) -> Decision:
    last_full_at = None if full_minutes_ago is None else NOON - timedelta(minutes=full_minutes_ago)
    return decide(
        NOON,
        last_full_at=last_full_at,
        rungs=rungs,
        unfinished=unfinished,
        sale_begun=sale_begun,
        feed=feed,
        allowed=allowance(quota),
        policy=POLICY,
    )


def test_a_sku_waits_for_as_long_as_its_room_outlasts_demand() -> None:
    reaches = np.array([[1, 1], [3, 3], [8, 8]])

    assert needed_rung(np.array([2, 9]), reaches).tolist() == [0, 2]
    assert needed_rung(np.array([3, 8]), reaches).tolist() == [1, 2]


def test_the_longest_interval_that_is_safe_counts_whatever_a_shorter_one_would_ask() -> None:
    reaches = np.array([[2], [2], [1], [1], [1]])

    assert needed_rung(np.array([1]), reaches).tolist() == [4]


def test_a_sku_is_synced_more_and_more_often_as_it_sells_out_until_it_is_gone() -> None:
    room = np.array([25, 19, 7, 2, 1, 0, -4])
    reaches = np.repeat([[1], [3], [8], [20]], len(room), axis=1)

    assert needed_rung(room, reaches).tolist() == [3, 2, 1, 0, 0, 3, 3]


def test_a_day_of_short_intervals_carries_no_more_risk_than_one_of_long_ones() -> None:
    assert 1440 * risk_of_rung(1, POLICY) == pytest.approx(96 * risk_of_rung(15, POLICY))


@pytest.mark.parametrize(
    ("case", "got", "does", "minutes", "reason"),
    [
        ("first", decision(full_minutes_ago=None), StockSync.FULL, 15, "no sync has run yet"),
        (
            "longest interval",
            decision(rung(1, looked_at=1), full_minutes_ago=15),
            StockSync.FULL,
            15,
            "every SKU is synced every 15 min",
        ),
        (
            "a sale begins",
            decision(full_minutes_ago=1, sale_begun="Black Friday"),
            StockSync.FULL,
            15,
            "the sale 'Black Friday' has begun",
        ),
        (
            "some are due",
            decision(rung(2, looked_at=2)),
            StockSync.PARTIAL,
            2,
            "3 SKUs need a sync every 2 min, the fastest FAST-2",
        ),
        (
            "one is due",
            decision(rung(2, skus=1, looked_at=2)),
            StockSync.PARTIAL,
            2,
            "1 SKU needs a sync every 2 min",
        ),
        (
            "slower ones are due",
            decision(rung(1, looked_at=0.4), rung(5, looked_at=5), rung(10, looked_at=5)),
            StockSync.PARTIAL,
            5,
            "3 SKUs need a sync every 1 min, the fastest FAST-1; 3 SKUs need a sync every 5 min",
        ),
        (
            "just done",
            decision(rung(2, looked_at=1)),
            StockSync.NONE,
            0,
            "the fastest FAST-2; the next sync is due in 30 s",
        ),
        (
            "the full sync is nearer",
            decision(rung(10, looked_at=1), full_minutes_ago=14),
            StockSync.NONE,
            0,
            "the next sync is due in 30 s",
        ),
        (
            "calm",
            decision(),
            StockSync.NONE,
            0,
            (
                "no SKU is near selling out; every SKU is synced every 15 min; "
                "the next sync is due in 570 s"
            ),
        ),
        (
            "nothing published",
            decision(rung(2, looked_at=2), feed=NO_NEWS),
            StockSync.NONE,
            0,
            "but Whistl has published nothing since 11:50:00 UTC",
        ),
        (
            "left over without news",
            decision(rung(2, looked_at=2), unfinished=3, feed=NO_NEWS),
            StockSync.PARTIAL,
            1,
            "3 SKUs are still to be written",
        ),
        (
            "one is left over",
            decision(unfinished=1),
            StockSync.PARTIAL,
            1,
            "1 SKU is still to be written",
        ),
        (
            "left over, more is due",
            decision(rung(2, looked_at=2), unfinished=3),
            StockSync.PARTIAL,
            2,
            "3 SKUs need a sync every 2 min",
        ),
        (
            "left over, all are due",
            decision(unfinished=3, full_minutes_ago=15),
            StockSync.FULL,
            15,
            "every SKU is synced",
        ),
        (
            "a sale without news",
            decision(sale_begun="Black Friday", feed=NO_NEWS),
            StockSync.FULL,
            15,
            "the sale 'Black Friday' has begun",
        ),
        (
            "quota short",
            decision(rung(2, looked_at=2), quota=replace(QUOTA, mutations_left_for_stock=0)),
            StockSync.NONE,
            0,
            "but what Centra still allows is kept for orders",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value and len(value) < 25 else "",
)
def test_each_tick_says_what_it_does_and_why(
    case: str, got: Decision, does: StockSync, minutes: int, reason: str
) -> None:
    assert (got.does, got.minutes) == (does, minutes)
    assert reason in got.reason


def test_a_sync_never_takes_what_is_kept_for_orders() -> None:
    short = replace(QUOTA, requests_left_for_stock=100, mutations_left_for_stock=10)

    allowed = allowance(short)

    assert allowed == Allowance(requests=100, mutations=10)
    assert allowed.batches == 10
    assert replace(allowed, requests=9).batches == 4


def test_what_orders_used_of_their_own_part_costs_stock_nothing_until_they_used_more() -> None:
    half_used = replace(QUOTA, requests_left=2500, mutations_left=900)

    assert allowance(half_used) == allowance(QUOTA)
    assert allowance(replace(half_used, mutations_left=700)).mutations == 700


def test_a_sync_ends_in_good_time_however_much_is_allowed() -> None:
    assert allowance(QUOTA).batches == 25


def test_a_quota_that_is_overdrawn_allows_nothing() -> None:
    assert allowance(replace(QUOTA, requests_left=0, mutations_left=0)).batches == 0


def test_a_sync_that_began_some_seconds_after_its_tick_does_not_cost_the_next_a_minute() -> None:
    began_late = rung(2, looked_at=2 - 10 / 60)

    assert decision(began_late).does is StockSync.PARTIAL
