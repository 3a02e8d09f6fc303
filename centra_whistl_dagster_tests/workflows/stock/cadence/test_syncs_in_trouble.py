"""Whatever goes wrong in a sync, no SKU is forgotten and no sync is made for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.stock import cadence
from centra_whistl_dagster.domain.stock.cadence import StockSync
from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.transport import OutcomeUnknown
from centra_whistl_dagster.workflows.stock import sync
from centra_whistl_dagster.workflows.stock.cadence import decide_stock_sync
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock.sync import publish_stock
from centra_whistl_dagster_tests.workflows.stock.cadence.conftest import Watch


def sell_out(watch: Watch, sku: str) -> None:
    """Let others take all that Whistl has of a SKU."""
    with watch.world.lock:
        take_unseen(watch.world, sku, watch.world.whistl_available(sku))


def test_a_sold_out_sku_that_could_not_be_written_is_written_the_next_minute(watch: Watch) -> None:
    gone = watch.skus[0]
    watch.set_policy("cap_units", "0")
    watch.settle_down()
    sell_out(watch, gone)
    watch.desk.fault("centra", "setStock", FaultKind.ERROR_503_BEFORE)
    with pytest.raises(OutcomeUnknown):
        watch.sync()
    assert watch.free(gone) > 0
    watch.world.faults.clear()

    decision = watch.tick(is_new=False)

    assert decision.does is StockSync.PARTIAL
    assert "1 SKU is still to be written" in decision.reason
    assert watch.free(gone) == 0


def test_what_the_quota_did_not_allow_is_written_later_with_the_same_snapshot(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.settle_down()
    monkeypatch.setattr(sync, "SKUS_OF_A_BATCH", 1)
    monkeypatch.setattr(cadence, "_MOST_BATCHES", 2)
    offered = {sku: watch.free(sku) for sku in watch.skus[:5]}
    for sku in offered:
        goods_in(watch.world, sku, 30)
    watch.sync()

    decisions = [watch.tick(is_new=False) for _ in range(3)]

    assert [str(decision.does) for decision in decisions] == ["partial", "partial", "none"]
    assert {sku: watch.free(sku) - before for sku, before in offered.items()} == dict.fromkeys(
        offered, 30
    )


def test_a_long_reading_leaves_enough_quota_to_write(watch: Watch) -> None:
    watch.settle_down()
    goods_in(watch.world, watch.skus[0], 30)
    offered = watch.free(watch.skus[0])
    watch.desk.reopen(CENTRA_PLAN="growth")
    watch.new_snapshot()
    read_latest_snapshot(watch.link)
    for _ in range(20):  # as many pages as a catalogue of 4,000 SKUs has
        read_centra_levels(watch.link)

    tally = publish_stock(watch.link)

    assert tally.written == 1
    assert watch.free(watch.skus[0]) == offered + 30


def test_a_token_that_may_not_write_causes_no_full_sync_each_minute(watch: Watch) -> None:
    watch.settle_down()
    goods_in(watch.world, watch.skus[0], 30)
    watch.world.settings.centra_tokens[watch.desk.environment["CENTRA_TOKEN"]] = CentraToken(
        permissions=ALL_PERMISSIONS - {"StockChange:write"}
    )
    watch.sync()
    watch.desk.wait(60)

    decision = decide_stock_sync(watch.link)

    assert (decision.does, decision.minutes) == (StockSync.PARTIAL, 1)


def test_during_a_sale_of_everything_every_sku_is_still_synced(watch: Watch) -> None:
    watch.put_on_sale("*")
    new = watch.skus[0]
    watch.world.items[new].is_active_in_centra = False
    watch.settle_down()
    watch.world.items[new].is_active_in_centra = True
    goods_in(watch.world, new, 30)

    decisions = [watch.tick() for _ in range(16)]

    assert sum(decision.does is StockSync.FULL for decision in decisions) == 1
    watch.assert_the_shop_is_right()


def test_skus_on_one_side_only_cause_no_sync(watch: Watch) -> None:
    only_whistl, left_since = watch.skus[:2]
    for sku in (only_whistl, left_since):
        watch.put_on_sale(sku)
    watch.world.items[only_whistl].is_active_in_centra = False
    watch.settle_down()
    watch.world.items[left_since].is_active_in_centra = False

    first = watch.tick()
    watch.sync()  # only a full sync reads every level, and finds that one is gone
    decisions = [watch.tick() for _ in range(2)]

    assert [str(each.does) for each in (first, *decisions)] == ["partial", "none", "none"]


class SlowToWrite:
    """Centra, slow to write stock."""

    def __init__(self, client: CentraClient, clock: ManualClock, seconds: float) -> None:
        self._client, self._clock, self._seconds = client, clock, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def set_physical_stock(self, *args: Any, **members: Any) -> Any:
        self._clock.advance(self._seconds)
        return self._client.set_physical_stock(*args, **members)


def test_a_sale_that_begins_during_a_sync_is_noticed_by_the_next_tick(watch: Watch) -> None:
    watch.settle_down()
    goods_in(watch.world, watch.skus[1], 30)
    watch.new_snapshot()
    read_latest_snapshot(watch.link)
    begins_in = 2
    begins = watch.world.now() + timedelta(seconds=begins_in)
    starts_at = f"{begins:%Y-%m-%dT%H:%M:%SZ}"
    watch.put_on_sale(watch.skus[0], starts_at=starts_at)
    read_centra_levels(watch.link)
    slow = SlowToWrite(watch.link.centra, watch.desk.clock, begins_in)
    publish_stock(replace(watch.link, centra=cast("CentraClient", slow)))

    assert watch.tick().reason == "the sale 'Black Friday' has begun"


def test_a_snapshot_that_was_refused_before_is_no_news(watch: Watch) -> None:
    watch.put_on_sale(watch.skus[0])
    watch.settle_down()
    watch.desk.switch(snapshot_fault="zeroed")
    assert watch.tick().does is StockSync.PARTIAL

    decision = watch.tick(is_new=False)

    assert decision.does is StockSync.NONE
    assert "Whistl has published nothing since" in decision.reason


def test_while_no_stock_may_be_used_centra_is_not_read_for_nothing(watch: Watch) -> None:
    watch.settle_down()
    watch.desk.clock.advance(2 * 3600)
    before = watch.reads()

    with pytest.raises(NothingToReconcile):
        measure_divergence(watch.link)

    assert watch.reads() == before


def test_after_a_change_of_the_ladder_every_sku_is_still_synced(watch: Watch) -> None:
    watch.settle_down()
    watch.set_policy("ladder_minutes", "[5, 20]")

    decisions = [watch.tick() for _ in range(40)]

    assert sum(decision.does is StockSync.FULL for decision in decisions) == 2
