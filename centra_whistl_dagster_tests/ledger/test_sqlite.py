"""A ledger in SQLite is changed over to write-ahead logging, or its user hears soon why not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from centra_whistl_dagster.ledger.sqlite import CHANGES_OVER_WITHIN_SECONDS, write_ahead
from centra_whistl_dagster.simulator.world.clock import ManualClock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database that is not changed over yet."""
    made = tmp_path / "ledger.db"
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("CREATE TABLE t (n)")
    return made


@pytest.fixture
def locking(file: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else, who is writing."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


class Waiting:
    """Waits without taking any time; the lock may be released after a while."""

    def __init__(self, clock: ManualClock, *, release: sqlite3.Connection | None = None) -> None:
        self._clock, self._release = clock, release
        self.seconds = 0.0

    def clock(self) -> float:
        return self._clock().timestamp()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self.seconds += seconds
        if self._release is not None and self.seconds > 1:
            self._release.execute("ROLLBACK")
            self._release = None


def test_a_ledger_that_somebody_keeps_locked_is_given_up_after_ten_seconds(
    file: Path, clock: ManualClock, locking: sqlite3.Connection
) -> None:
    waiting = Waiting(clock)
    with (
        closing(sqlite3.connect(file)) as connection,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        write_ahead(connection, clock=waiting.clock, sleep=waiting.sleep)
    assert waiting.seconds == pytest.approx(CHANGES_OVER_WITHIN_SECONDS, abs=0.2)
    assert locking.in_transaction


def test_a_ledger_that_is_locked_for_a_moment_is_changed_over_afterwards(
    file: Path, clock: ManualClock, locking: sqlite3.Connection
) -> None:
    waiting = Waiting(clock, release=locking)
    with closing(sqlite3.connect(file)) as connection:
        write_ahead(connection, clock=waiting.clock, sleep=waiting.sleep)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_ledger_that_cannot_be_written_is_refused_at_once(file: Path, clock: ManualClock) -> None:
    waiting = Waiting(clock)
    with (
        closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        write_ahead(connection, clock=waiting.clock, sleep=waiting.sleep)
    assert waiting.seconds == 0
