"""How often stock was read, as the scoreboard shows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from centra_whistl_dagster.demo.stock_figures import SkuReads, buffers, stock_reads
from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.policy import SkuRule, StockPolicy

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

SYNCED = pd.DataFrame(
    {
        "sku": ["HOT", "WARM", "COLD", "COLDER", "ELSEWHERE"],
        "in_whistl": [True, True, True, True, True],
        "in_centra": [True, True, True, True, False],
        "buffer_wanted": [2, 0, 0, 0, 0],
        "per_hour": [80.0, 9.0, 0.1, 0.0, 0.0],
        "centra_physical": [7, 9, 50, 2, 0],
        "minutes": [1, 3, 3, 3, 3],
        "centra_allocated": [3, 0, 0, 5, 0],
    }
).set_index("sku")


def test_the_skus_read_most_come_first_with_what_they_sell_and_have_left() -> None:
    reads = stock_reads(SYNCED, {"HOT": 9, "WARM": 6, "COLD": 4, "COLDER": 4})

    assert reads.most == (
        SkuReads(sku="HOT", times=9, why="sells 80 an hour, 4 left: synced every 1 min"),
        SkuReads(sku="WARM", times=6, why="sells 9 an hour, 9 left: synced every 3 min"),
    )
    assert (reads.often, reads.others, reads.others_times) == (2, 2, 4)


def test_where_all_are_read_equally_often_none_stands_out() -> None:
    reads = stock_reads(SYNCED, dict.fromkeys(SYNCED.index, 3))

    assert (reads.often, reads.most, reads.others, reads.others_times) == (0, (), 4, 3)


def test_before_the_first_sync_there_is_nothing_to_show() -> None:
    assert stock_reads(None, {}).others == 0
    assert buffers(None, StockPolicy(), NOW) == {}


def test_what_is_held_back_is_known_to_the_judge() -> None:
    assert buffers(SYNCED, StockPolicy(), NOW)["HOT"] == 2


def test_the_judge_accepts_no_buffer_above_the_cap_that_the_policy_sets_for_the_sku() -> None:
    held_back = SYNCED.assign(buffer_wanted=[9, 9, 0, 0, 0])
    rule = SkuRule(pattern="HOT", buffer=BufferPolicy(cap_units=5))
    policy = StockPolicy(buffer=BufferPolicy(cap_units=3), sku_rules=(rule,))

    judged = buffers(held_back, policy, NOW)

    assert (judged["HOT"], judged["WARM"], judged["COLD"]) == (5, 3, 0)
