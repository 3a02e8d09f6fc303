"""Put a backup in place of what is there, and begin a new generation of the ledger.

With a new generation, nothing is sent again that was sent since the backup was made.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from centra_whistl_dagster.domain.generations import RAN_LATELY, Beginning, Witness
from centra_whistl_dagster.history.publish import days_beside, make_folder, share_days
from centra_whistl_dagster.ledger import copies, generations, witness
from centra_whistl_dagster.ledger.engine import Ledger, LedgerUnavailable
from centra_whistl_dagster.settings import Settings
from centra_whistl_dagster.workflows import continuity
from centra_whistl_dagster.workflows.upkeep.backup import (
    ARCHIVE,
    CONFIG,
    DAYS,
    HALF,
    HISTORY,
    LEDGER,
    POSTGRESQL,
    BackupRefused,
    copy_file,
    files_in,
    refusals,
    verify,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    made_at: datetime
    orders: int
    replaced: Path | None
    """Where the ledger that was there is kept."""
    files: int
    """Files of the archive, the history and the configuration that were put back."""


def restore(
    settings: Settings, folder: Path, *, now: Callable[[], datetime], is_with_config: bool = False
) -> Restored:
    """Put a backup in place of what is there, and begin a new generation of the ledger.

    Files of the archive that are there stay; the history is put back only where there is none.

    Raises:
        BackupRefused: something is running, the backup is not whole or holds no ledger, or a file
            cannot be put back.
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
    new = ledger.with_name(f"{ledger.name}{HALF}")
    _remove(new)
    then = "The ledger is as it was; run the restore again once that is put right."
    try:
        with refusals(folder, then=then):
            copies.duplicate(folder / LEDGER, new)
            after = _begin(settings, f"sqlite:///{new}", now)
            copies.settle(new)
            # The ledger last: until then the processes can be started again as they were.
            count = _put_files_back(settings, folder, is_with_config=is_with_config)
            witness.note(settings.witness_path, after)
            replaced = copies.put_in_place(new, ledger, at=now())
    except BaseException:
        _remove(new)
        raise
    orders = manifest.rows.get("orders", 0)
    return Restored(made_at=manifest.made_at, orders=orders, replaced=replaced, files=count)


def _remove(ledger: Path) -> None:
    """Remove a ledger, and what SQLite keeps beside one that was not closed."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)


def _put_files_back(settings: Settings, folder: Path, *, is_with_config: bool) -> int:
    count = _put_back(folder / ARCHIVE, settings.archive_path, is_replacing=False)
    make_folder(settings.published_path)
    days = days_beside(settings.published_path).folder
    count += _put_back(folder / DAYS, days, is_replacing=False)
    share_days(settings.published_path)
    if (folder / HISTORY).is_file() and not settings.history_path.exists():
        copy_file(folder / HISTORY, settings.history_path)
        count += 1
    if is_with_config:
        count += _put_back(folder / CONFIG, settings.config_path, is_replacing=True)
    return count


def mark_restored(settings: Settings, *, now: Callable[[], datetime]) -> None:
    """Begin a new generation of a ledger that was restored by other means."""
    witness.note(settings.witness_path, _begin(settings, settings.ledger_url, now))


def _begin(settings: Settings, url: str, now: Callable[[], datetime]) -> Witness:
    """Begin a new generation of a ledger; return what its witness is to say."""
    seen = witness.read(settings.witness_path)
    with (
        closing(Ledger(url, now=now, keys=settings.ledger_keys)) as ledger,
        ledger.transaction() as tx,
    ):
        row = continuity.begin(tx, Beginning.RESTORED, seen)
        return generations.witness_of(tx, row)


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
    for name in sorted(files_in(source)):
        if is_replacing or not (to / name).exists():
            copy_file(source / name, to / name)
            count += 1
    return count
