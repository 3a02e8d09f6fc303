"""Publish a copy of the history that analysts may keep open as long as they like.

The copy replaces the old one in one step: whoever has the old one open keeps reading it, and nobody
ever sees half a file. An open copy stops no load, as an open live file would.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from centra_whistl_dagster.history.days import DayFiles
from centra_whistl_dagster.history.errors import HistoryError, HistoryUnreadable
from centra_whistl_dagster.history.measurement_tables import CadenceDecisions
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.history.stock_tables import StockLevels, StockUpdates
from centra_whistl_dagster.history.store import History, connect, connection_settings
from centra_whistl_dagster.history.tables import OrderEvents

_WITH_DAYS = (StockLevels, StockUpdates, OrderEvents, CadenceDecisions)
"""A day is written once all of these are loaded to its end; the first stands for the archive."""

_FOR_ALL = 0o644
"""A first copy is readable by every user of the machine, since it holds no personal data. Later
ones keep whatever mode its owner gave it since."""
_FOLDER_FOR_ALL = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One published copy."""

    path: Path
    size_bytes: int
    days_files: int = 0
    """Files of whole days that were written beside it."""


def publish(history: History, published_path: Path) -> Publication:
    """Put a copy of the live history where analysts open it.

    Raises:
        HistoryBusy, HistoryUnreadable, SchemaDrift: as `History.writing`.
        HistoryError: the copy failed, for example because the disk is full. The old one remains.
    """
    make_folder(published_path)
    mode = mode_of(published_path)
    unfinished = published_path.with_name(f"{published_path.name}.unfinished")
    with history.locked():
        history.checkpoint()
        _copy(history.path, unfinished)
        unfinished.chmod(mode)
        _sync(unfinished)
        unfinished.replace(published_path)
        _sync(published_path.parent)
    return Publication(
        path=published_path,
        size_bytes=published_path.stat().st_size,
        days_files=_write_days(published_path),
    )


def days_beside(published_path: Path) -> DayFiles:
    """Return where the files of whole days are."""
    return DayFiles(folder=published_path.parent / "days")


def _write_days(published_path: Path) -> int:
    settings = connection_settings(memory_limit="1GB", threads=2)
    with closing(connect(published_path, settings, read_only=True)) as con:
        until = Reader(con).complete_until(_WITH_DAYS)
        if until is None:
            return 0
        return days_beside(published_path).write(con, until=until, mode=mode_of(published_path))


@contextmanager
def open_published(path: Path, *, memory_limit: str = "1GB", threads: int = 2) -> Iterator[Reader]:
    """Open the published copy for the length of the block.

    A process that opens it a second time before closing the first connection sees the state of the
    first, even after a newer copy was published: DuckDB shares a file within a process.

    Raises:
        HistoryError: nothing has been published yet.
        HistoryUnreadable: the file is damaged, or may not be read.
    """
    if not path.exists():
        raise HistoryError(f"Nothing has been published to '{path}' yet.")
    settings = connection_settings(memory_limit=memory_limit, threads=threads)
    try:
        opened = connect(path, settings, read_only=True)
    except duckdb.Error as error:
        raise HistoryUnreadable(
            f"The published copy '{path}' cannot be opened: {error}. Run the job publish_history."
        ) from error
    with closing(opened) as con:
        yield Reader(con)


def make_folder(published_path: Path) -> None:
    """Create the folder of the published copy, unless it is there; every user may enter it."""
    folder = published_path.parent
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(_FOLDER_FOR_ALL)


def share_days(published_path: Path) -> None:
    """Let whoever may open the published copy open the files of days that were put beside it."""
    days_beside(published_path).share(mode_of(published_path))


def mode_of(published_path: Path) -> int:
    """Return the mode of the published copy, or the one that a first copy gets."""
    return stat.S_IMODE(published_path.stat().st_mode) if published_path.exists() else _FOR_ALL


def _copy(source: Path, target: Path) -> None:
    # In a separate process: closing a copy made here would drop the lock that any DuckDB connection
    # of this process has on the file.
    program = shutil.which("cp")
    if program is None:
        raise HistoryError("The program 'cp' is not on the path; the history cannot be published.")
    done = subprocess.run(  # noqa: S603 -- a fixed program and two paths, no shell
        [program, "--", str(source), str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        target.unlink(missing_ok=True)
        raise HistoryError(f"The history could not be copied to '{target}': {done.stderr.strip()}")


def _sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
