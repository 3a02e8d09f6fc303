"""Backups are whole or refused, and a restore begins a new generation of the ledger."""

from __future__ import annotations

import base64
import errno
import json
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from centra_whistl_dagster.domain.generations import Beginning
from centra_whistl_dagster.ledger import copies, generations
from centra_whistl_dagster.ledger.copies import CopyUnusable
from centra_whistl_dagster.ledger.engine import LedgerUnavailable
from centra_whistl_dagster.ledger.rows import GenerationRow
from centra_whistl_dagster.ledger.sealing import MasterKeys
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.upkeep import backup, restore
from centra_whistl_dagster_tests.canaries.searching import find_bytes
from centra_whistl_dagster_tests.workflows.conftest import Desk


def made(desk: Desk, folder: Path) -> Path:
    """A backup of an installation that has sent two orders."""
    keep_alive(desk.link)
    desk.order()
    desk.order()
    desk.relay_orders()
    archived = desk.link.settings.archive_path / "whistl_stock" / "2026-03-02" / "a.parquet"
    archived.parent.mkdir(parents=True)
    archived.write_bytes(b"stock")
    return backup.back_up(desk.link.settings, folder, now=desk.clock)


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def names_in(folder: Path, start: str) -> set[str]:
    """Names of the files that begin so, but for those that SQLite keeps beside an open ledger."""
    found = {path.name for path in folder.glob(f"{start}*")}
    return {name for name in found if not name.endswith(("-wal", "-shm"))}


def stop(desk: Desk) -> None:
    """End the process, and let the time pass after which nothing can be running."""
    desk.link.ledger.close()
    desk.wait(120)


def newest(desk: Desk) -> GenerationRow:
    with desk.link.ledger.reading() as tx:
        row = generations.newest(tx)
    assert row is not None
    return row


def test_a_backup_holds_ledger_archive_and_configuration_and_says_so(
    desk: Desk, tmp_path: Path
) -> None:
    folder = made(desk, tmp_path / "backups")
    manifest = backup.verify(folder)
    assert {"ledger.db", "archive/whistl_stock/2026-03-02/a.parquet"} <= manifest.files.keys()
    assert {"config/policy.toml", "config/shipping_services.csv"} <= manifest.files.keys()
    assert manifest.rows["orders"] == 2
    assert not [name for name in manifest.files if "witness" in name]


def test_whole_days_of_the_history_are_backed_up_and_put_back(desk: Desk, tmp_path: Path) -> None:
    day = desk.link.settings.published_path.parent / "days" / "stock" / "2026-03-01.parquet"
    day.parent.mkdir(parents=True)
    day.write_bytes(b"a day")
    folder = made(desk, tmp_path / "backups")
    stop(desk)
    shutil.rmtree(day.parent)

    restore.restore(desk.link.settings, folder, now=desk.clock)

    assert "days/stock/2026-03-01.parquet" in backup.verify(folder).files
    assert day.read_bytes() == b"a day"


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left"), backup.BackupRefused),
        (RuntimeError("a bug"), RuntimeError),
    ],
)
def test_a_backup_that_fails_leaves_no_copy_of_the_ledger(
    desk: Desk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    raised: type[Exception],
) -> None:
    keep_alive(desk.link)
    monkeypatch.setattr(backup, "_write", raising(error))

    for _ in range(2):
        desk.wait(5)
        with pytest.raises(raised):
            backup.back_up(desk.link.settings, tmp_path / "backups", now=desk.clock)

    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_leaves_an_unfinished_one_of_another_process_alone(
    desk: Desk, tmp_path: Path
) -> None:
    others = tmp_path / "backups" / f"centra-whistl-{desk.clock():%Y%m%dT%H%M%SZ}.half"
    others.mkdir(parents=True)

    with pytest.raises(backup.BackupRefused, match=others.name):
        backup.back_up(desk.link.settings, tmp_path / "backups", now=desk.clock)

    assert others.is_dir()


def test_nobody_else_can_read_a_backup(desk: Desk, tmp_path: Path) -> None:
    folder = made(desk, tmp_path / "backups")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_backup_made_while_a_transaction_is_open_holds_what_was_committed(
    desk: Desk, tmp_path: Path
) -> None:
    keep_alive(desk.link)
    desk.order()
    desk.relay_orders()
    with suppress(InterruptedError), desk.link.ledger.transaction() as tx:
        generations.count_effect(tx)
        folder = backup.back_up(desk.link.settings, tmp_path / "backups", now=desk.clock)
        raise InterruptedError
    with closing(sqlite3.connect(folder / "ledger.db")) as copy:
        counted = copy.execute("SELECT value FROM cursors WHERE name = 'ledger/effects'")
        assert counted.fetchone() == ("1",)


