"""Demand is counted from snapshot to snapshot, seen and unseen apart, and buffers follow it."""

from __future__ import annotations

import pandas as pd

from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world.warehouse import take_unseen
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.cadence import decide_stock_sync
from centra_whistl_dagster.workflows.stock.exposure import exposure_now
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.quarantine import release
from centra_whistl_dagster.workflows.stock.sales_velocity import (
    Counted,
    count_demand,
    counted_until,
    measure_velocity,
)
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster_tests.workflows.conftest import Desk


def count(desk: Desk) -> Counted:
    follow_order_statuses(desk.link)
    read_latest_snapshot(desk.link)
    counted = count_demand(desk.link)
    assert counted is not None
    return counted


def new_snapshot(desk: Desk) -> None:
    with desk.world.lock:
        take_snapshot(desk.world)


def of(counted: Counted, sku: str, name: str) -> float:
    return float(getattr(counted.observed, name)[counted.skus.index(sku)])


def synced_skus(desk: Desk) -> pd.DataFrame:
    with desk.link.ledger.reading() as tx:
        last = last_sync(tx)
    assert last is not None
    return archive.fetch(desk.link.settings.archive_path, last.file).set_index("sku")


def test_what_the_shop_sells_is_seen_and_what_it_does_not_is_unseen(desk: Desk) -> None:
    seen, unseen = desk.skus[0], desk.skus[1]
    count(desk)

    desk.order((seen, 3))
    desk.relay(4)
    with desk.world.lock:
        taken = take_unseen(desk.world, unseen, 5)
    new_snapshot(desk)
    counted = count(desk)

    assert taken == 5
    assert round(of(counted, seen, "seen_units")) == 3
    assert of(counted, seen, "unseen_units") == 0
    assert of(counted, unseen, "seen_units") == 0
    assert round(of(counted, unseen, "unseen_units")) == 5


def test_one_snapshot_is_counted_once(desk: Desk) -> None:
    count(desk)
    desk.order()
    desk.relay(2)
    new_snapshot(desk)

    first = count(desk)
    again = count(desk)

    assert again.until == first.until
    assert (again.observed.seen_units == first.observed.seen_units).all()


def test_a_sku_that_sells_unseen_is_synced_more_often_and_held_back(desk: Desk) -> None:
    hot, cold = desk.skus[0], desk.skus[1]
    count(desk)
    for _ in range(6):
        with desk.world.lock:
            take_unseen(desk.world, hot, 4)
        desk.wait(120)
        new_snapshot(desk)
        count(desk)

    measured = measure_velocity(desk.link, [hot, cold])
    desk.sync_stock()

    assert measured is not None
    assert measured.velocity.unseen_per_hour[0] > measured.velocity.unseen_per_hour[1]
    synced = synced_skus(desk)
    assert synced["minutes"][hot] < synced["minutes"][cold]
    assert synced["buffer_wanted"][hot] > 0
    assert desk.truth()["stock"]["agreeing"] == desk.truth()["stock"]["skus"]


def test_the_first_sync_is_made_at_once_and_the_next_says_why_it_waits(desk: Desk) -> None:
    assert decide_stock_sync(desk.link).does == "full"

    desk.sync_stock()
    decision = decide_stock_sync(desk.link)

    assert decision.does == "none"
    assert "min" in decision.reason


def test_what_a_released_feed_took_away_is_no_demand(desk: Desk) -> None:
    count(desk)
    with desk.world.lock:
        fullest = sorted(desk.skus, key=desk.world.centra_free)[-9:]
        for sku in fullest:
            take_unseen(desk.world, sku, desk.world.centra_free(sku) - 1)
    desk.wait(60)
    new_snapshot(desk)
    refused = read_latest_snapshot(desk.link)
    assert not refused.is_accepted

    release(desk.link, refused.snapshot_id)
    counted = count(desk)

    assert counted.until == refused.taken_at
    assert counted.observed.unseen_units.sum() == 0
    assert len(counted.fallen) == 1


def test_buffers_cover_the_time_until_whistl_publishes_again(desk: Desk) -> None:
    for _ in range(4):
        desk.wait(3600)
        new_snapshot(desk)
        decide_stock_sync(desk.link)
        count(desk)

    with desk.link.ledger.reading() as tx:
        exposure = exposure_now(tx)

    assert 59 < exposure.publishing_minutes < 62
    assert exposure.minutes(1) > 60


def test_counts_kept_by_an_earlier_release_are_carried_forward(desk: Desk) -> None:
    count(desk)
    with desk.world.lock:
        take_unseen(desk.world, desk.skus[0], 4)
    desk.wait(60)
    new_snapshot(desk)
    count(desk)
    with desk.link.ledger.reading() as tx:
        kept = counted_until(tx)
    assert kept is not None
    file = desk.link.settings.archive_path / kept.file
    frame = pd.read_parquet(file)
    newer = [name for name in frame.columns if "clumps" in name or "logs" in name]
    frame.drop(columns=newer).to_parquet(file)

    desk.wait(60)
    new_snapshot(desk)
    counted = count(desk)

    assert of(counted, desk.skus[0], "unseen_clumps") > 0.9
