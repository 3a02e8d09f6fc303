"""Write the data dictionary from the models and the views themselves, so that it cannot be wrong.

`python -m centra_whistl_dagster.history.dictionary docs/data-dictionary.md` writes it; a test says
when that is due.
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from centra_whistl_dagster.history.columns import (
    HistoryTable,
    columns_of,
    description_of,
    key_of,
    table_name,
)
from centra_whistl_dagster.history.migrations import migrate
from centra_whistl_dagster.history.tables import TABLES

_HEAD = """# Data dictionary of the history

Written from the models in `centra_whistl_dagster/history/`; do not edit it by hand.

Open the **published** copy (the file `PUBLISHED_PATH` names), never the live one: an open live file
stops every load. `duckdb -readonly FILE`, or in Python `duckdb.connect(path, read_only=True)`. It
may stay open as long as you like; close it and open it again to see newer data. All times are UTC.
There is no personal data in it. The same descriptions are in the file:
`SELECT table_name, comment FROM duckdb_tables()`, `SELECT * FROM duckdb_columns()`.

In the tables below, *key* means that the columns so marked together name one row, and *may be
empty* is said where a value can be missing.
"""


def data_dictionary() -> str:
    """Return the dictionary as Markdown."""
    tables = "\n".join(_table_section(model) for model in TABLES)
    return f"{_HEAD}\n## Tables\n\n{tables}\n## Views\n\n{_view_sections()}"


def _table_section(model: type[HistoryTable]) -> str:
    keys = key_of(model)
    rows = []
    for column in columns_of(model):
        marks = [
            *(["key"] if column.name in keys else []),
            *(["may be empty"] if column.is_nullable else []),
        ]
        note = f" *({', '.join(marks)})*" if marks else ""
        rows.append(f"| `{column.name}` | {column.type} | {column.description}{note} |")
    return "\n".join(
        [
            f"### {table_name(model)}\n",
            f"{description_of(model)}\n",
            "| column | type | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _view_sections() -> str:
    with closing(duckdb.connect(":memory:")) as con:
        migrate(con, now=lambda: datetime(2000, 1, 1, tzinfo=UTC))
        views = con.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY view_oid"
        ).fetchall()
        columns = con.execute(
            "SELECT table_name, string_agg('`' || column_name || '`', ', ' ORDER BY column_index) "
            "FROM duckdb_columns() GROUP BY table_name"
        ).fetchall()
    names = dict(columns)
    rows = [f"| `{name}` | {comment} | {names[name]} |" for name, comment in views]
    return "\n".join(["| view | answers | columns |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(data_dictionary())
