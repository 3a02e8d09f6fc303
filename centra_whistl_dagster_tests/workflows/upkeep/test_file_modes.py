"""What is kept is readable by the user alone who runs the processes; what is published, by all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.upkeep import backup, history, restore
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.upkeep.test_rebuilding_history import load, sync


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """What a shell and most service managers give; the suite's own is put back."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def two_days_later(desk: Desk) -> None:
    """Load and publish when the first day is over, so that its files are written."""
    desk.clock.advance(2 * 86_400)
    sync(desk)
    load(desk)
    live = history.open_history(desk.link)
    assert history.publish_history(desk.link, live).days_files > 0


@pytest.fixture
def published(desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """An installation that has relayed, synced and published, in a folder that it made itself."""
    desk.environment["STATE_DIR"] = str(tmp_path / "var" / "kept")
    settings = load_settings(desk.environment)
    with open_link(settings, now=desk.clock, sleep=desk.sleep) as desk.link:
        desk.order()
        desk.relay(2)
        desk.sync_stock()
        live = history.open_history(desk.link)
        history.load_orders(desk.link, live)
        history.publish_history(desk.link, live)
        yield desk


def test_nobody_else_can_read_any_file_or_enter_any_folder_that_is_kept(published: Desk) -> None:
    kept = published.link.settings.state_path
    everything = [kept, *kept.rglob("*")]

    assert len(everything) > 8
    assert {path.name: oct(mode(path)) for path in everything if mode(path) & 0o077} == {}
    assert published.link.settings.readable_by_others() == []


def test_the_published_copy_is_outside_and_readable_by_all_and_keeps_a_mode_it_was_given(
    published: Desk,
) -> None:
    settings = published.link.settings
    first = settings.published_path

    assert first == settings.state_path.with_name("kept-published") / "history.duckdb"
    assert (mode(first), mode(first.parent)) == (0o644, 0o755)
    first.chmod(0o640)
    history.publish_history(published.link, history.open_history(published.link))
    assert mode(first) == 0o640


def test_files_of_days_are_open_to_whoever_may_open_the_published_copy(published: Desk) -> None:
    settings = published.link.settings
    settings.published_path.chmod(0o640)

    two_days_later(published)

    days = settings.published_path.parent / "days"
    everything = [days, *days.rglob("*")]
    assert len([path for path in everything if path.suffix == ".parquet"]) > 3
    assert {mode(path) for path in everything if path.is_file()} == {0o640}
    assert {mode(path) for path in everything if path.is_dir()} == {0o755}


def test_a_restore_opens_the_published_folder_and_the_files_of_days_as_publishing_does(
    published: Desk, tmp_path: Path
) -> None:
    two_days_later(published)
    settings = published.link.settings
    folder = backup.back_up(settings, tmp_path / "backups", now=published.clock)
    published.link.ledger.close()
    published.wait(120)
    shutil.rmtree(settings.published_path.parent)

    restore.restore(settings, folder, now=published.clock)

    everything = [settings.published_path.parent, *settings.published_path.parent.rglob("*")]
    assert {mode(path) for path in everything if path.is_file()} == {0o644}
    assert {mode(path) for path in everything if path.is_dir()} == {0o755}


def test_a_published_path_that_was_set_is_kept_and_the_default_has_a_name_of_its_own(
    desk: Desk, tmp_path: Path
) -> None:
    inside = str(tmp_path / "state" / "published" / "history.duckdb")

    explicit = load_settings(desk.environment | {"PUBLISHED_PATH": inside})
    here = load_settings(desk.environment | {"STATE_DIR": "."})

    assert str(explicit.published_path) == inside
    assert here.published_path.parent.name == f"{Path.cwd().name}-published"


def test_doctor_names_files_that_others_can_read_and_a_copy_that_is_no_longer_renewed(
    desk: Desk,
) -> None:
    settings = desk.link.settings
    (settings.state_path / "ledger.db").chmod(0o644)
    former = settings.state_path / "published" / "history.duckdb"
    former.parent.mkdir()
    former.touch()

    readable, stale = settings.readable_by_others()

    assert "ledger.db" in readable
    assert "chmod -R go=" in readable
    assert str(former) in stale
    assert str(settings.published_path) in stale
