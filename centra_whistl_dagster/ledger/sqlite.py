"""How the ledger uses SQLite: one writer at a time, readers beside it, nothing lost."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

PATIENCE = "PRAGMA busy_timeout=30000"
CHANGES_OVER_WITHIN_SECONDS = 10.0
_BETWEEN_TRIES_SECONDS = 0.1


def write_ahead(
    connection: sqlite3.Connection,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Let readers and one writer work side by side; the file remembers it.

    A new file is changed over while nobody else has it open. Where several processes create it at
    once, SQLite refuses at once instead of waiting, whatever the time-out.

    Raises:
        sqlite3.OperationalError: somebody has kept the file locked for ten seconds, or it cannot be
            written.
    """
    # Where SQLite does wait, each try would last as long as a writer waits.
    connection.execute("PRAGMA busy_timeout=0")
    gives_up_at = clock() + CHANGES_OVER_WITHIN_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # The low byte is the primary code, without how the file came to be locked.
            is_locked = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_locked or clock() >= gives_up_at:
                raise
            sleep(_BETWEEN_TRIES_SECONDS)
        else:
            return


def set_up(engine: sa.Engine) -> None:
    """Let every connection of an engine wait for others, lose nothing and begin at once."""

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling would begin late and defeat BEGIN IMMEDIATE below.
        connection.isolation_level = None
        write_ahead(connection)
        connection.execute(PATIENCE)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            # What is deleted is overwritten, however SQLite was built.
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # A deferred transaction that reads first and writes later fails at once under a second
        # writer ("database is locked"), whatever the time-out.
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
