"""A refused snapshot is kept with its reason; a person can preview it, and may release it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from centra_whistl_dagster.simulator.whistl.snapshots import SnapshotFault, take_snapshot
from centra_whistl_dagster.simulator.world.warehouse import goods_in
from centra_whistl_dagster.simulator.world.world import Snapshot
from centra_whistl_dagster.workflows.stock.quarantine import (
    NotInQuarantine,
    quarantined,
    release,
    what_it_would_do,
)
from centra_whistl_dagster_tests.workflows.conftest import Desk


def taken(desk: Desk) -> Snapshot:
    """Let Whistl take a snapshot."""
    with desk.world.lock:
        snapshot = take_snapshot(desk.world)
    assert snapshot is not None
    return snapshot


@pytest.fixture
def refused(desk: Desk) -> str:
    """A warehouse that really sold nearly out overnight, which looks absurd to the guards."""
    desk.sync_stock()
    desk.wait(10)
    with desk.world.lock:
        for sku in desk.skus[1:]:
            desk.world.shelves[sku].on_hand = 0
        take_snapshot(desk.world)
    desk.wait(30)
    desk.sync_stock()
    (waiting,) = quarantined(desk.link)
    return waiting.snapshot_id


def test_a_refused_snapshot_shows_what_it_would_do(desk: Desk, refused: str) -> None:
    would = what_it_would_do(desk.link, refused)

    assert would.preview.rising == 0
    assert would.preview.falling > 30
    assert would.preview.emptied > 30
    assert would.preview.units_removed > 0
    assert "many_to_zero" in would.reason
    falls = [changed.before - changed.after for changed in would.largest]
    assert falls == sorted(falls, reverse=True)
    assert (len(falls), falls[-1] > 0) == (10, True)
    first = would.largest[0]
    assert desk.world.shelves[first.sku].centra_physical == first.before


def test_a_preview_changes_nothing(desk: Desk, refused: str) -> None:
    before = desk.effects()

    what_it_would_do(desk.link, refused)

    assert desk.effects() == before
    assert len(quarantined(desk.link)) == 1


def test_a_released_snapshot_is_written_by_the_next_sync(desk: Desk, refused: str) -> None:
    release(desk.link, refused)
    desk.sync_stock()

    assert quarantined(desk.link) == []
    assert desk.problems() == []
    left = {sku: desk.world.centra_free(sku) for sku in desk.skus if desk.world.centra_free(sku)}
    assert set(left) <= {desk.skus[0]}


def test_a_name_that_is_not_in_quarantine_is_reported(desk: Desk, refused: str) -> None:
    with pytest.raises(NotInQuarantine, match="S-nobody"):
        release(desk.link, "S-nobody")


@pytest.mark.parametrize("fault", [SnapshotFault.INCOMPLETE, SnapshotFault.TRUNCATED])
def test_a_snapshot_read_before_it_was_complete_is_used_once_it_is(
    desk: Desk, fault: SnapshotFault
) -> None:
    desk.sync_stock()
    desk.wait(10)
    goods_in(desk.world, desk.skus[0], 3)
    desk.switch(snapshot_fault=fault)
    early = taken(desk)
    desk.sync_stock()
    refused = [snapshot.snapshot_id for snapshot in quarantined(desk.link)]
    desk.switch(snapshot_fault=None)
    whole = taken(desk)
    with desk.world.lock:
        early.rows, early.item_count, early.complete = whole.rows, whole.item_count, True
        desk.world.latest_snapshot_id = early.snapshot_id

    desk.sync_stock()

    assert refused == [early.snapshot_id]
    assert quarantined(desk.link) == []
    assert desk.problems() == []
    sku = desk.skus[0]
    assert desk.world.centra_free(sku) == desk.world.whistl_available(sku)


def test_a_snapshot_from_the_future_cannot_be_released(desk: Desk) -> None:
    desk.sync_stock()
    early = taken(desk)
    early.taken_at += timedelta(days=1)
    desk.sync_stock()
    (waiting,) = quarantined(desk.link)

    with pytest.raises(NotInQuarantine, match="in the future"):
        release(desk.link, waiting.snapshot_id)

    assert len(quarantined(desk.link)) == 1


@pytest.mark.parametrize("fault", [SnapshotFault.EMPTY, SnapshotFault.ZEROED])
def test_a_snapshot_that_shows_no_stock_of_anything_cannot_be_released(
    desk: Desk, fault: SnapshotFault
) -> None:
    desk.sync_stock()
    desk.wait(10)
    desk.switch(snapshot_fault=fault)
    refused = taken(desk).snapshot_id
    desk.sync_stock()

    with pytest.raises(NotInQuarantine, match="no stock of any SKU"):
        release(desk.link, refused)

    assert [snapshot.snapshot_id for snapshot in quarantined(desk.link)] == [refused]
    assert desk.problems() == ["stock_snapshot_refused"]


def test_a_second_snapshot_of_one_moment_is_neither_used_nor_refused(desk: Desk) -> None:
    desk.sync_stock()
    taken(desk)

    desk.sync_stock()

    assert quarantined(desk.link) == []
    assert desk.problems() == []
