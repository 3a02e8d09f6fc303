"""Stock readings are removed once they are old and in the history; those still needed stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from centra_whistl_dagster.history.errors import HistoryUnreadable
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.simulator.whistl.snapshots import SnapshotFault, take_snapshot
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.quarantine import (
    NotInQuarantine,
    quarantined,
    release,
    what_it_would_do,
)
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster.workflows.upkeep.history_archive import files_not_loaded
from centra_whistl_dagster.workflows.upkeep.retention import thin_archive
from centra_whistl_dagster_tests.workflows.conftest import Desk

DAY = 86_400.0


def sync(desk: Desk, fault: SnapshotFault | None = None) -> None:
    desk.clock.advance(60)
    desk.switch(snapshot_fault=fault)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)
    desk.sync_stock()


def publish(desk: Desk) -> None:
    live = history.open_history(desk.link)
    history.load_stock(desk.link, live)
    history.publish_history(desk.link, live)


def files(desk: Desk, kind: str) -> list[Path]:
    return archive.kept_since(desk.link.settings.archive_path, kind, None)


def test_readings_are_removed_after_thirty_days_and_the_history_keeps_what_they_said(
    desk: Desk,
) -> None:
    for _ in range(3):
        sync(desk)
    desk.clock.advance(31 * DAY)
    sync(desk)
    publish(desk)
    before = {kind: len(files(desk, kind)) for kind in archive.FOR_HISTORY}

    removed = thin_archive(desk.link)

    assert before[archive.WHISTL_STOCK] == before[archive.CENTRA_STOCK] == 4
    assert len(files(desk, archive.WHISTL_STOCK)) == len(files(desk, archive.CENTRA_STOCK)) == 1
    assert len(files(desk, archive.RECONCILED)) == len(files(desk, archive.DEMAND)) == 1
    assert removed > 10
    with open_published(desk.link.settings.published_path) as reader:
        assert reader.row_counts()["stock_snapshots"] >= 4


def test_what_the_next_sync_begins_with_stays_however_old(desk: Desk) -> None:
    sync(desk)
    publish(desk)
    desk.clock.advance(90 * DAY)
    publish(desk)

    thin_archive(desk.link)
    sync(desk)

    assert desk.truth()["stock"]["agreeing"] == desk.truth()["stock"]["skus"]


def test_nothing_is_removed_that_analysts_do_not_have_yet(desk: Desk) -> None:
    sync(desk)
    sync(desk)
    desk.clock.advance(90 * DAY)

    thin_archive(desk.link)

    assert len(files(desk, archive.WHISTL_STOCK)) == len(files(desk, archive.CENTRA_STOCK)) == 2


def test_a_damaged_copy_of_the_history_is_reported_and_no_reading_is_removed(desk: Desk) -> None:
    sync(desk)
    sync(desk)
    publish(desk)
    desk.clock.advance(90 * DAY)
    desk.link.settings.published_path.write_bytes(b"half a fi")

    with pytest.raises(HistoryUnreadable, match="Run the job publish_history"):
        thin_archive(desk.link)

    assert len(files(desk, archive.WHISTL_STOCK)) == len(files(desk, archive.CENTRA_STOCK)) == 2


def test_a_new_history_begins_with_what_is_still_kept(desk: Desk) -> None:
    sync(desk)
    desk.clock.advance(31 * DAY)
    sync(desk)
    publish(desk)
    thin_archive(desk.link)
    desk.link.settings.history_path.unlink()

    publish(desk)

    with open_published(desk.link.settings.published_path) as reader:
        assert reader.row_counts()["stock_snapshots"] > 0


def test_a_reading_that_is_missing_too_early_is_reported_until_it_is_back(desk: Desk) -> None:
    sync(desk)
    (kept,) = files(desk, archive.WHISTL_STOCK)
    whole = desk.link.settings.archive_path / kept
    contents = whole.read_bytes()
    whole.unlink()
    live = history.open_history(desk.link)

    (failed,) = [load for load in history.load_stock(desk.link, live) if load.failed]

    assert failed.failures[0].key == str(kept)
    assert files_not_loaded(live) == {str(kept): "the file is missing"}
    desk.clock.advance(DAY)
    whole.write_bytes(contents)
    history.load_stock(desk.link, live)
    assert files_not_loaded(live) == {}


def test_a_reading_that_could_not_be_loaded_is_not_removed(desk: Desk) -> None:
    sync(desk)
    (damaged,) = files(desk, archive.CENTRA_STOCK)
    (desk.link.settings.archive_path / damaged).write_bytes(b"half a fi")
    desk.clock.advance(60)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.wait(1)
    desk.sync_stock()
    publish(desk)
    desk.clock.advance(60 * DAY)
    sync(desk)
    publish(desk)

    thin_archive(desk.link)

    assert damaged in files(desk, archive.CENTRA_STOCK)


def test_a_refused_snapshot_that_is_no_longer_kept_can_neither_be_shown_nor_released(
    desk: Desk,
) -> None:
    sync(desk)
    sync(desk, SnapshotFault.TRUNCATED)
    (waiting,) = quarantined(desk.link)
    desk.clock.advance(31 * DAY)
    sync(desk)
    publish(desk)
    thin_archive(desk.link)

    assert quarantined(desk.link) == []
    for use in (what_it_would_do, release):
        with pytest.raises(NotInQuarantine, match="no longer kept: stock is kept for 30 days"):
            use(desk.link, waiting.snapshot_id)
