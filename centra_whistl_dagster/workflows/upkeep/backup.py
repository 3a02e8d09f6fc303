"""Backups: the ledger, the stock archive, the configuration and the published history, checked.

A backup is a folder with a manifest, which is written last. Does not belong here: how one is
restored (`restore`), how a database file is copied and checked (`ledger.copies`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from centra_whistl_dagster.history.days import UNFINISHED
from centra_whistl_dagster.history.publish import days_beside
from centra_whistl_dagster.ledger import copies
from centra_whistl_dagster.settings import Settings

LEDGER = "ledger.db"
HISTORY = "history.duckdb"
MANIFEST = "manifest.json"
ARCHIVE, CONFIG, DAYS = "archive", "config", "days"
HALF = ".half"

POSTGRESQL = (
    "The ledger is in PostgreSQL, whose own tools make and restore its backups. Back up with: "
    "pg_dump --format=custom --file=ledger.dump DATABASE, or with the provider's point-in-time "
    "recovery. To restore: stop every process of the connection, pg_restore --clean --if-exists "
    "--dbname=DATABASE ledger.dump, then run: centra-whistl restore --mark."
)


class BackupRefused(Exception):
    """A backup cannot be made or restored; the ledger is as it was. The text says why."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    sha256: str
    size: int


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(frozen=True)

    made_at: datetime
    rows: dict[str, int]
    """Of each table of the ledger; empty where the ledger is in PostgreSQL."""
    files: dict[str, _File]
    """By path inside the backup."""


def back_up(
    settings: Settings, into: Path, *, now: Callable[[], datetime], is_without_ledger: bool = False
) -> Path:
    """Make a backup while everything runs, check it, and return its folder.

    Raises:
        BackupRefused: it cannot be made.
        CopyUnusable: the ledger cannot be copied, or the copy is not whole.
    """
    made_at = now()
    folder = into / f"centra-whistl-{made_at:%Y%m%dT%H%M%SZ}"
    half = folder.with_name(folder.name + HALF)
    ledger = copies.sqlite_file(settings.ledger_url)
    if ledger is None and not is_without_ledger:
        raise BackupRefused(f"{POSTGRESQL} For the other files: centra-whistl backup --no-ledger.")
    if folder.exists():
        raise BackupRefused(f"{folder} is there already.")
    with refusals(into):
        half.mkdir(parents=True, mode=0o700)
        try:
            rows = _fill(half, settings, None if is_without_ledger else ledger)
            files = {name: _described(half / name) for name in sorted(files_in(half))}
            manifest = Manifest(made_at=made_at, rows=rows, files=files)
            _write(half / MANIFEST, manifest.model_dump_json(indent=1))
            verify(half)
            half.replace(folder)
        except BaseException:
            # It holds customers' names, and nothing would ever remove it.
            shutil.rmtree(half, ignore_errors=True)
            raise
    return folder


def _fill(half: Path, settings: Settings, ledger: Path | None) -> dict[str, int]:
    """Copy everything into a backup; return the rows of each table of the ledger."""
    rows = {}
    if ledger is not None:
        copies.copy_in_use(ledger, half / LEDGER)
        rows = copies.check(half / LEDGER)
    _copy_tree(settings.archive_path, half / ARCHIVE)
    _copy_tree(settings.config_path, half / CONFIG)
    if settings.published_path.is_file():
        copy_file(settings.published_path, half / HISTORY)
    # Stock older than the archive is in these files alone.
    days = days_beside(settings.published_path)
    _copy_files(days.folder, days.to_copy_first(), half / DAYS)
    _copy_tree(days.folder, half / DAYS)
    return rows


@contextmanager
def refusals(place: Path, *, then: str = "") -> Iterator[None]:
    """Turn an error of the operating system into a refusal.

    Args:
        place: named where the error names no file.
        then: how things stand after it, and what to do.

    Raises:
        BackupRefused: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        why = f"{error.filename or place}: {error.strerror}."
        raise BackupRefused(f"{why} {then}".rstrip()) from error


def _copy_tree(source: Path, to: Path) -> None:
    _copy_files(source, sorted(source / name for name in files_in(source)), to)


def _copy_files(source: Path, files: Sequence[Path], to: Path) -> None:
    """Copy files of a folder, but for unfinished ones and those that were copied before."""
    for file in files:
        target = to / file.relative_to(source)
        if file.suffix not in {HALF, UNFINISHED} and not target.exists():
            with suppress(FileNotFoundError):  # old files are removed while others are copied
                copy_file(file, target)


def copy_file(source: Path, to: Path) -> None:
    """Copy a file as a whole: half a file, left by a full disk, would pass for one put back."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = to.with_name(to.name + HALF)
    try:
        shutil.copyfile(source, half)
        half.chmod(0o600)
        half.replace(to)
    except OSError:
        half.unlink(missing_ok=True)
        raise


def files_in(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, as paths inside it; links are left out."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix()


def _described(path: Path) -> _File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _File(sha256=digest, size=path.stat().st_size)


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def verify(folder: Path) -> Manifest:
    """Check that a backup is whole: every file as the manifest has it, and the ledger sound.

    Raises:
        BackupRefused: it is not; every fault is named.
        CopyUnusable: its ledger is damaged.
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BackupRefused(f"{folder} is no backup, or it was not finished.") from None
    except (ValidationError, OSError, json.JSONDecodeError):
        raise BackupRefused(f"The manifest of {folder} cannot be read.") from None
    there = set(files_in(folder)) - {MANIFEST}
    faults = [f"{name} is missing" for name in sorted(manifest.files.keys() - there)]
    faults += [f"{name} is not in the manifest" for name in sorted(there - manifest.files.keys())]
    faults += [f"{name} is no path" for name in manifest.files if not _is_inside(name)]
    with refusals(folder):
        faults += [
            f"{name} was changed"
            for name in sorted(manifest.files.keys() & there)
            if _described(folder / name) != manifest.files[name]
        ]
    if not faults and LEDGER in manifest.files:
        faults += copies.differences(copies.check(folder / LEDGER), manifest.rows)
    if faults:
        raise BackupRefused(f"The backup {folder} is not whole: {'; '.join(faults[:10])}.")
    return manifest


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
