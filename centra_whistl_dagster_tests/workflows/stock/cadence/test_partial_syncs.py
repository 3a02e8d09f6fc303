"""Between two full syncs, partial ones sync the SKUs that cannot wait, and only those."""

from __future__ import annotations

import pandas as pd
import pytest

from centra_whistl_dagster.domain.stock import cadence
from centra_whistl_dagster.domain.stock.cadence import StockSync
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.workflows.stock import sync
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.levels_needed import skus_to_read
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock.sync import publish_stock
from centra_whistl_dagster_tests.workflows.stock.cadence.conftest import Watch


def test_a_partial_sync_reads_and_writes_its_skus_and_leaves_the_rest_for_the_full_one(
    watch: Watch,
) -> None:
    hot, slow = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.settle_down()
    before, offered = watch.reads(), {sku: watch.free(sku) for sku in (hot, slow)}
    for sku in (hot, slow):
        goods_in(watch.world, sku, 30)

    tally = watch.sync(within_minutes=1)

    assert (tally.read, tally.written) == (1, 1)
    assert watch.free(hot) == offered[hot] + 30
    assert watch.free(slow) == offered[slow]
    assert watch.reads()[slow] == before[slow]
    assert watch.reads()[hot] > before[hot]

    watch.sync()

    assert watch.free(slow) == offered[slow] + 30
    watch.assert_the_shop_is_right()


def test_an_exception_about_a_sku_stays_open_until_the_sku_is_synced_again(watch: Watch) -> None:
    hot, gone = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.desk.order((gone, watch.world.centra_free(gone)))
    with watch.world.lock:
        take_unseen(watch.world, gone, 1)
    watch.settle_down()
    problems = watch.desk.problems(gone)
    assert "oversold" in problems
    goods_in(watch.world, gone, 50)

    watch.sync(within_minutes=1)
    assert watch.desk.problems(gone) == problems

    watch.sync()
    assert watch.desk.problems(gone) == []


def test_after_the_very_first_sync_the_next_minute_syncs_everything_again(
    watch: Watch,
) -> None:
    watch.tick()
    before = watch.synced_at()

    decision = watch.tick()

    assert (decision.does, decision.minutes) == (StockSync.PARTIAL, 1)
    assert all(watch.synced_at()[sku] > before[sku] for sku in watch.skus)
    assert watch.tick().does is StockSync.NONE


def test_what_no_news_can_have_changed_is_synced_without_a_call_and_what_moved_is_read(
    watch: Watch,
) -> None:
    moved, at_rest = watch.skus[:2]
    for sku in (moved, at_rest):
        watch.put_on_sale(sku)
    watch.settle_down()
    before, synced, offered = watch.reads(), watch.synced_at(), watch.free(moved)
    goods_in(watch.world, moved, 20)

    tally = watch.sync(within_minutes=1)

    assert (tally.read, tally.written) == (1, 1)
    assert watch.free(moved) == offered + 20
    assert watch.reads()[moved] > before[moved]
    assert watch.reads()[at_rest] == before[at_rest]
    assert watch.synced_at()[at_rest] > synced[at_rest]


def test_what_moved_only_after_the_reading_does_not_count_as_synced(watch: Watch) -> None:
    read, moved_late = watch.skus[:2]
    for sku in (read, moved_late):
        watch.put_on_sale(sku)
    watch.desk.leave_the_building([watch.desk.order((moved_late, 3))])
    watch.settle_down()
    before = watch.synced_at()
    goods_in(watch.world, read, 20)
    watch.new_snapshot()
    read_latest_snapshot(watch.link)
    read_centra_levels(watch.link, within_minutes=1, skus=skus_to_read(watch.link, 1))
    watch.desk.relay_despatches()

    publish_stock(watch.link)

    assert watch.synced_at()[read] > before[read]
    assert watch.synced_at()[moved_late] == before[moved_late]


