from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from centra_whistl_dagster.domain.cadence import (
    CadencePolicy,
    Decision,
    Feed,
    Need,
    Pass,
    Quota,
    decide,
    needed_rung,
    risk_of_rung,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = CadencePolicy()
HOT = Need(minutes=2, skus=3, example="DRESS-RED-M")
CALM = Need(minutes=15, skus=0)
FEED = Feed(last_used_taken_at=NOON - timedelta(minutes=10), latest_taken_at=NOON)
QUOTA = Quota(requests_limit=5000, requests_left=5000, mutations_limit=1800, mutations_left=1800)


def decision(
    *,
    full_minutes_ago: float | None = 5,
    pass_minutes_ago: float | None = 5,
    need: Need = HOT,
    feed: Feed = FEED,
    quota: Quota = QUOTA,
) -> Decision:
    def ago(minutes: float | None) -> datetime | None:
        return None if minutes is None else NOON - timedelta(minutes=minutes)

    return decide(
        NOON,
        last_full_at=ago(full_minutes_ago),
        last_pass_at=ago(pass_minutes_ago),
        need=need,
        feed=feed,
        quotas=[quota],
        policy=POLICY,
    )


def test_a_sku_is_left_alone_for_as_long_as_its_room_outlasts_demand() -> None:
    reaches = [np.array(each) for each in ([1, 1], [3, 3], [8, 8])]

    assert needed_rung(np.array([2, 9]), reaches).tolist() == [0, 2]
    assert needed_rung(np.array([3, 8]), reaches).tolist() == [1, 2]


def test_a_sku_that_shrinks_is_looked_at_more_and_more_often_until_it_is_gone() -> None:
    reaches = [1, 3, 8, 20]

    assert [needed_rung(room, reaches) for room in (25, 19, 7, 2, 1, 0, -4)] == [
        3,
        2,
        1,
        0,
        0,
        3,
        3,
    ]


def test_a_day_of_short_intervals_carries_no_more_risk_than_one_of_long_ones() -> None:
    assert 1440 * risk_of_rung(1, POLICY) == pytest.approx(96 * risk_of_rung(15, POLICY))


@pytest.mark.parametrize(
    ("case", "got", "does", "reason"),
    [
        (
            "first",
            decision(full_minutes_ago=None, pass_minutes_ago=None),
            Pass.FULL,
            "no pass has been made yet",
        ),
        ("daily", decision(full_minutes_ago=24 * 60), Pass.FULL, "1440 min ago"),
        (
            "longest rung",
            decision(full_minutes_ago=15, pass_minutes_ago=1, need=CALM),
            Pass.FULL,
            "every SKU is passed over each 15 min",
        ),
        (
            "hot, by snapshot only",
            decision(),
            Pass.FULL,
            "3 SKUs need a pass each 2 min, the fastest DRESS-RED-M",
        ),
        (
            "hot, by SKU",
            decision(feed=replace(FEED, reads_single_skus=True)),
            Pass.HOT,
            "3 SKUs need a pass each 2 min",
        ),
        (
            "hot but just done",
            decision(pass_minutes_ago=1),
            Pass.NONE,
            "the next is due in 60 s",
        ),
        (
            "calm",
            decision(need=CALM),
            Pass.NONE,
            "no SKU is near selling out; each is passed over in 15 min; the next is due in 600 s",
        ),
        (
            "nothing published",
            decision(feed=replace(FEED, latest_taken_at=FEED.last_used_taken_at)),
            Pass.NONE,
            "but Whistl has published nothing since 11:50:00 UTC",
        ),
        (
            "quota short",
            decision(quota=replace(QUOTA, mutations_left=900)),
            Pass.NONE,
            "but what Centra still allows is kept for orders",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_tick_says_what_it_does_and_why(
    case: str, got: Decision, does: Pass, reason: str
) -> None:
    assert got.does is does
    assert reason in got.reason


def test_a_pass_never_takes_what_is_kept_for_orders() -> None:
    short = replace(QUOTA, requests_left=2600, mutations_left=910)

    got = decision(quota=short)

    assert (got.most_requests, got.most_mutations) == (100, 10)


def test_the_scarcest_window_counts() -> None:
    got = decide(
        NOON,
        last_full_at=None,
        last_pass_at=None,
        need=CALM,
        feed=FEED,
        quotas=[
            QUOTA,
            Quota(requests_limit=60, requests_left=60, mutations_limit=20, mutations_left=20),
        ],
        policy=POLICY,
    )

    assert (got.most_requests, got.most_mutations) == (30, 10)


def test_a_pass_that_began_some_seconds_after_its_tick_does_not_cost_the_next_a_minute() -> None:
    tick = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    began = tick + timedelta(seconds=10)

    at_the_second_tick = decide(
        tick + timedelta(minutes=2),
        last_full_at=began,
        last_pass_at=began,
        need=Need(minutes=2, skus=1, example="HOT"),
        feed=Feed(last_used_taken_at=tick, latest_taken_at=tick + timedelta(minutes=1)),
        quotas=[Quota(requests_limit=9, requests_left=9, mutations_limit=9, mutations_left=9)],
        policy=CadencePolicy(ladder_minutes=(1, 2, 5)),
    )

    assert at_the_second_tick.does is Pass.FULL
