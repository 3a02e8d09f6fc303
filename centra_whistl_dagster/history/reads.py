# ruff: noqa: S608  -- names of tables and columns come from the models.
"""Queries on the history, each a method that returns a frame or a plain value.

They work on the live file within a load (`store`) and on the published copy (`publish`) alike. What
analysts ask is in `views_sql/`.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import pandas as pd
import pyarrow as pa

from centra_whistl_dagster.history.columns import HistoryTable, columns_of, table_name
from centra_whistl_dagster.history.tables import TABLES

# Without these a column of whole numbers with one gap comes back as floating point.
_TYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


class Reader:
    """A connection for reading only."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def data_as_of(self) -> datetime | None:
        """Return when the history was last added to, or None for a new one."""
        rows = self._con.execute("SELECT data_as_of FROM data_as_of").fetchall()
        moment: datetime | None = rows[0][0]
        return moment

    def table(self, model: type[HistoryTable]) -> pd.DataFrame:
        """Return a whole table in the model's types, for checks on it and for small tables."""
        columns = ", ".join(c.name for c in columns_of(model))
        return model.validate(self._frame(f"SELECT {columns} FROM {table_name(model)}"), lazy=True)

    def row_counts(self) -> dict[str, int]:
        """Return how many rows each table holds."""
        names = [table_name(model) for model in TABLES]
        counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in names)
        return dict(self._con.execute(counts).fetchall())

    def view_names(self) -> tuple[str, ...]:
        """Return the names of the analysts' views."""
        rows = self._con.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal AND NOT temporary ORDER BY 1"
        ).fetchall()
        return tuple(name for (name,) in rows)

    def view(self, name: str) -> pd.DataFrame:
        """Return one of the analysts' views whole.

        Raises:
            KeyError: there is no such view.
        """
        names = self.view_names()
        if name not in names:
            raise KeyError(f"No view '{name}'. There are: {', '.join(names)}.")
        return self._frame(f"SELECT * FROM {name}")

    def _frame(self, query: str) -> pd.DataFrame:
        table = self._con.sql(query).to_arrow_table()
        frame: pd.DataFrame = table.to_pandas(types_mapper=_TYPES.get)
        return frame
