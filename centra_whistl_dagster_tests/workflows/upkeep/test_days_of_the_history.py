"""Whole days are kept as Parquet beside the published copy, and give back what the file loses."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NoReturn

import duckdb
import pytest

from centra_whistl_dagster.history.publish import days_beside, open_published
from centra_whistl_dagster.ledger.export_measurements import cadence_decisions_since
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.cadence_record import decide_and_record
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.upkeep import (
    backup,
    history,
    history_archive,
    history_measurements,
)
from centra_whistl_dagster.workflows.upkeep.history_measurements import load_measurements
from centra_whistl_dagster.workflows.upkeep.history_of_day import DayNotKept, load_day
from centra_whistl_dagster.workflows.upkeep.retention import thin_archive, thin_history
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.upkeep.test_rebuilding_history import (
    LOADERS,
    load,
    rows,
    sync,
)

DAY = 86_400.0


def publish(desk: Desk) -> int:
    return history.publish_history(desk.link, history.open_history(desk.link)).days_files


def a_day(desk: Desk, number: int) -> None:
    desk.order((desk.skus[number % 5], 1))
    desk.relay(2, every=30)
    sync(desk)
    measure_divergence(desk.link)
    decide_and_record(desk.link)
    load(desk)
    publish(desk)
    desk.clock.advance(DAY)


def folder(desk: Desk) -> Path:
    return days_beside(desk.link.settings.published_path).folder


def contents(desk: Desk) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder(desk).glob("*/*.parquet")}


def test_the_days_together_are_the_table(desk: Desk) -> None:
    for number in range(3):
        a_day(desk, number)
    load(desk)
    publish(desk)

    with duckdb.connect() as con:
        found = con.execute(
            "SELECT count(*), count(valid_to) FROM read_parquet(?)",
            [str(folder(desk) / "stock_levels" / "*.parquet")],
        ).fetchall()
    kept = rows(desk)["stock_levels"]
    assert found == [(len(kept), sum(row[3] is not None for row in kept))]


def test_a_day_is_written_once(desk: Desk) -> None:
    a_day(desk, 0)
    a_day(desk, 1)
    load(desk)
    assert publish(desk) > 0
    before = contents(desk)

    desk.clock.advance(600)
    sync(desk)
    load(desk)

    assert publish(desk) == 0
    assert contents(desk) == before


def test_no_day_is_written_while_a_loader_has_not_reached_its_end(desk: Desk) -> None:
    a_day(desk, 0)
    file = history.open_history(desk.link)
    for loader in (history.load_orders, load_measurements, history.load_exceptions):
        loader(desk.link, file)

    assert publish(desk) == 0
    assert {Path(name).stem for name in contents(desk)} == {"open"}


def test_a_day_loaded_again_is_written_again(desk: Desk) -> None:
    first = desk.clock().date()
    for number in range(3):
        a_day(desk, number)
    load(desk)
    publish(desk)
    before = contents(desk)

    load_day(desk.link, history.open_history(desk.link), first + timedelta(days=1))

    assert publish(desk) > 0
    assert contents(desk).keys() == before.keys()


def thinned(desk: Desk) -> date:
    """Return the first of four days, of which only the files are left."""
    first = desk.clock().date()
    for number in range(3):
        a_day(desk, number)
    desk.clock.advance(450 * DAY)
    a_day(desk, 3)
    load(desk)
    publish(desk)
    thin_archive(desk.link)
    load(desk)
    assert thin_history(desk.link) > 0
    publish(desk)
    return first


@pytest.mark.parametrize("kept_now", ["400", "800"])
def test_a_day_that_only_files_have_left_is_not_loaded_again_and_its_files_stay(
    desk: Desk, kept_now: str
) -> None:
    first = thinned(desk)
    desk.reopen(KEEP_HISTORY_DAYS=kept_now)
    before, kept = contents(desk), rows(desk)

    with pytest.raises(DayNotKept, match="files of days alone"):
        load_day(desk.link, history.open_history(desk.link), first)

    load(desk)
    publish(desk)
    assert contents(desk) == before
    assert rows(desk) == kept


def test_files_of_days_that_the_history_keeps_no_longer_are_never_removed(desk: Desk) -> None:
    first = thinned(desk)
    with history.open_history(desk.link).reading() as reader:
        kept = reader.first_days()
    before = contents(desk)
    of_stock = {name for name in before if Path(name).parent.name != "order_events"}
    old = {name for name in of_stock if Path(name).stem < "2026-06"}

    days_beside(desk.link.settings.published_path).forget_since(first, kept)

    assert old
    assert old <= contents(desk).keys() < before.keys()
    publish(desk)
    assert contents(desk).keys() == before.keys()


def test_a_day_whose_readings_are_gone_keeps_the_files_of_its_stock(desk: Desk) -> None:
    first = desk.clock().date()
    for number in range(3):
        a_day(desk, number)
    load(desk)
    publish(desk)
    before = contents(desk)
    archived = desk.link.settings.archive_path / archive.CENTRA_STOCK / f"{first}"
    for path in archived.glob("*.parquet"):
        path.unlink()

    with pytest.raises(DayNotKept, match="no longer in the archive"):
        load_day(desk.link, history.open_history(desk.link), first)

    left = contents(desk)
    gone = {Path(name).parent.name for name in before.keys() - left.keys()}
    assert gone == {"order_events", "stock_updates", "cadence_decisions"}
    publish(desk)
    assert contents(desk).keys() == before.keys()


@pytest.mark.parametrize("written_after", [1, 3, 9])
def test_a_backup_that_is_made_while_a_day_is_written_gives_back_every_row(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written_after: int
) -> None:
    for number in range(3):
        a_day(desk, number)
    copyfile, copied = shutil.copyfile, list[Path]()

    def copy_while_a_day_is_written(source: Path, to: Path) -> None:
        copyfile(source, to)
        if folder(desk) in source.parents:
            copied.append(source)
            if len(copied) == written_after:
                load(desk)
                assert publish(desk) > 0

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", copy_while_a_day_is_written)
        made = backup.back_up(desk.link.settings, tmp_path / "backups", now=desk.clock)
    before = rows(desk)
    shutil.rmtree(folder(desk))
    shutil.copytree(made / "days", folder(desk))
    desk.link.settings.history_path.unlink()
    load(desk)

    assert len(copied) > written_after
    assert rows(desk) == before


def test_a_lost_history_comes_back_though_the_readings_of_its_first_days_are_gone(
    desk: Desk,
) -> None:
    for number in range(3):
        a_day(desk, number)
    desk.clock.advance(31 * DAY)
    a_day(desk, 3)
    load(desk)
    publish(desk)
    thin_archive(desk.link)
    load(desk)
    with desk.link.ledger.reading() as tx:
        assert len(cadence_decisions_since(tx, None)) == 1
    assert len(archive.kept_since(desk.link.settings.archive_path, archive.WHISTL_STOCK, None)) < 4
    a_day(desk, 4)
    before = rows(desk)

    desk.link.settings.history_path.unlink()
    load(desk)

    assert rows(desk) == before


def test_a_restore_that_was_interrupted_is_finished_by_the_next_load(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        a_day(desk, number)
    load(desk)
    publish(desk)
    before = rows(desk)
    desk.link.settings.history_path.unlink()
    with monkeypatch.context() as patched:
        patched.setattr(history_archive, "_new_snapshots", _interrupted)
        patched.setattr(history_measurements, "load_table", _interrupted)
        for loader in LOADERS[1], LOADERS[3]:
            with pytest.raises(InterruptedError):
                loader(desk.link, history.open_history(desk.link))

    load(desk)

    assert rows(desk) == before


def _interrupted(*_: object) -> NoReturn:
    raise InterruptedError("the process ended")


def test_a_comparison_replaced_on_a_later_day_comes_back_once(desk: Desk) -> None:
    policy = Path(desk.environment["CONFIG_DIR"]) / "policy.toml"
    policy.write_text(policy.read_text().replace("oldest_minutes = 60.0", "oldest_minutes = 600.0"))
    desk.reopen()
    midnight = datetime.combine(desk.clock().date() + timedelta(days=1), time(), UTC)
    desk.clock.advance((midnight - desk.clock()).total_seconds() - 600)
    sync(desk)
    for pause in (2 * 3_600, DAY):
        measure_divergence(desk.link)
        load(desk)
        desk.clock.advance(pause)
        load(desk)
        publish(desk)
    before = rows(desk)
    assert len(list((folder(desk) / "comparison_units").glob("*.parquet"))) == 2

    desk.link.settings.history_path.unlink()
    load(desk)

    assert rows(desk) == before


def test_a_reading_that_arrives_after_its_day_was_written_is_not_lost_by_a_restore(
    desk: Desk,
) -> None:
    a_day(desk, 0)
    sync(desk)
    archived = desk.link.settings.archive_path
    late = archive.kept_since(archived, archive.CENTRA_STOCK, desk.clock())[-1]
    whole = archived / late
    kept = whole.read_bytes()
    desk.clock.advance(60)
    sync(desk)
    whole.unlink()
    load(desk)
    desk.clock.advance(DAY)
    a_day(desk, 1)
    whole.write_bytes(kept)
    load(desk)
    publish(desk)
    before = rows(desk)

    desk.link.settings.history_path.unlink()
    load(desk)

    assert rows(desk) == before


def test_rows_past_their_time_leave_the_file_and_their_days_stay(desk: Desk) -> None:
    for number in range(2):
        a_day(desk, number)
    load(desk)
    publish(desk)
    assert thin_history(desk.link) == 0
    desk.clock.advance(401 * DAY)
    sync(desk)
    load(desk)
    publish(desk)
    before, files = rows(desk), contents(desk)

    assert thin_history(desk.link) > 0

    after = rows(desk)
    assert len(after["divergence"]) < len(before["divergence"])
    assert after["orders"] == before["orders"]
    assert [row for row in after["stock_levels"] if row[3] is None] == [
        row for row in before["stock_levels"] if row[3] is None
    ]
    assert contents(desk) == files
    publish(desk)
    with open_published(desk.link.settings.published_path) as reader:
        assert reader.row_counts()["divergence"] == len(after["divergence"])