def test_what_has_gone_at_whistl_is_taken_off_sale_by_the_next_sync_of_anything(
    watch: Watch,
) -> None:
    hot, slow = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.settle_down()
    offered = watch.free(slow)
    with watch.world.lock:
        take_unseen(watch.world, slow, 3)

    watch.sync(within_minutes=1)

    assert watch.free(slow) <= offered - 3


def test_goods_in_that_offset_a_shipment_are_still_put_on_sale(watch: Watch) -> None:
    sku = watch.skus[0]
    watch.put_on_sale(sku)
    watch.desk.leave_the_building([watch.desk.order((sku, 3))])
    watch.settle_down()
    offered = watch.free(sku)
    watch.desk.relay_despatches()
    goods_in(watch.world, sku, 3)

    watch.sync(within_minutes=1)

    assert watch.free(sku) == offered + 3
    watch.assert_the_shop_is_right()


def test_in_a_quarter_of_an_hour_a_hot_sku_is_synced_each_minute_and_a_slow_one_once(
    watch: Watch,
) -> None:
    hot, slow = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.settle_down()
    before, syncs = watch.reads(), set[pd.Timestamp]()

    decisions = []
    for _ in range(15):
        decisions.append(watch.tick())
        syncs.add(watch.synced_at()[hot])

    assert sum(decision.does is StockSync.FULL for decision in decisions) == 1
    assert sum(decision.does is StockSync.PARTIAL for decision in decisions) == 14
    assert f"1 SKU needs a sync every 1 min, the fastest {hot}" in decisions[0].reason
    assert watch.reads()[slow] - before[slow] == 1
    assert len(syncs) == 15
    assert watch.reads()[hot] - before[hot] == 1, "nothing happened to it"


def test_a_sale_is_synced_as_soon_as_it_begins_and_each_minute_then(
    watch: Watch,
) -> None:
    watch.settle_down()
    assert watch.tick().does is StockSync.NONE

    watch.put_on_sale(watch.skus[0], starts_at=f"{watch.world.now():%Y-%m-%dT%H:%M:%SZ}")
    decision = watch.tick()

    assert decision.does is StockSync.FULL
    assert decision.reason == "the sale 'Black Friday' has begun"
    assert watch.tick().does is StockSync.PARTIAL


def test_writes_beyond_centras_quota_are_left_for_the_next_minute(watch: Watch) -> None:
    watch.sync()
    for sku in watch.skus[:3]:
        goods_in(watch.world, sku, 30)
    watch.desk.reopen(CENTRA_PLAN="growth")
    watch.set_policy("reserved_for_orders", "1.0")

    kept_for_orders = watch.sync()

    assert kept_for_orders.written == 0
    left = "left for the next sync: the rest of Centra's quota is for orders"
    assert kept_for_orders.skipped[left] == 3
    watch.set_policy("reserved_for_orders", "0.5")
    watch.desk.clock.advance(30)
    assert watch.tick().does is StockSync.PARTIAL
    watch.assert_the_shop_is_right()


def test_a_short_quota_goes_first_to_skus_that_must_not_be_sold(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    more, less = watch.skus[:2]
    watch.sync()
    right = {sku: watch.free(sku) for sku in (more, less)}
    goods_in(watch.world, more, 30)
    with watch.world.lock:
        take_unseen(watch.world, less, 2)
    monkeypatch.setattr(sync, "SKUS_OF_A_BATCH", 1)
    monkeypatch.setattr(cadence, "_MOST_BATCHES", 1)

    tally = watch.sync()

    assert tally.written == 1
    assert watch.free(less) == right[less] - 2 - watch.desk.buffers()[less]
    assert watch.free(more) == right[more]


def test_where_no_size_that_was_due_is_left_in_centra_nothing_is_synced(watch: Watch) -> None:
    hot, slow = watch.skus[:2]
    watch.put_on_sale(hot)
    watch.settle_down()
    watch.world.items[hot].is_active_in_centra = False
    goods_in(watch.world, slow, 30)

    tally = watch.sync(within_minutes=1)

    assert (tally.read, tally.written) == (0, 0)
    assert watch.sync().written == 1
