"""Load the archived readings of stock into the history, each file in a transaction of its own.

Which files are in the history is kept file by file, not as a time: a reading of a million SKUs may
take an hour, and its file then appears under the time at which it began. A file that cannot be
loaded delays no other; it is tried again at every load, and reported until it is loaded or gone.

Does not belong here: rows of the ledger (`history`), or one day again (`history_of_day`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pandas as pd

from centra_whistl_dagster.history.columns import HistoryTable, table_name
from centra_whistl_dagster.history.days import NOT_IN_THE_LEDGER, DayFiles
from centra_whistl_dagster.history.errors import FrameRefused, SnapshotUnusable
from centra_whistl_dagster.history.levels import Reading
from centra_whistl_dagster.history.publish import days_beside
from centra_whistl_dagster.history.rows import Load, RowFailure
from centra_whistl_dagster.history.session import Session
from centra_whistl_dagster.history.stock_tables import (
    BufferChanges,
    CentraLevels,
    ComparisonUnits,
    StockComparisons,
    StockLevels,
    StockPositions,
)
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.ledger import stock_export
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.ledger.states import Verdict
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive

_LATEST_APPEARANCE = timedelta(days=1)
"""A file appears in the archive at most this long after the day it is kept under."""
_OVERLAP = timedelta(minutes=5)
_FILES_AT_ONCE = 200
"""Loaded while the history is open once: a rebuild has thousands, and others wait meanwhile."""

UNUSABLE = (SnapshotUnusable, FrameRefused, OSError, ValueError)
"""What a damaged file leads to; pyarrow's own errors are of the last two kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """A file of the archive, and how it is loaded."""

    file: str
    """Relative to the archive."""
    kind: str
    day: str
    model: type[HistoryTable]
    load: Callable[[Session], Sequence[Load]]


def load_archive(link: Link, history: History) -> list[Load]:
    """Load the files of the archive that are not in the history yet.

    A new history is restored from the files of whole days first: the archive keeps readings only
    for a while.
    """
    days = days_beside(link.settings.published_path)
    with history.opened():
        loads = _restore(link, history, days)
        with history.reading() as reader:
            waiting = reader.files_not_loaded()
        snapshots, complete_until = _new_snapshots(link, history, waiting)
        files = [*snapshots, *_new_files(link, history, waiting)]
    # Before the loading: interrupted after it, the days' files would stay as they are.
    _forget_days(history, days, [file for file in files if file.file not in waiting])
    for at in range(0, len(files), _FILES_AT_ONCE):
        with history.opened():
            for file in files[at : at + _FILES_AT_ONCE]:
                loads += _load_file(history, file)
    with history.writing() as session:
        still = session.files_not_loaded()
        # Only now: every snapshot found is loaded, or kept as a file to be tried again.
        session.note_complete(StockLevels, complete_until)
    found = waiting.keys() - still.keys()
    _forget_days(history, days, [file for file in files if file.file in found])
    for gone in set(waiting) - {file.file for file in files}:
        with history.writing() as session:
            session.forget_file(gone)
    return loads


def _restore(link: Link, history: History, days: DayFiles) -> list[Load]:
    """Fill a new history from the files of days, and keep which readings are thereby in it."""
    until = days.complete_until()
    with history.reading() as reader:
        if until is None or reader.watermark(StockLevels) is not None:
            return []
    first = (link.now() - link.settings.keeps_history_for).date()
    last = f"{until - timedelta(days=1):%Y-%m-%d}"
    folder = link.settings.archive_path
    with history.writing() as session:
        parts = ((model, days.rows_since(model, first)) for model in NOT_IN_THE_LEDGER)
        loads = [session.restore(model, files, until) for model, files in parts if files]
        for kind in archive.FOR_HISTORY:
            for path in archive.kept_since(folder, kind, None):
                if path.parent.name <= last:
                    session.note_file(str(path), kind, path.parent.name)
        # With the rows: an interrupted load goes on from here, and restores nothing twice.
        session.note_complete(StockLevels, until)
    return loads


def _forget_days(history: History, days: DayFiles, files: Sequence[ArchivedFile]) -> None:
    """Have the files of days written again that a late reading changes."""
    until = days.complete_until()
    late = [file.day for file in files if until and file.day < f"{until:%Y-%m-%d}"]
    if late:
        with history.reading() as reader:
            first_days = reader.first_days()
        days.forget_since(date.fromisoformat(min(late)), first_days)


def files_not_loaded(history: History) -> dict[str, str]:
    """Return the archived files that the history lacks, and why."""
    with history.reading() as reader:
        return reader.files_not_loaded()


def whistl_reading(row: SnapshotRow) -> Reading:
    """Return what identifies a snapshot of Whistl's stock."""
    return Reading(
        snapshot_id=row.snapshot_id, taken_at=row.taken_at, read_at=row.read_at, is_complete=True
    )


def centra_reading(file: Path) -> Reading:
    """Return what identifies a reading of Centra's stock; parts of it may be minutes older."""
    name, at = _named(file)
    return Reading(
        snapshot_id=f"{name}-{at:{archive.STAMP}}", taken_at=at, read_at=at, is_complete=True
    )


def files_of(folder: Path, kind: str, days: Callable[[str], bool]) -> list[ArchivedFile]:
    """Return the files of a kind, oldest first, of the days that are wanted."""
    model, load = _FROM_THE_ARCHIVE[kind]
    return [
        ArchivedFile(
            file=str(path),
            kind=kind,
            day=path.parent.name,
            model=model,
            load=partial(_load_whole, load, folder / path),
        )
        for path in archive.kept_since(folder, kind, None)
        if days(path.parent.name)
    ]


