"""Bring a history file up to date: numbered SQL files, a check of the tables, then the views.

A changed model needs a numbered file: until there is one, the check refuses the history and its
message holds the SQL. Views are not numbered: `views_sql/` is applied whole whenever it
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib import resources

import duckdb

from centra_whistl_dagster.history.columns import (
    columns_of,
    create_statement,
    description_of,
    table_name,
)
from centra_whistl_dagster.history.errors import SchemaDrift
from centra_whistl_dagster.history.tables import TABLES
from centra_whistl_dagster.migrations import Migration, UnknownMigration, migrations_in, pending

_VIEWS = "views"
_PACKAGE = "centra_whistl_dagster.history"


def migrate(con: duckdb.DuckDBPyConnection, *, now: Callable[[], datetime]) -> None:
    """Apply what this file has not had yet, all or nothing, and compare it with the models.

    Raises:
        SchemaDrift: a later release wrote the file, a released migration was edited, or the tables
            are not what the models say.
    """
    con.begin()
    try:
        con.execute(
            "CREATE TABLE IF NOT EXISTS applied_migrations "
            "(name VARCHAR, checksum VARCHAR, applied_at TIMESTAMP WITH TIME ZONE)"
        )
        applied = dict(con.execute("SELECT name, checksum FROM applied_migrations").fetchall())
        views_applied = applied.pop(_VIEWS, None)
        for migration in pending(migrations_in(_PACKAGE), applied):
            _apply(con, migration, now())
        # Before the views and comments, which fail less plainly on a missing table.
        _refuse_drift(con)
        views = Migration(_VIEWS, views_sql() + _comments())
        if views_applied != views.checksum:
            con.execute("DELETE FROM applied_migrations WHERE name = ?", [_VIEWS])
            _apply(con, views, now())
    except UnknownMigration as error:
        con.rollback()
        raise SchemaDrift(f"The history cannot be used. {error}") from error
    except BaseException:
        con.rollback()
        raise
    con.commit()


def views_sql() -> str:
    """Return the analysts' views as written, each file after those that it may build on."""
    folder = resources.files(_PACKAGE).joinpath("views_sql")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return "\n".join(file.read_text() for file in files if file.name.endswith(".sql"))


def _apply(con: duckdb.DuckDBPyConnection, migration: Migration, at: datetime) -> None:
    con.execute(migration.text)
    con.execute(
        "INSERT INTO applied_migrations VALUES (?, ?, ?)", [migration.name, migration.checksum, at]
    )


def _refuse_drift(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(
        "SELECT table_name, column_name, "
        "data_type || CASE WHEN is_nullable THEN '' ELSE ' NOT NULL' END "
        "FROM duckdb_columns() WHERE database_name = current_database()"
    ).fetchall()
    in_file: dict[str, dict[str, str]] = {}
    for table, column, definition in rows:
        in_file.setdefault(table, {})[column] = definition
    if differences := list(_differences(in_file)):
        raise SchemaDrift(
            f"The tables of the history are not what the models say: {'; '.join(differences)}. "
            "Add a migration, or restore the table."
        )


def _differences(in_file: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for model in TABLES:
        table = table_name(model)
        if table not in in_file:
            yield f"{table}: the file has no such table, the model is {create_statement(model)}"
            continue
        expected = {column.name: column.definition for column in columns_of(model)}
        for name in sorted(expected.keys() | in_file[table].keys()):
            found, wanted = in_file[table].get(name, "none"), expected.get(name, "none")
            if found != wanted:
                yield f"{table}.{name}: the file has {found}, the model {wanted}"


def _comments() -> str:
    """Write the models' descriptions as comments, so that an analyst sees them in any SQL tool."""
    statements = []
    for model in TABLES:
        table = table_name(model)
        statements.append(f"COMMENT ON TABLE {table} IS {_quoted(description_of(model))};")
        statements.extend(
            f"COMMENT ON COLUMN {table}.{c.name} IS {_quoted(c.description)};"
            for c in columns_of(model)
        )
    return "\n".join(statements)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
