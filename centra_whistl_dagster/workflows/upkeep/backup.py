"""Backups: the ledger, the stock archive, the configuration and the published history, checked.

A backup is a folder with a manifest, which is written last. Restoring one begins a new generation
of the ledger, so that nothing which was sent since is sent again. Does not belong here: how a
database file is copied and checked (`ledger.copies`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from centra_whistl_dagster.domain.generations import RAN_LATELY, Beginning
from centra_whistl_dagster.history.publish import days_beside
from centra_whistl_dagster.ledger import copies, generations, witness
from centra_whistl_dagster.ledger.copies import CopyUnusable
from centra_whistl_dagster.ledger.engine import Ledger, LedgerUnavailable
from centra_whistl_dagster.settings import Settings
from centra_whistl_dagster.workflows import continuity

LEDGER = "ledger.db"
HISTORY = "history.duckdb"
MANIFEST = "manifest.json"
_ARCHIVE, _CONFIG, _DAYS = "archive", "config", "days"
_HALF = ".half"

POSTGRESQL = (
    "The ledger is in PostgreSQL, whose own tools make and restore its backups. Back up with: "
    "pg_dump --format=custom --file=ledger.dump DATABASE, or with the provider's point-in-time "
    "recovery. To restore: stop every process of the connection, pg_restore --clean --if-exists "
    "--dbname=DATABASE ledger.dump, then run: centra-whistl restore --mark."
)


class BackupRefused(Exception):
    """A backup cannot be made or restored; nothing was changed. The text says why."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    made_at: datetime
    orders: int
    replaced: Path | None
    """Where the ledger that was there is kept."""
    files: int
    """Files of the archive, the history and the configuration that were put back."""


# ---- backup
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
    half = folder.with_name(folder.name + _HALF)
    ledger = copies.sqlite_file(settings.ledger_url)
    if ledger is None and not is_without_ledger:
        raise BackupRefused(f"{POSTGRESQL} For the other files: centra-whistl backup --no-ledger.")
    if folder.exists():
        raise BackupRefused(f"{folder} is there already.")
    try:
        half.mkdir(parents=True, mode=0o700)
        rows = {}
        if ledger is not None and not is_without_ledger:
            copies.copy_in_use(ledger, half / LEDGER)
            rows = copies.check(half / LEDGER)
        _copy_tree(settings.archive_path, half / _ARCHIVE)
        _copy_tree(settings.config_path, half / _CONFIG)
        if settings.published_path.is_file():
            _copy(settings.published_path, half / HISTORY)
        # Stock older than the archive is in these files alone.
        _copy_tree(days_beside(settings.published_path).folder, half / _DAYS)
        files = {name: _described(half / name) for name in sorted(_files(half))}
        manifest = Manifest(made_at=made_at, rows=rows, files=files)
        _write(half / MANIFEST, manifest.model_dump_json(indent=1))
        verify(half)
        half.replace(folder)
    except OSError as error:
        raise BackupRefused(f"{error.filename or into}: {error.strerror}.") from error
    except CopyUnusable:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return folder


def _copy_tree(source: Path, to: Path) -> None:
    for name in sorted(_files(source)):
        if not name.endswith(_HALF):
            _copy(source / name, to / name)


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        shutil.copyfile(source, to)
    except FileNotFoundError:
        return  # old files of the archive are removed while it is copied
    to.chmod(0o600)


def _files(folder: Path) -> Iterator[str]:
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


# ---- checking
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
    there = set(_files(folder)) - {MANIFEST}
    faults = [f"{name} is missing" for name in sorted(manifest.files.keys() - there)]
    faults += [f"{name} is not in the manifest" for name in sorted(there - manifest.files.keys())]
    faults += [f"{name} is no path" for name in manifest.files if not _is_inside(name)]
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


# ---- restore
def restore(
    settings: Settings, folder: Path, *, now: Callable[[], datetime], is_with_config: bool = False
) -> Restored:
    """Put a backup in place of what is there, and begin a new generation of the ledger.

    Files of the archive that are there stay; the history is put back only where there is none.

    Raises:
        BackupRefused: something is running, or the backup is not whole, or holds no ledger.
        CopyUnusable: its ledger is damaged.
    """
    manifest = verify(folder)
    ledger = copies.sqlite_file(settings.ledger_url)
    if ledger is None:
        raise BackupRefused(POSTGRESQL)
    if LEDGER not in manifest.files:
        raise BackupRefused(f"{folder} holds no ledger.")
    settings.make_state_folder()
    _refuse_if_running(settings, ledger, now)
    new = ledger.with_name(f"{ledger.name}{_HALF}")
    new.unlink(missing_ok=True)
    copies.duplicate(folder / LEDGER, new)
    _begin(settings, f"sqlite:///{new}", now)
    copies.settle(new)
    replaced = copies.put_in_place(new, ledger, at=now())
    count = _put_back(folder / _ARCHIVE, settings.archive_path, is_replacing=False)
    days = days_beside(settings.published_path).folder
    count += _put_back(folder / _DAYS, days, is_replacing=False)
    if is_with_config:
        count += _put_back(folder / _CONFIG, settings.config_path, is_replacing=True)
    if (folder / HISTORY).is_file() and not settings.history_path.exists():
        _copy(folder / HISTORY, settings.history_path)
        count += 1
    orders = manifest.rows.get("orders", 0)
    return Restored(made_at=manifest.made_at, orders=orders, replaced=replaced, files=count)


def mark_restored(settings: Settings, *, now: Callable[[], datetime]) -> None:
    """Begin a new generation of a ledger that was restored by other means."""
    _begin(settings, settings.ledger_url, now)


def _begin(settings: Settings, url: str, now: Callable[[], datetime]) -> None:
    seen = witness.read(settings.witness_path)
    with closing(Ledger(url, now=now, keys=settings.ledger_keys)) as ledger:
        with ledger.transaction() as tx:
            row = continuity.begin(tx, Beginning.RESTORED, seen)
            after = generations.witness_of(tx, row)
        witness.note(settings.witness_path, after)


def _refuse_if_running(settings: Settings, ledger: Path, now: Callable[[], datetime]) -> None:
    stop = "Stop code server, daemon, webserver and every command first"
    if copies.is_open_elsewhere(ledger):
        raise BackupRefused(f"A process has the ledger open. {stop}.")
    if not ledger.is_file():
        return
    try:
        ledger_there = Ledger(settings.ledger_url, now=now, keys=settings.ledger_keys)
        with closing(ledger_there) as present, present.reading() as tx:
            row = generations.newest(tx)
    except LedgerUnavailable:
        return  # damaged: it is being restored for that reason
    if row is not None and abs(now() - row.alive_at) <= RAN_LATELY:
        seconds = RAN_LATELY.total_seconds()
        raise BackupRefused(
            f"The connection ran less than {seconds:.0f} seconds ago. {stop}, then wait so long."
        )


def _put_back(source: Path, to: Path, *, is_replacing: bool) -> int:
    count = 0
    for name in sorted(_files(source)):
        if is_replacing or not (to / name).exists():
            _copy(source / name, to / name)
            count += 1
    return count
