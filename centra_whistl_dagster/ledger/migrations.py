"""Bring a ledger database up to date, one numbered SQL file after the other.

The files in `migrations_sql/` are written once and never edited: a later change is a later file.
They hold SQL that SQLite and PostgreSQL both read; `{identity}` stands for a self-numbering key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from importlib import resources

import sqlalchemy as sa

_IDENTITY = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
}
_applied = sa.Table(
    "applied_migrations",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("checksum", sa.Text, nullable=False),
    sa.Column("applied_at", sa.Text, nullable=False),
)


class LedgerTooNew(Exception):
    """The ledger was written by a later release, or a released migration was edited."""


def migrate(engine: sa.Engine, *, now: Callable[[], datetime]) -> None:
    """Apply every migration that this database has not had, all in one transaction.

    Raises:
        LedgerTooNew: the database holds a migration that this release does not know as it stands.
    """
    files = _migration_files()
    if _is_up_to_date(engine, files):
        return
    with engine.begin() as tx:
        if engine.dialect.name == "postgresql":
            # Two processes starting together would both create the tables.
            tx.exec_driver_sql("SELECT pg_advisory_xact_lock(7215)")
        _applied.create(tx, checkfirst=True)
        done = {row.name: row.checksum for row in tx.execute(sa.select(_applied))}
        for name, checksum in done.items():
            if name not in files or _checksum(files[name]) != checksum:
                raise LedgerTooNew(
                    f"The ledger has had migration '{name}', which this release does not know in "
                    "that form. Run the release that wrote it, or a later one."
                )
        for name, text in files.items():
            if name in done:
                continue
            for statement in _statements(text, engine.dialect.name):
                tx.exec_driver_sql(statement)
            tx.execute(
                sa.insert(_applied).values(
                    name=name, checksum=_checksum(text), applied_at=now().isoformat()
                )
            )


def _is_up_to_date(engine: sa.Engine, files: dict[str, str]) -> bool:
    """Look without writing: opening the ledger must not wait for whoever writes to it."""
    if not sa.inspect(engine).has_table(_applied.name):
        return False
    with engine.connect().execution_options(reads_only=True) as tx:
        done = {row.name: row.checksum for row in tx.execute(sa.select(_applied))}
    return done == {name: _checksum(text) for name, text in files.items()}


def _migration_files() -> dict[str, str]:
    folder = resources.files("centra_whistl_dagster.ledger").joinpath("migrations_sql")
    paths = sorted((p for p in folder.iterdir() if p.name.endswith(".sql")), key=lambda p: p.name)
    return {path.name.removesuffix(".sql"): path.read_text() for path in paths}


def _statements(text: str, dialect: str) -> list[str]:
    without_comments = re.sub(r"--.*", "", text)
    filled = without_comments.replace("{identity}", _IDENTITY[dialect])
    return [part.strip() for part in filled.split(";") if part.strip()]


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
