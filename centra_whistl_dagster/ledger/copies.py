"""Whole copies of a ledger in SQLite: made while it is in use, checked, and put in its place."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa


class CopyUnusable(Exception):
    """A copy of the ledger cannot be made, or is no whole ledger; the text says why."""


def sqlite_file(url: str) -> Path | None:
    """Return the file of a ledger in SQLite; None for a ledger in another database."""
    address = sa.engine.make_url(url)
    is_file = address.get_backend_name() == "sqlite" and address.database
    return Path(str(address.database)) if is_file else None


def copy_in_use(ledger: Path, to: Path) -> None:
    """Copy a ledger as it stands at one moment, whoever is writing to it meanwhile.

    Raises:
        CopyUnusable: there is no ledger, or it cannot be read or written.
    """
    if not ledger.is_file():
        raise CopyUnusable(f"There is no ledger at {ledger}. Check STATE_DIR and LEDGER_URL.")
    with _in_plain_words(ledger):
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(to)) as copy:
            # All pages in one step: between two steps a writer would make it begin again.
            source.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")
        _flush(to)


def check(copy: Path) -> dict[str, int]:
    """Return the rows of each table of a copy, after checking every page of it.

    Raises:
        CopyUnusable: it is damaged, or no ledger.
    """
    address = f"{copy.absolute().as_uri()}?mode=ro"
    with _in_plain_words(copy), closing(sqlite3.connect(address, uri=True)) as link:
        faults = [row[0] for row in link.execute("PRAGMA integrity_check(3)")]
        if faults != ["ok"]:
            raise CopyUnusable(f"{copy} is damaged: {'; '.join(faults)}.")
        names = [
            row[0]
            for row in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith("sqlite_")
        ]
        if not {"orders", "applied_migrations"} <= set(names):
            raise CopyUnusable(f"{copy} is no ledger.")
        return {
            name: link.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of tables
            for name in sorted(names)
        }


def differences(found: Mapping[str, int], expected: Mapping[str, int]) -> list[str]:
    """Say which tables have another number of rows than they should."""
    return [
        f"{name}: {found.get(name, 0)} rows, not {expected.get(name, 0)}"
        for name in sorted({*found, *expected})
        if found.get(name, 0) != expected.get(name, 0)
    ]


def is_open_elsewhere(ledger: Path) -> bool:
    """Say whether another process has the ledger open at this moment."""
    if not ledger.is_file():
        return False
    try:
        with closing(sqlite3.connect(ledger, timeout=0, isolation_level=None)) as link:
            # Only the one connection that there is may leave the mode in which several write.
            mode = link.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            link.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError:
        return True
    except sqlite3.DatabaseError:
        return False  # damaged: it is being restored for that reason
    return str(mode) != "delete"


def settle(copy: Path) -> None:
    """Leave a ledger that was opened as one file, without a `-wal` beside it.

    Raises:
        CopyUnusable: it cannot be written.
    """
    with _in_plain_words(copy), closing(sqlite3.connect(copy)) as link:
        link.execute("PRAGMA journal_mode=DELETE")


def put_in_place(copy: Path, ledger: Path, *, at: datetime) -> Path | None:
    """Replace a ledger that nobody has open; return where the old one was moved to.

    The old one's newest rows may be in its `-wal`, which goes with it: beside another ledger it
    would be played into that one. If anything fails, every file is moved back.
    """
    aside: Path | None = None
    with ExitStack() as undo:

        def move(source: Path, to: Path) -> None:
            source.replace(to)
            undo.callback(to.replace, source)

        if ledger.exists():
            aside = ledger.with_name(f"{ledger.name}.replaced-{at:%Y%m%dT%H%M%SZ}")
            for suffix in ("-wal", "-shm"):
                left = ledger.with_name(ledger.name + suffix)
                if left.exists():
                    move(left, aside.with_name(aside.name + suffix))
            move(ledger, aside)
        move(copy, ledger)
        descriptor = os.open(ledger.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        undo.pop_all()
    return aside


def duplicate(copy: Path, to: Path) -> None:
    """Copy a file that nobody writes to.

    Raises:
        CopyUnusable: it cannot be copied.
    """
    with _in_plain_words(copy):
        shutil.copyfile(copy, to)
        to.chmod(0o600)
        _flush(to)


@contextmanager
def _in_plain_words(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CopyUnusable(f"{file} cannot be copied or read: {why}.") from error


def _flush(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
