"""Feeds judged by what the shop has, by our own orders and by a person's release."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from centra_whistl_dagster.ledger import exception_news
from centra_whistl_dagster.simulator.whistl.snapshots import SnapshotFault, take_snapshot
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.simulator.world.world import Snapshot
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.quarantine import quarantined, release
from centra_whistl_dagster.workflows.stock.snapshots import (
    is_there_a_new_snapshot,
    read_latest_snapshot,
)
from centra_whistl_dagster_tests.workflows.conftest import Desk

Row = dict[str, Any]


def published(desk: Desk, fault: SnapshotFault | None = None) -> Snapshot:
    """Let Whistl publish a snapshot a minute later."""
    desk.switch(snapshot_fault=fault)
    desk.clock.advance(60)
    with desk.world.lock:
        snapshot = take_snapshot(desk.world)
    desk.clock.advance(1)
    assert snapshot is not None
    return snapshot


def spoil(desk: Desk, change: Callable[[list[Row]], list[Row]]) -> Snapshot:
    """Let Whistl publish a snapshot whose rows are changed, though they add up."""
    snapshot = published(desk)
    with desk.world.lock:
        snapshot.rows = change(copy.deepcopy(snapshot.rows))
        for row in snapshot.rows:
            row["available"] = row["on_hand"] - row["allocated"] - row["quarantined"]
        snapshot.item_count = len(snapshot.rows)
    return snapshot


def times_ten(rows: list[Row]) -> list[Row]:
    return [{**row, "on_hand": row["on_hand"] * 10} for row in rows]


def a_million_more(rows: list[Row]) -> list[Row]:
    return [{**row, "on_hand": row["on_hand"] + 1_000_000} for row in rows]


def shifted(rows: list[Row]) -> list[Row]:
    return [
        {**row, "sku": other["sku"]} for row, other in zip(rows, rows[1:] + rows[:1], strict=True)
    ]


def none_allocated(rows: list[Row]) -> list[Row]:
    return [{**row, "allocated": 0} for row in rows]


def nothing(rows: list[Row]) -> list[Row]:
    return [{**row, "on_hand": 0, "allocated": 0, "quarantined": 0} for row in rows]


def for_sale(desk: Desk) -> dict[str, int]:
    return {sku: desk.world.centra_free(sku) for sku in desk.skus}


def reasons(desk: Desk) -> set[str]:
    return set(quarantined(desk.link)[0].reason.split(", "))


def urgent(desk: Desk) -> list[tuple[str, str]]:
    with desk.link.ledger.reading() as tx:
        return sorted((row.kind, row.owner) for row in exception_news.listed(tx))


# ---- the first feed of all
@pytest.mark.parametrize("change", [times_ten, a_million_more, nothing])
def test_the_first_feed_is_judged_by_what_the_shop_has(
    desk: Desk, change: Callable[[list[Row]], list[Row]]
) -> None:
    before = for_sale(desk)
    spoil(desk, change)

    read = read_latest_snapshot(desk.link)

    assert (read.is_accepted, for_sale(desk)) == (False, before)
    assert urgent(desk) == [("stock_snapshot_refused", "fulfilment")]
    published(desk)
    desk.sync_stock()
    assert desk.problems() == []


def test_a_first_feed_that_is_right_where_the_shop_is_wrong_takes_one_release(desk: Desk) -> None:
    for sku in desk.skus:
        desk.world.shelves[sku].centra_physical += 500
    published(desk)
    refused = read_latest_snapshot(desk.link)

    release(desk.link, refused.snapshot_id)
    desk.sync_stock()
    published(desk)
    desk.sync_stock()

    assert quarantined(desk.link) == []
    assert desk.problems() == []
    assert for_sale(desk)[desk.skus[0]] <= desk.world.whistl_available(desk.skus[0])


def test_the_release_of_one_feed_ends_nothing_about_a_newer_one_that_still_waits(
    desk: Desk,
) -> None:
    desk.sync_stock()
    first = spoil(desk, times_ten)
    read_latest_snapshot(desk.link)
    second = spoil(desk, times_ten)
    read_latest_snapshot(desk.link)

    release(desk.link, first.snapshot_id)

    assert [each.snapshot_id for each in quarantined(desk.link)] == [second.snapshot_id]
    assert ("stock_snapshot_refused", "fulfilment") in urgent(desk)
    release(desk.link, second.snapshot_id)
    assert urgent(desk) == []


def test_after_an_almost_empty_feed_was_released_an_empty_one_still_takes_nothing_off_sale(
    desk: Desk,
) -> None:
    desk.sync_stock()
    few = spoil(desk, lambda rows: rows[:2])
    desk.sync_stock()
    release(desk.link, few.snapshot_id)
    desk.sync_stock()
    before = for_sale(desk)

    spoil(desk, nothing)
    desk.sync_stock()

    assert "many_to_zero" in reasons(desk)
    assert for_sale(desk) == before


# ---- feeds that add up, and are wrong
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (times_ten, "large_rise"),
        (a_million_more, "bad_rows"),
        (shifted, "many_changes"),
        (nothing, "many_to_zero"),
    ],
)
def test_a_feed_that_adds_up_and_is_wrong_is_refused(
    desk: Desk, change: Callable[[list[Row]], list[Row]], reason: str
) -> None:
    desk.sync_stock()
    before = for_sale(desk)
    spoil(desk, change)

    desk.sync_stock()

    assert reason in reasons(desk)
    assert for_sale(desk) == before


def test_yesterdays_stock_under_a_new_date_is_refused(desk: Desk) -> None:
    desk.sync_stock()
    with desk.world.lock:
        assert desk.world.latest_snapshot_id is not None
        old = copy.deepcopy(desk.world.snapshots[desk.world.latest_snapshot_id].rows)
    desk.order_some(12)
    desk.relay_orders()
    desk.wait(10)
    published(desk)
    desk.sync_stock()

    spoil(desk, lambda _: old)
    desk.sync_stock()

    assert "our_orders_undone" in reasons(desk)
    assert all(free <= desk.world.whistl_available(sku) for sku, free in for_sale(desk).items())


def test_a_feed_that_shows_none_of_our_orders_is_refused(desk: Desk) -> None:
    desk.sync_stock()
    desk.order_some(12)
    desk.relay_orders()
    desk.wait(10)

    spoil(desk, none_allocated)
    desk.sync_stock()

    assert {"our_units_not_allocated", "our_orders_undone"} <= reasons(desk)


def test_a_row_with_fewer_units_allocated_than_ours_is_left_out_and_the_others_are_used(
    desk: Desk,
) -> None:
    desk.sync_stock()
    ours, other = desk.skus[0], desk.skus[20]
    desk.order((ours, 3))
    desk.relay_orders()
    desk.wait(10)
    take_unseen(desk.world, other, 2)
    shown = desk.world.shelves[ours].centra_physical

    spoil(
        desk, lambda rows: [{**row, "allocated": 0} if row["sku"] == ours else row for row in rows]
    )
    desk.sync_stock()

    assert desk.world.shelves[ours].centra_physical == shown
    assert desk.world.centra_free(other) <= desk.world.whistl_available(other)
    assert desk.problems() == ["sku_absent_from_snapshot"]
    assert "allocated to our orders" in desk.messages()[0]
    published(desk)
    desk.sync_stock()
    assert desk.problems() == []


def test_a_number_too_large_for_a_column_stops_its_own_sku_alone(desk: Desk) -> None:
    desk.sync_stock()
    huge, other = desk.skus[0], desk.skus[1]
    shown = desk.world.shelves[huge].centra_physical
    take_unseen(desk.world, other, 2)

    spoil(
        desk,
        lambda rows: [{**row, "on_hand": 2**31} if row["sku"] == huge else row for row in rows],
    )
    desk.sync_stock()

    assert desk.world.shelves[huge].centra_physical == shown
    assert desk.world.centra_free(other) <= desk.world.whistl_available(other)
    assert urgent(desk) == [("sku_absent_from_snapshot", "fulfilment")]


# ---- a true change as large as a fault
def test_a_clear_out_takes_one_release_and_the_feeds_after_it_none(desk: Desk) -> None:
    desk.sync_stock()
    with desk.world.lock:
        for sku in desk.skus[3:]:
            desk.world.shelves[sku].on_hand = 0
    cleared = published(desk)
    desk.sync_stock()
    release(desk.link, cleared.snapshot_id)
    desk.sync_stock()

    for _ in range(3):
        goods_in(desk.world, desk.skus[5], 4)
        published(desk)
        desk.sync_stock()

    assert quarantined(desk.link) == []
    assert desk.problems() == []
    assert sum(units > 0 for units in for_sale(desk).values()) <= 4


def test_a_feed_is_released_after_it_grew_old_and_the_next_one_is_used_by_itself(
    desk: Desk,
) -> None:
    desk.sync_stock()
    for sku in desk.skus[3:]:
        desk.world.shelves[sku].on_hand = 0
    cleared = published(desk)
    desk.sync_stock()
    desk.clock.advance(7_200)
    release(desk.link, cleared.snapshot_id)

    published(desk)
    desk.sync_stock()

    assert quarantined(desk.link) == []
    assert desk.problems() == []


# ---- one moment, many names
def test_a_refused_feed_under_ever_new_names_is_not_read_each_time(desk: Desk) -> None:
    desk.sync_stock()
    refused = spoil(desk, nothing)
    desk.sync_stock()
    read_before = desk.world.calls["whistl snapshot_items"]

    for number in range(5):
        with desk.world.lock:
            again = copy.copy(refused)
            again.snapshot_id = f"{refused.snapshot_id}-{number}"
            desk.world.snapshots[again.snapshot_id] = again
            desk.world.latest_snapshot_id = again.snapshot_id
        assert not is_there_a_new_snapshot(desk.link)
        desk.sync_stock()

    assert desk.world.calls["whistl snapshot_items"] == read_before
    assert len(quarantined(desk.link)) == 1


def test_a_correction_of_a_refused_feed_for_the_same_moment_is_read_in_the_end(desk: Desk) -> None:
    desk.sync_stock()
    refused = spoil(desk, nothing)
    desk.sync_stock()
    with desk.world.lock:
        right = copy.copy(refused)
        right.rows = copy.deepcopy(next(iter(desk.world.snapshots.values())).rows)
        right.snapshot_id = f"{refused.snapshot_id}-corrected"
        desk.world.snapshots[right.snapshot_id] = right
        desk.world.latest_snapshot_id = right.snapshot_id

    desk.clock.advance(16 * 60)
    desk.sync_stock()

    assert desk.problems() == []


# ---- a lost archive
@pytest.mark.parametrize(
    "kind", [archive.WHISTL_STOCK, archive.CENTRA_STOCK, archive.RECONCILED, archive.DEMAND]
)
@pytest.mark.parametrize("within_minutes", [None, 1])
def test_a_lost_file_is_read_anew_and_its_owner_hears_of_it(
    desk: Desk, kind: str, within_minutes: int | None
) -> None:
    desk.sync_stock()
    for file in archive.kept_since(desk.link.settings.archive_path, kind, None):
        (desk.link.settings.archive_path / file).unlink()
    take_unseen(desk.world, desk.skus[0], 2)

    desk.sync_stock(within_minutes=within_minutes)
    published(desk)
    desk.sync_stock()

    assert urgent(desk) == [("stock_archive_lost", "data")]
    assert desk.world.centra_free(desk.skus[0]) <= desk.world.whistl_available(desk.skus[0])
    assert quarantined(desk.link) == []
    with desk.link.ledger.reading() as tx:
        (row,) = exception_news.listed(tx)
    assert kind in row.message
