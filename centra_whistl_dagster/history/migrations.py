"""Bring a history file up to date: numbered SQL files, then the views, then a look at the result.

The files in `migrations_sql/` are written once and never edited. A new table's file is what
`columns.create_statement` writes for its model; a changed table's is an ALTER. Views are not
numbered: `views.sql` is applied whole whenever it changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from importlib import resources

import duckdb

from centra_whistl_dagster.history.columns import columns_of, description_of, table_name
from centra_whistl_dagster.history.errors import SchemaDrift
from centra_whistl_dagster.history.tables import TABLES

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
        done = dict(con.execute("SELECT name, checksum FROM applied_migrations").fetchall())
        wanted = _migration_files()
        _refuse_unknown(done, wanted)
        for name, text in wanted.items():
            if name not in done:
                _apply(con, name, text, now())
        views = views_sql() + _comments()
        if done.get(_VIEWS) != _checksum(views):
            con.execute("DELETE FROM applied_migrations WHERE name = ?", [_VIEWS])
            _apply(con, _VIEWS, views, now())
        _refuse_drift(con)
    except BaseException:
        con.rollback()
        raise
    con.commit()


def views_sql() -> str:
    """Return the analysts' views as written."""
    return resources.files(_PACKAGE).joinpath("views.sql").read_text()


def _migration_files() -> dict[str, str]:
    folder = resources.files(_PACKAGE).joinpath("migrations_sql")
    paths = sorted((p for p in folder.iterdir() if p.name.endswith(".sql")), key=lambda p: p.name)
    return {path.name.removesuffix(".sql"): path.read_text() for path in paths}


def _apply(con: duckdb.DuckDBPyConnection, name: str, text: str, at: datetime) -> None:
    con.execute(text)
    con.execute("INSERT INTO applied_migrations VALUES (?, ?, ?)", [name, _checksum(text), at])


def _refuse_unknown(done: dict[str, str], wanted: dict[str, str]) -> None:
    for name, checksum in done.items():
        if name != _VIEWS and (name not in wanted or _checksum(wanted[name]) != checksum):
            raise SchemaDrift(
                f"The history has had migration '{name}', which this release does not know in that "
                "form. Run the release that wrote it, or a later one."
            )


def _refuse_drift(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(
        "SELECT c.table_name, c.column_name, c.data_type, c.is_nullable FROM duckdb_columns() c "
        "JOIN duckdb_tables() t USING (database_name, schema_name, table_name) "
        "WHERE t.database_name = current_database() AND NOT t.temporary"
    ).fetchall()
    found = {(table, column): (kind, nullable) for table, column, kind, nullable in rows}
    expected = {
        (table_name(model), c.name): (c.type, c.is_nullable)
        for model in TABLES
        for c in columns_of(model)
    }
    ours = {table_name(model) for model in TABLES}
    differences = [
        f"{table}.{column}: the file has {found.get((table, column), 'none')}, "
        f"the model {expected.get((table, column), 'none')}"
        for table, column in sorted(expected.keys() | found.keys())
        if table in ours and found.get((table, column)) != expected.get((table, column))
    ]
    if differences:
        raise SchemaDrift(
            "The tables of the history are not what the models say (type, may be empty): "
            + "; ".join(differences)
            + ". Add a migration, or restore the table."
        )


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


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
