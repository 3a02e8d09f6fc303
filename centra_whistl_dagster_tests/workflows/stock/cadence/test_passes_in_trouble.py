"""Whatever goes wrong in a pass, no SKU is forgotten and no pass is made for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.stock import cadence
from centra_whistl_dagster.domain.stock.cadence import Pass
from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.transport import AccessDenied
from centra_whistl_dagster.workflows.stock import sync
from centra_whistl_dagster.workflows.stock.cadence import decide_stock_pass
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock.sync import publish_stock


def sell_out(watch: Any, sku: str) -> None:
    """Let others take all that Whistl has of a SKU."""
    with watch.world.lock:
        take_unseen(watch.world, sku, watch.world.whistl_available(sku))


def test_a_sold_out_sku_that_could_not_be_written_is_written_the_next_minute(watch: Any) -> None:
    gone = watch.skus[0]
    watch.set_policy("cap_units", "0")
    watch.settle_down()
    sell_out(watch, gone)
    watch.fault("centra", "setStock", FaultKind.ERROR_503_BEFORE)
    watch.pass_over()
    assert watch.free(gone) > 0
    watch.world.faults.clear()

    decision = watch.tick(is_new=False)

    assert decision.does is Pass.DUE
    assert "1 SKU is still to be written" in decision.reason
    assert watch.free(gone) == 0


def test_what_the_quota_left_over_is_written_with_the_same_snapshot(
    watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.settle_down()
    monkeypatch.setattr(sync, "_ROWS_PER_WRITE", 1)
    monkeypatch.setattr(cadence, "_MOST_BATCHES", 2)
    offered = {sku: watch.free(sku) for sku in watch.skus[:5]}
    for sku in offered:
        goods_in(watch.world, sku, 30)
    watch.pass_over()

    decisions = [watch.tick(is_new=False) for _ in range(3)]

    assert [each.does for each in decisions] == [Pass.DUE, Pass.DUE, Pass.NONE]
    assert {sku: watch.free(sku) - before for sku, before in offered.items()} == dict.fromkeys(
        offered, 30
    )


def test_a_long_reading_does_not_use_up_what_it_is_to_be_written_with(watch: Any) -> None:
    watch.settle_down()
    goods_in(watch.world, watch.skus[0], 30)
    offered = watch.free(watch.skus[0])
    watch.reopen(CENTRA_PLAN="growth")
    watch.new_snapshot()
    read_latest_snapshot(watch.link)
    for _ in range(20):  # as many pages as a catalogue of 4,000 SKUs has
        read_centra_levels(watch.link)

    tally = publish_stock(watch.link)

    assert tally.written == 1
    assert watch.free(watch.skus[0]) == offered + 30


def test_a_token_that_may_not_write_makes_no_full_pass_each_minute(watch: Any) -> None:
    watch.settle_down()
    goods_in(watch.world, watch.skus[0], 30)
    watch.world.settings.centra_tokens[watch.environment["CENTRA_TOKEN"]] = CentraToken(
        permissions=ALL_PERMISSIONS - {"StockChange:write"}
    )
    with pytest.raises(AccessDenied):
        watch.pass_over()
    watch.desk.wait(60)

    decision = decide_stock_pass(watch.link)

    assert (decision.does, decision.minutes) == (Pass.DUE, 1)


def test_a_sale_of_everything_still_lets_every_sku_be_passed_over(watch: Any) -> None:
    watch.put_on_sale("*")
    new = watch.skus[0]
    watch.world.items[new].is_active_in_centra = False
    watch.settle_down()
    watch.world.items[new].is_active_in_centra = True
    goods_in(watch.world, new, 30)

    decisions = [watch.tick() for _ in range(16)]

    assert sum(each.does is Pass.FULL for each in decisions) == 1
    assert watch.truth()["stock"]["agreeing"] == watch.truth()["stock"]["skus"]


def test_skus_of_one_side_alone_ask_for_no_pass(watch: Any) -> None:
    only_whistl, left_since = watch.skus[:2]
    for sku in (only_whistl, left_since):
        watch.put_on_sale(sku)
    watch.world.items[only_whistl].is_active_in_centra = False
    watch.settle_down()
    watch.world.items[left_since].is_active_in_centra = False

    decisions = [watch.tick() for _ in range(3)]

    assert [each.does for each in decisions] == [Pass.DUE, Pass.NONE, Pass.NONE]


class SlowToWrite:
    """Centra, taking its time to write stock."""

    def __init__(self, client: CentraClient, clock: ManualClock, seconds: float) -> None:
        self._client, self._clock, self._seconds = client, clock, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def set_physical_stock(self, *args: Any, **members: Any) -> Any:
        self._clock.advance(self._seconds)
        return self._client.set_physical_stock(*args, **members)


def test_a_sale_that_begins_during_a_pass_is_noticed_by_the_next_tick(watch: Any) -> None:
    watch.settle_down()
    goods_in(watch.world, watch.skus[1], 30)
    watch.new_snapshot()
    read_latest_snapshot(watch.link)
    begins_in = 2
    begins = watch.world.now() + timedelta(seconds=begins_in)
    starts_at = f"{begins:%Y-%m-%dT%H:%M:%SZ}"
    watch.put_on_sale(watch.skus[0], starts_at=starts_at)
    read_centra_levels(watch.link)
    publish_stock(
        replace(watch.link, centra=SlowToWrite(watch.link.centra, watch.clock, begins_in))
    )

    assert watch.tick().reason == "the sale 'Black Friday' has begun"


def test_a_snapshot_that_was_refused_before_is_no_news(watch: Any) -> None:
    watch.put_on_sale(watch.skus[0])
    watch.settle_down()
    watch.switch(snapshot_fault="zeroed")
    assert watch.tick().does is Pass.DUE

    decision = watch.tick(is_new=False)

    assert decision.does is Pass.NONE
    assert "Whistl has published nothing since" in decision.reason


def test_while_no_stock_may_be_used_centra_is_not_read_for_nothing(watch: Any) -> None:
    watch.settle_down()
    watch.clock.advance(2 * 3600)
    before = watch.looks()

    with pytest.raises(NothingToReconcile):
        measure_divergence(watch.link)

    assert watch.looks() == before


def test_a_changed_ladder_lets_every_sku_be_passed_over(watch: Any) -> None:
    watch.settle_down()
    watch.set_policy("ladder_minutes", "[5, 20]")

    decisions = [watch.tick() for _ in range(40)]

    assert sum(each.does is Pass.FULL for each in decisions) == 2
