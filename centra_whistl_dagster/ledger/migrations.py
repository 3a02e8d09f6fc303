"""Bring a ledger database up to date, one numbered SQL file after the other.

The files hold SQL that SQLite and PostgreSQL both accept. `{identity}` stands for a self-numbering
key; a statement that begins with `{postgresql}` or `{sqlite}` runs on that database alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.migrations import UnknownMigration, migrations_in, pending

_PACKAGE = "centra_whistl_dagster.ledger"
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
        LedgerTooNew: the database holds a migration that this release does not have in that form.
    """
    if _is_up_to_date(engine):
        return
    with engine.begin() as tx:
        if engine.dialect.name == "postgresql":
            # Two processes starting together would both create the tables.
            tx.exec_driver_sql("SELECT pg_advisory_xact_lock(7215)")
        _applied.create(tx, checkfirst=True)
        try:
            missing = pending(migrations_in(_PACKAGE), _applied_in(tx))
        except UnknownMigration as error:
            raise LedgerTooNew(f"The ledger cannot be used. {error}") from error
        for migration in missing:
            for statement in statements(migration.text, engine.dialect.name):
                tx.exec_driver_sql(statement)
            row = {"name": migration.name, "checksum": migration.checksum}
            tx.execute(sa.insert(_applied).values(**row, applied_at=now().isoformat()))


def _is_up_to_date(engine: sa.Engine) -> bool:
    """Check without writing: opening the ledger must not wait for another process's writes."""
    if not sa.inspect(engine).has_table(_applied.name):
        return False
    with engine.connect().execution_options(reads_only=True) as tx:
        return _applied_in(tx) == {m.name: m.checksum for m in migrations_in(_PACKAGE)}


def _applied_in(tx: sa.Connection) -> dict[str, str]:
    return {row.name: row.checksum for row in tx.execute(sa.select(_applied))}


def statements(text: str, dialect: str) -> list[str]:
    """Return the statements of a migration that are for one database, as it takes them."""
    without_comments = re.sub(r"--.*", "", text)
    filled = without_comments.replace("{identity}", _IDENTITY[dialect])
    parts = [part.strip() for part in filled.split(";") if part.strip()]
    elsewhere = tuple(f"{{{name}}}" for name in _IDENTITY if name != dialect)
    here = f"{{{dialect}}}"
    return [part.removeprefix(here).lstrip() for part in parts if not part.startswith(elsewhere)]
