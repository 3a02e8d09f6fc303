# ruff: noqa: S608  -- names of tables and columns come from the models; values are parameters.
"""Keep how far the history has been loaded, renew summaries, remove or restore rows by period."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import duckdb
import pandas as pd

from centra_whistl_dagster.history.columns import HistoryTable, columns_of, table_name
from centra_whistl_dagster.history.days import DAY_OF, OF_COMPARISONS
from centra_whistl_dagster.history.errors import HistoryError
from centra_whistl_dagster.history.loading import Loader
from centra_whistl_dagster.history.loading_tables import ArchivedFiles
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.history.rows import Load, RowFailure, sort_rows
from centra_whistl_dagster.history.stock_tables import LevelTable
from centra_whistl_dagster.history.summaries import note_every_day, summarise
from centra_whistl_dagster.history.summary_tables import OrderStageDays


class Bookkeeping(Reader):
    """What `session.Session` does besides recording rows, within the same transaction."""

    def __init__(self, con: duckdb.DuckDBPyConnection, *, now: Callable[[], datetime]) -> None:
        super().__init__(con)
        self._loader = Loader(con, now=now)

    def note_complete(self, model: type[HistoryTable], until: datetime) -> None:
        """Keep that a table holds all that the ledger held at a moment; never an earlier one."""
        self._con.execute(
            "DELETE FROM watermarks WHERE table_name = ? AND complete_until < ?",
            [table_name(model), until],
        )
        self._con.execute(
            "INSERT INTO watermarks BY NAME SELECT $1 AS table_name, $2 AS complete_until "
            "WHERE NOT EXISTS (SELECT 1 FROM watermarks WHERE table_name = $1)",
            [table_name(model), until],
        )

    def note_file(self, file: str, kind: str, day: str, *, problem: str = "") -> None:
        """Keep that a file of the archive is in the history, or why it could not be loaded."""
        known = self._con.execute(
            "SELECT attempts FROM archived_files WHERE file = ?", [file]
        ).fetchall()
        row = pd.DataFrame(
            {
                "file": [file],
                "kind": [kind],
                "day": [day],
                "loaded_at": [pd.Timestamp(self._loader.now())],
                "is_loaded": [not problem],
                "problem": [problem],
                "attempts": [known[0][0] + 1 if known else 1],
            }
        )
        self._loader.merge(ArchivedFiles, sort_rows(ArchivedFiles, row).good)

    def restore(self, model: type[HistoryTable], files: Sequence[str], until: datetime) -> Load:
        """Fill an empty table from the files of days, as it was at a moment.

        A comparison that a later one of the same snapshot replaced is in the file of its day, and
        not in the table. The files of a copy that was made while a day was written hold rows of
        that day too, some of them twice.

        Raises:
            HistoryError: the table is not empty.
        """
        table = table_name(model)
        if self.row_counts()[table]:
            raise HistoryError(f"'{table}' is not empty: only a new history is restored.")
        columns = ", ".join(f"CAST({c.name} AS {c.type}) AS {c.name}" for c in columns_of(model))
        rows, began = "SELECT * FROM read_parquet($1)", DAY_OF[model]
        if issubclass(model, LevelTable):
            began = "valid_from"
            rows = (
                "SELECT DISTINCT * REPLACE (CASE WHEN valid_to < $2::TIMESTAMPTZ THEN valid_to END "
                "AS valid_to) FROM read_parquet($1)"
            )
        latest = (
            "QUALIFY rank() OVER (PARTITION BY snapshot_id ORDER BY compared_at DESC) = 1"
            if model in OF_COMPARISONS
            else ""
        )
        ((written,),) = self._con.execute(
            f"INSERT INTO {table} BY NAME SELECT {columns} FROM ({rows}) "
            f"WHERE {began} < $2::TIMESTAMPTZ {latest}",
            [list(files), until],
        ).fetchall()
        return self._loader.record_counts(model, read=written, written=written, unchanged=0)

    def note_every_day(self) -> None:
        """Have `summarise` work out every day, as when a target has changed."""
        note_every_day(self._con)

    def summarise(self) -> Load:
        """Work out again the summaries of the days on which an order or a parcel has changed."""
        days = summarise(self._con)
        return self._loader.record_counts(OrderStageDays, read=days, written=days, unchanged=0)

    def record_failure(self, failure: RowFailure) -> Load:
        """Record that a whole file could not be loaded."""
        return self._loader.record_failure(failure)

    def forget_file(self, file: str) -> None:
        """Forget a file that is gone and could never be loaded."""
        self._con.execute("DELETE FROM archived_files WHERE file = ? AND NOT is_loaded", [file])

    def remove_period(
        self, model: type[HistoryTable], column: str, since: datetime, until: datetime
    ) -> int:
        """Remove the rows of a table whose `column` is in a period; return how many."""
        ((removed,),) = self._con.execute(
            f"DELETE FROM {table_name(model)} WHERE {column} >= ? AND {column} < ?", [since, until]
        ).fetchall()
        return int(removed)
