"""A SKU that Whistl's feeds leave out is heard of and counted, whatever the feed before it was."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest

from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.workflows.stock.quarantine import quarantined, release
from centra_whistl_dagster_tests.workflows.conftest import Desk

Row = dict[str, Any]


def publish(desk: Desk, change: Callable[[list[Row]], list[Row]]) -> str:
    """Let Whistl publish a complete snapshot whose rows are changed; return its name."""
    desk.clock.advance(60)
    with desk.world.lock:
        snapshot = take_snapshot(desk.world)
        assert snapshot is not None
        snapshot.rows = change([dict(row) for row in snapshot.rows])
        snapshot.item_count = len(snapshot.rows)
    desk.clock.advance(1)
    return snapshot.snapshot_id


def without(*skus: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row for row in rows if row["sku"] not in skus]


def unusable(sku: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [{**row, "on_hand": -1} if row["sku"] == sku else row for row in rows]


def absent_means_none(desk: Desk, after: int) -> None:
    policy = desk.config / "policy.toml"
    setting, text = 'absent_sku = "unchanged"', policy.read_text()
    assert setting in text
    wanted = f'absent_sku = "zero after {after} complete snapshots"'
    policy.write_text(text.replace(setting, wanted))
    desk.reopen()


def for_sale(desk: Desk, skus: Collection[str]) -> int:
    return sum(desk.world.centra_free(sku) for sku in skus)


def release_a_feed_without(desk: Desk, skus: list[str]) -> None:
    """Release a feed that is refused because it lacks these SKUs."""
    refused = publish(desk, without(*skus))
    desk.sync_stock()
    assert [each.snapshot_id for each in quarantined(desk.link)] == [refused]
    release(desk.link, refused)
    desk.sync_stock()


def test_skus_that_a_released_feed_leaves_out_have_an_exception_until_they_are_listed(
    desk: Desk,
) -> None:
    desk.sync_stock()
    missing = desk.skus[:10]

    release_a_feed_without(desk, missing)

    assert [desk.problems(sku) for sku in missing] == [["sku_absent_from_snapshot"]] * 10
    assert desk.problems() == ["sku_absent_from_snapshot"] * 10
    publish(desk, without(*missing[1:]))
    desk.sync_stock()
    assert desk.problems() == ["sku_absent_from_snapshot"] * 9


def test_skus_that_a_released_feed_leaves_out_go_off_sale_where_absent_means_none(
    desk: Desk,
) -> None:
    absent_means_none(desk, after=2)
    desk.sync_stock()
    missing = desk.skus[:10]
    before = for_sale(desk, missing)

    release_a_feed_without(desk, missing)
    after_release = for_sale(desk, missing)
    publish(desk, without(*missing))
    desk.sync_stock()

    assert after_release == before > 0
    assert for_sale(desk, missing) == 0


def test_a_released_feed_with_unusable_rows_does_not_count_as_leaving_a_sku_out(
    desk: Desk,
) -> None:
    absent_means_none(desk, after=1)
    desk.sync_stock()
    missing, broken = desk.skus[:10], desk.skus[11]
    before = for_sale(desk, [*missing, broken])
    refused = publish(desk, lambda rows: without(*missing)(unusable(broken)(rows)))
    desk.sync_stock()
    release(desk.link, refused)
    desk.sync_stock()
    after_release = for_sale(desk, [*missing, broken])

    publish(desk, without(*missing))
    desk.sync_stock()

    assert after_release == before
    assert for_sale(desk, missing) == 0
    assert desk.world.centra_free(broken) > 0


def test_a_feed_older_than_the_one_in_use_says_nothing_new_when_it_is_released(desk: Desk) -> None:
    desk.sync_stock()
    refused = publish(desk, without(*desk.skus[:10]))
    desk.sync_stock()
    publish(desk, without())
    desk.sync_stock()

    release(desk.link, refused)
    desk.sync_stock()

    assert desk.problems() == []


@pytest.mark.parametrize("times", [1, 3])
def test_a_sku_whose_row_was_unusable_before_it_was_left_out_is_counted(
    desk: Desk, times: int
) -> None:
    absent_means_none(desk, after=2)
    desk.sync_stock()
    sku = desk.skus[0]
    for _ in range(times):
        publish(desk, unusable(sku))
        desk.sync_stock()

    free = []
    for _ in range(2):
        publish(desk, without(sku))
        desk.sync_stock()
        free.append(desk.world.centra_free(sku))

    assert free[0] > 0
    assert free[1] == 0


def test_rows_that_were_left_out_once_do_not_refuse_the_next_whole_feed(desk: Desk) -> None:
    desk.sync_stock()
    broken = desk.skus[:4]

    def change(rows: list[Row]) -> list[Row]:
        for sku in broken:
            rows = unusable(sku)(rows)
        return rows

    refused = publish(desk, change)
    desk.sync_stock()
    release(desk.link, refused)
    desk.sync_stock()

    publish(desk, without())
    desk.sync_stock()

    assert quarantined(desk.link) == []
    assert desk.problems() == []