@pytest.mark.parametrize("name", ["ledger.db", "config/policy.toml"])
def test_a_backup_that_was_changed_is_refused(desk: Desk, tmp_path: Path, name: str) -> None:
    folder = made(desk, tmp_path / "backups")
    changed = bytearray((folder / name).read_bytes())
    changed[-1] ^= 1
    (folder / name).write_bytes(changed)
    with pytest.raises(backup.BackupRefused, match=f"{name} was changed"):
        backup.verify(folder)


def test_a_backup_with_a_file_missing_added_or_without_a_manifest_is_refused(
    desk: Desk, tmp_path: Path
) -> None:
    folder = made(desk, tmp_path / "backups")
    (folder / "config" / "policy.toml").unlink()
    (folder / "config" / "other.toml").write_text("")
    with pytest.raises(backup.BackupRefused, match=r"policy\.toml is missing; .*not in the"):
        backup.verify(folder)
    (folder / backup.MANIFEST).unlink()
    with pytest.raises(backup.BackupRefused, match="was not finished"):
        backup.verify(folder)


def test_a_manifest_that_counts_other_rows_than_the_ledger_has_is_refused(
    desk: Desk, tmp_path: Path
) -> None:
    folder = made(desk, tmp_path / "backups")
    path = folder / backup.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["rows"]["orders"] = 3
    path.write_text(json.dumps(manifest))
    with pytest.raises(backup.BackupRefused, match="orders: 2 rows, not 3"):
        backup.verify(folder)