def _load_whole(
    load: Callable[[Session, Path], Sequence[Load]], file: Path, session: Session
) -> Sequence[Load]:
    return load(session, file)


def _new_snapshots(
    link: Link, history: History, waiting: Mapping[str, str]
) -> tuple[list[ArchivedFile], datetime]:
    """Find Whistl's snapshots that were read, released or missed, and say until when."""
    with history.reading() as reader:
        complete_until = reader.watermark(StockLevels)
        refused = set(reader.refused_snapshots())
        since = complete_until - _OVERLAP if complete_until else None
        loaded = reader.files_loaded(archive.WHISTL_STOCK)
    folder = link.settings.archive_path
    with link.ledger.reading() as tx:
        now, kept_since = tx.now, tx.now - link.settings.keeps_archive_for
        found = {
            row.snapshot_id: row
            for row in (
                *stock_export.snapshots_since(tx, since),
                *stock_export.snapshots_named(tx, refused),
                *stock_export.snapshots_in(tx, waiting),
            )
        }
    files = []
    for row in sorted(found.values(), key=lambda row: (row.taken_at, row.read_at)):
        is_released = row.snapshot_id in refused and row.verdict is Verdict.ACCEPTED
        if row.file in loaded and not is_released:
            continue
        if row.read_at < kept_since and not archive.is_kept(folder, row.file):
            continue  # removed when it was old; a new history file begins with what is kept
        files.append(_snapshot_file(folder, row))
    return files, now


def _snapshot_file(folder: Path, row: SnapshotRow) -> ArchivedFile:
    def load(session: Session) -> Sequence[Load]:
        reading = whistl_reading(row)
        if row.verdict is Verdict.REFUSED:
            return [
                session.record_refused_snapshot(reading, row_count=row.row_count, reason=row.reason)
            ]
        return [session.record_stock_snapshot(folder / row.file, reading)]

    return ArchivedFile(
        file=row.file,
        kind=archive.WHISTL_STOCK,
        day=f"{row.taken_at:%Y-%m-%d}",
        model=StockLevels,
        load=load,
    )


def _new_files(link: Link, history: History, waiting: Mapping[str, str]) -> Iterator[ArchivedFile]:
    folder = link.settings.archive_path
    for kind in _FROM_THE_ARCHIVE:
        with history.reading() as reader:
            last_day = reader.last_day_of(kind)
            first = "" if last_day is None else _day_before(last_day)
            loaded = reader.files_loaded(kind, since_day=first)
        again = {Path(file).parent.name for file in waiting}
        for file in files_of(folder, kind, lambda day: day >= first or day in again):  # noqa: B023
            if file.file in waiting or (file.day >= first and file.file not in loaded):
                yield file


def _day_before(day: str) -> str:
    return f"{date.fromisoformat(day) - _LATEST_APPEARANCE:%Y-%m-%d}"


def _load_file(history: History, file: ArchivedFile) -> Sequence[Load]:
    try:
        with history.writing() as session:
            loads = file.load(session)
            session.note_file(file.file, file.kind, file.day)
    except UNUSABLE as error:
        with history.writing() as session:
            session.note_file(file.file, file.kind, file.day, problem=_problem(error))
            return [session.record_failure(_failure(file, error))]
    return loads


def _problem(error: Exception) -> str:
    # Without the error's own words: they may quote a value or a long path.
    if isinstance(error, FileNotFoundError) or "No files found" in str(error):
        return "the file is missing"
    return "the file cannot be read, or its rows cannot be used"


def _failure(file: ArchivedFile, error: Exception) -> RowFailure:
    return RowFailure(
        table_name=table_name(file.model),
        key=file.file,
        column="",
        rule=" ".join(str(error).split()),
    )


def _named(file: Path) -> tuple[str, datetime]:
    name, _, at = file.stem.rpartition("--")
    return name, datetime.strptime(at, archive.STAMP).replace(tzinfo=UTC)


def _load_levels(session: Session, file: Path) -> Sequence[Load]:
    return [session.record_centra_levels(file, centra_reading(file))]


def _load_comparison(session: Session, file: Path) -> Sequence[Load]:
    name, _, sku_count = file.stem.rpartition("--")
    if not sku_count.isdecimal():
        raise ValueError(f"{file}: the file's name should end in the number of SKUs")
    snapshot_id, at = _named(Path(name))
    return session.record_comparison(
        pd.read_parquet(file), snapshot_id=snapshot_id, compared_at=at, sku_count=int(sku_count)
    )


def _load_units(session: Session, file: Path) -> Sequence[Load]:
    return session.record_units_compared(pd.read_parquet(file))


def _load_rows(model: type[HistoryTable], session: Session, file: Path) -> Sequence[Load]:
    return session.record(model, pd.read_parquet(file))


_FROM_THE_ARCHIVE: Mapping[
    str, tuple[type[HistoryTable], Callable[[Session, Path], Sequence[Load]]]
] = {
    archive.CENTRA_STOCK: (CentraLevels, _load_levels),
    archive.DIVERGENCE: (StockComparisons, _load_comparison),
    archive.COMPARISON_UNITS: (ComparisonUnits, _load_units),
    archive.BUFFER_CHANGES: (BufferChanges, partial(_load_rows, BufferChanges)),
    archive.POSITIONS: (StockPositions, partial(_load_rows, StockPositions)),
}
