"""Between two passes over every SKU, stock is passed over where it cannot wait, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from centra_whistl_dagster.domain.stock import cadence
from centra_whistl_dagster.domain.stock.cadence import Pass
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.workflows.stock import sync


def test_a_pass_over_some_skus_reads_and_writes_those_and_leaves_the_rest_for_the_full_one(
    watch: Any,
) -> None:
    hot, slow = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.settle_down()
    before, offered = watch.looks(), {sku: watch.free(sku) for sku in (hot, slow)}
    for sku in (hot, slow):
        goods_in(watch.world, sku, 30)

    tally = watch.pass_over(within_minutes=1)

    assert (tally.read, tally.written) == (1, 1)
    assert watch.free(hot) == offered[hot] + 30
    assert watch.free(slow) == offered[slow]
    assert watch.looks()[slow] == before[slow]
    assert watch.looks()[hot] > before[hot]

    watch.pass_over()

    assert watch.free(slow) == offered[slow] + 30
    assert watch.truth()["stock"]["agreeing"] == watch.truth()["stock"]["skus"]


def test_what_was_told_of_a_sku_stands_until_it_is_passed_over_again(watch: Any) -> None:
    hot, gone = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.order((gone, watch.world.centra_free(gone)))
    with watch.world.lock:
        take_unseen(watch.world, gone, 1)
    watch.settle_down()
    told = watch.problems(gone)
    assert "oversold" in told
    goods_in(watch.world, gone, 50)

    watch.pass_over(within_minutes=1)
    assert watch.problems(gone) == told

    watch.pass_over()
    assert watch.problems(gone) == []


def test_after_the_first_pass_of_all_the_next_minute_passes_over_everything_again(
    watch: Any,
) -> None:
    watch.tick()
    before = watch.looks()

    decision = watch.tick()

    assert (decision.does, decision.minutes) == (Pass.DUE, 1)
    assert all(watch.looks()[sku] > before[sku] for sku in watch.skus)
    assert watch.tick().does is Pass.NONE


def test_over_a_quarter_of_an_hour_a_hot_sku_is_looked_at_each_minute_and_a_slow_one_once(
    watch: Any,
) -> None:
    hot, slow = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.settle_down()
    before = watch.looks()

    decisions = [watch.tick() for _ in range(15)]

    assert sum(each.does is Pass.FULL for each in decisions) == 1
    assert sum(each.does is Pass.DUE for each in decisions) == 14
    assert f"1 SKU needs a pass each 1 min, the fastest {hot}" in decisions[0].reason
    assert watch.looks()[slow] - before[slow] == 1
    assert watch.looks()[hot] - before[hot] >= 15


def test_a_sale_is_passed_over_as_soon_as_it_begins_and_each_minute_then(
    watch: Any,
) -> None:
    watch.settle_down()
    assert watch.tick().does is Pass.NONE

    watch.put_on_sale(watch.skus[0], starts_at=f"{watch.world.now():%Y-%m-%dT%H:%M:%SZ}")
    decision = watch.tick()

    assert decision.does is Pass.FULL
    assert decision.reason == "the sale 'Black Friday' has begun"
    assert watch.tick().does is Pass.DUE


def test_what_centras_quota_does_not_suffice_for_is_left_for_the_next_minute(watch: Any) -> None:
    watch.pass_over()
    for sku in watch.skus[:3]:
        goods_in(watch.world, sku, 30)
    watch.reopen(CENTRA_PLAN="growth")
    watch.set_policy("reserved_for_orders", "1.0")

    kept_for_orders = watch.pass_over()

    assert kept_for_orders.written == 0
    left = "left for the next pass: the rest of Centra's quota is for orders"
    assert kept_for_orders.skipped[left] == 3
    watch.set_policy("reserved_for_orders", "0.5")
    watch.clock.advance(30)
    assert watch.tick().does is Pass.DUE
    assert watch.truth()["stock"]["agreeing"] == watch.truth()["stock"]["skus"]


def test_a_short_quota_goes_to_what_must_not_be_sold_before_what_may_be(
    watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    more, less = watch.skus[:2]
    watch.pass_over()
    right = {sku: watch.free(sku) for sku in (more, less)}
    goods_in(watch.world, more, 30)
    with watch.world.lock:
        take_unseen(watch.world, less, 2)
    monkeypatch.setattr(sync, "_ROWS_PER_WRITE", 1)
    monkeypatch.setattr(cadence, "_MOST_BATCHES", 1)

    tally = watch.pass_over()

    assert tally.written == 1
    assert watch.free(less) == right[less] - 2 - watch.buffers()[less]
    assert watch.free(more) == right[more]


def test_where_no_size_that_was_due_is_left_in_centra_nothing_is_passed_over(watch: Any) -> None:
    hot, slow = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.settle_down()
    watch.world.items[hot].is_active_in_centra = False
    goods_in(watch.world, slow, 30)

    tally = watch.pass_over(within_minutes=1)

    assert (tally.read, tally.written) == (0, 0)
    assert watch.pass_over().written == 1