def test_a_damaged_ledger_is_no_backup(desk: Desk, tmp_path: Path) -> None:
    folder = made(desk, tmp_path / "backups")
    content = bytearray((folder / "ledger.db").read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    (tmp_path / "damaged.db").write_bytes(content)
    with pytest.raises(CopyUnusable, match=r"damaged|cannot be"):
        copies.check(tmp_path / "damaged.db")


def test_nothing_is_restored_over_a_ledger_that_is_open(desk: Desk, tmp_path: Path) -> None:
    folder = made(desk, tmp_path / "backups")
    desk.wait(120)
    with desk.link.ledger.reading(), pytest.raises(backup.BackupRefused, match="ledger open"):
        restore.restore(desk.link.settings, folder, now=desk.clock)


def test_nothing_is_restored_within_a_minute_of_the_last_sign_of_life(
    desk: Desk, tmp_path: Path
) -> None:
    folder = made(desk, tmp_path / "backups")
    desk.link.ledger.close()
    desk.wait(30)
    with pytest.raises(backup.BackupRefused, match="less than 60 seconds ago"):
        restore.restore(desk.link.settings, folder, now=desk.clock)


def test_a_restore_keeps_what_it_replaces_and_begins_a_generation(
    desk: Desk, tmp_path: Path
) -> None:
    folder = made(desk, tmp_path / "backups")
    settings = desk.link.settings
    shutil.rmtree(settings.archive_path)
    desk.order()
    desk.relay_orders()
    before = newest(desk)
    stop(desk)
    done = restore.restore(settings, folder, now=desk.clock)
    desk.reopen()
    after = newest(desk)
    assert after.reason is Beginning.RESTORED
    assert after.token != before.token
    assert (after.began_at, after.last_known_at) == (desk.clock(), before.alive_at)
    assert sum(desk.counts().values()) == 2
    assert (settings.archive_path / "whistl_stock" / "2026-03-02" / "a.parquet").exists()
    assert done.replaced is not None
    assert copies.check(done.replaced)["orders"] == 3
    keep_alive(desk.link)
    assert newest(desk).token == after.token


def test_a_restore_leaves_the_configuration_alone_unless_it_is_asked(
    desk: Desk, tmp_path: Path
) -> None:
    folder = made(desk, tmp_path / "backups")
    settings = desk.link.settings
    mine = settings.config_path / "policy.toml"
    kept = mine.read_text()
    mine.write_text("# changed")
    stop(desk)
    restore.restore(settings, folder, now=desk.clock)
    assert mine.read_text() == "# changed"
    desk.wait(120)
    restore.restore(settings, folder, now=desk.clock, is_with_config=True)
    assert mine.read_text() == kept


def test_a_restore_that_cannot_put_a_file_back_says_so_and_leaves_the_ledger_as_it_was(
    desk: Desk, tmp_path: Path
) -> None:
    folder = made(desk, tmp_path / "backups")
    settings = desk.link.settings
    desk.order()
    desk.relay_orders()
    before = newest(desk)
    stop(desk)
    shutil.rmtree(settings.archive_path)
    settings.archive_path.write_text("no folder")

    with pytest.raises(backup.BackupRefused, match=f"{settings.archive_path.name}.*as it was"):
        restore.restore(settings, folder, now=desk.clock)

    assert names_in(settings.state_path, "ledger.db") == {"ledger.db"}
    desk.reopen()
    keep_alive(desk.link)
    assert newest(desk).token == before.token
    assert sum(desk.counts().values()) == 3


def test_a_file_that_could_not_be_put_back_whole_is_put_back_by_the_next_restore(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(desk, tmp_path / "backups")
    settings = desk.link.settings
    stop(desk)
    shutil.rmtree(settings.archive_path)

    def copy_half(source: Path, to: Path) -> None:
        to.write_bytes(source.read_bytes()[:2])
        raise OSError(errno.ENOSPC, "No space left on device", str(to))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", copy_half)
        with pytest.raises((backup.BackupRefused, CopyUnusable), match="No space left"):
            restore.restore(settings, folder, now=desk.clock)
    restore.restore(settings, folder, now=desk.clock)

    archived = settings.archive_path / "whistl_stock" / "2026-03-02" / "a.parquet"
    assert archived.read_bytes() == b"stock"


@pytest.mark.parametrize("failing", ["setting the old ledger aside", "putting in the copy"])
def test_a_ledger_that_cannot_be_replaced_is_left_with_its_newest_rows(
    desk: Desk, tmp_path: Path, failing: str
) -> None:
    files = {f"ledger.db{suffix}": f"old{suffix}" for suffix in ("", "-wal", "-shm")}
    folder = tmp_path / "moves"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    if failing == "setting the old ledger aside":
        (folder / "copy").write_text("new")
        # A folder is in the way.
        (folder / f"ledger.db.replaced-{desk.clock():%Y%m%dT%H%M%SZ}").mkdir()

    with pytest.raises(OSError, match=r"copy|replaced"):
        copies.put_in_place(folder / "copy", folder / "ledger.db", at=desk.clock())

    assert {name: (folder / name).read_text() for name in files} == files


def test_a_restore_without_the_right_key_leaves_no_copy_behind(desk: Desk, tmp_path: Path) -> None:
    desk.link.ledger.close()
    desk.reopen(LEDGER_KEY=base64.b64encode(bytes(32)).decode())
    folder = made(desk, tmp_path / "backups")
    stop(desk)
    settings = replace(desk.link.settings, ledger_keys=MasterKeys(current=b"1" * 32, former=None))

    with pytest.raises(LedgerUnavailable, match="LEDGER_KEY"):
        restore.restore(settings, folder, now=desk.clock)

    assert names_in(settings.state_path, "ledger.db") == {"ledger.db"}


def test_a_file_that_vanishes_is_left_out_of_a_backup_and_never_out_of_a_restore(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil_copyfile = shutil.copyfile

    def vanished(source: Path, to: Path) -> None:
        if Path(source).name == "a.parquet":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(source))
        shutil_copyfile(source, to)

    folder = made(desk, tmp_path / "backups")
    monkeypatch.setattr(shutil, "copyfile", vanished)
    desk.wait(5)
    without = backup.back_up(desk.link.settings, tmp_path / "backups", now=desk.clock)
    stop(desk)
    shutil.rmtree(desk.link.settings.archive_path)

    assert not [name for name in backup.verify(without).files if name.endswith("a.parquet")]
    with pytest.raises(backup.BackupRefused, match=r"a\.parquet"):
        restore.restore(desk.link.settings, folder, now=desk.clock)


def test_a_ledger_restored_by_other_means_is_marked(desk: Desk) -> None:
    keep_alive(desk.link)
    before = newest(desk)
    restore.mark_restored(desk.link.settings, now=desk.clock)
    keep_alive(desk.link)
    assert newest(desk).reason is Beginning.RESTORED
    assert newest(desk).token != before.token


def test_with_postgresql_both_commands_say_what_to_use_instead(desk: Desk, tmp_path: Path) -> None:
    folder = made(desk, tmp_path / "backups")
    settings = replace(desk.link.settings, ledger_url="postgresql://u:p@127.0.0.1/ledger")
    for refused in (
        lambda: backup.back_up(settings, tmp_path / "more", now=desk.clock),
        lambda: restore.restore(settings, folder, now=desk.clock),
    ):
        with pytest.raises(backup.BackupRefused, match=r"pg_dump .*restore --mark"):
            refused()
    without = backup.back_up(settings, tmp_path / "more", now=desk.clock, is_without_ledger=True)
    assert backup.verify(without).rows == {}


def test_an_encrypted_ledger_is_backed_up_without_its_key_and_restored_with_it(
    desk: Desk, tmp_path: Path
) -> None:
    key = base64.b64encode(bytes(32)).decode()
    desk.link.ledger.close()
    desk.reopen(LEDGER_KEY=key)
    folder = made(desk, tmp_path / "backups")
    stop(desk)

    restored = restore.restore(desk.link.settings, folder, now=desk.clock)

    desk.reopen()
    assert restored.orders == 2
    assert newest(desk).reason is Beginning.RESTORED
    found = find_bytes(folder, ["Lovelace", key])
    assert found == []
