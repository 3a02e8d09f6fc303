"""How the ledger uses SQLite: one writer at a time, readers beside it, nothing lost."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import sqlalchemy as sa

PATIENCE = "PRAGMA busy_timeout=30000"
_TRIES_TO_CHANGE_OVER = 100
_BETWEEN_TRIES_SECONDS = 0.1


def _write_ahead(connection: Any) -> None:
    """Let readers and one writer work side by side; the file remembers it.

    A new file is changed over while nobody else has it open. Where several processes create it at
    once, SQLite refuses at once instead of waiting, whatever the time-out.
    """
    for tries_left in reversed(range(_TRIES_TO_CHANGE_OVER)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if not tries_left:
                raise
            time.sleep(_BETWEEN_TRIES_SECONDS)
        else:
            return


def set_up(engine: sa.Engine) -> None:
    """Let every connection of an engine wait for others, lose nothing and begin at once."""

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling would begin late and defeat BEGIN IMMEDIATE below.
        connection.isolation_level = None
        connection.execute(PATIENCE)
        _write_ahead(connection)
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
