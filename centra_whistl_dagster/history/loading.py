# ruff: noqa: S608  -- names of tables and columns come from the models; values are parameters.
"""Write checked rows into a table in one of three ways, and record what became of them.

The SQL that all tables share; stock levels have their own (`levels`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import duckdb
import pandas as pd

from centra_whistl_dagster.history.columns import (
    AppendOnlyTable,
    HistoryTable,
    columns_of,
    key_of,
    table_name,
)
from centra_whistl_dagster.history.rows import Load, RowFailure, SortedRows, sort_rows
from centra_whistl_dagster.history.summaries import note_changes


class Loader:
    """Loads tables within the transaction that its connection has open."""

    def __init__(self, con: duckdb.DuckDBPyConnection, *, now: Callable[[], datetime]) -> None:
        self._con = con
        self.now = now

    def upsert(self, model: type[HistoryTable], rows: SortedRows) -> Load:
        """Insert rows whose key is new, change those that differ, leave the rest."""
        written = self.merge(model, rows.good)
        return self.record_counts(
            model,
            read=len(rows.good) + len(rows.bad),
            written=written,
            unchanged=len(rows.good) - written,
            failed=len(rows.bad),
            failures=rows.failures,
        )

    def append(self, model: type[AppendOnlyTable], frame: pd.DataFrame) -> Load:
        """Insert rows whose key is new and never change one; repeats in the frame are skipped."""
        keys = list(key_of(model))
        rows = sort_rows(model, frame.drop_duplicates([key for key in keys if key in frame]))
        self._stage(model, rows.good)
        ((written,),) = self._con.execute(
            f"INSERT INTO {table_name(model)} BY NAME SELECT i.* FROM incoming i "
            f"ANTI JOIN {table_name(model)} t USING ({', '.join(keys)})"
        ).fetchall()
        return self.record_counts(
            model,
            read=len(frame),
            written=written,
            unchanged=len(rows.good) - written,
            skipped=len(frame) - len(rows.good) - len(rows.bad),
            failed=len(rows.bad),
            failures=rows.failures,
        )

    def replace_parts(
        self, model: type[HistoryTable], frame: pd.DataFrame, parents: SortedRows
    ) -> Load:
        """Make the stored rows of every good parent the same as the offered ones."""
        parent = key_of(model)[0]
        has_parent = frame[parent].isin(parents.good[parent])
        rows = sort_rows(model, frame[has_parent])
        written = self.merge(model, rows.good)
        # A row that breaks a rule is not a row that is gone: its parent keeps the stored rows.
        settled = parents.good[~parents.good[parent].isin(rows.bad[parent])]
        self._con.register("settled", settled[[parent]])
        is_gone = (
            f"{parent} IN (SELECT {parent} FROM settled) "
            f"AND NOT EXISTS (SELECT 1 FROM incoming i WHERE {_same_key(model)})"
        )
        table = table_name(model)
        note_changes(
            self._con,
            table,
            f"SELECT t AS before, t AS now FROM {table} t WHERE {is_gone}",
        )
        ((removed,),) = self._con.execute(f"DELETE FROM {table} t WHERE {is_gone}").fetchall()
        self._con.unregister("settled")
        return self.record_counts(
            model,
            read=len(frame),
            written=written,
            unchanged=len(rows.good) - written,
            skipped=int((~has_parent).sum()),
            failed=len(rows.bad),
            failures=rows.failures,
            removed=removed,
        )

    def record_counts(
        self,
        model: type[HistoryTable],
        *,
        read: int,
        written: int,
        unchanged: int,
        skipped: int = 0,
        failed: int = 0,
        removed: int = 0,
        failures: tuple[RowFailure, ...] = (),
    ) -> Load:
        """Record what became of the rows of a load."""
        return self._record(
            table_name(model),
            read=read,
            written=written,
            unchanged=unchanged,
            skipped=skipped,
            failed=failed,
            removed=removed,
            failures=failures,
        )

    def _record(
        self,
        table: str,
        *,
        read: int,
        written: int,
        unchanged: int,
        skipped: int = 0,
        failed: int = 0,
        removed: int = 0,
        failures: tuple[RowFailure, ...] = (),
    ) -> Load:
        ((last,),) = self._con.execute("SELECT coalesce(max(load_id), 0) FROM loads").fetchall()
        load = Load(
            load_id=last + 1,
            table_name=table,
            loaded_at=self.now(),
            read=read,
            written=written,
            unchanged=unchanged,
            skipped=skipped,
            failed=failed,
            removed=removed,
            failures=failures,
        )
        self._con.execute(
            "INSERT INTO loads (load_id, table_name, loaded_at, read_count, written_count, "
            "unchanged_count, skipped_count, failed_count, removed_count) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(load.load_id, load.table_name, load.loaded_at, read, written, unchanged),
                *(skipped, failed, removed),
            ],
        )
        return load

    def record_failure(self, failure: RowFailure) -> Load:
        """Record that something could not be loaded at all."""
        return self._record(
            failure.table_name, read=1, written=0, unchanged=0, failed=1, failures=(failure,)
        )

    def _stage(self, model: type[HistoryTable], frame: pd.DataFrame) -> None:
        # Cast by name: an object column that is all empty has no type.
        columns = ", ".join(f"CAST({c.name} AS {c.type}) AS {c.name}" for c in columns_of(model))
        self._con.register("offered", frame)
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT {columns} FROM offered")
        self._con.unregister("offered")

    def merge(self, model: type[HistoryTable], frame: pd.DataFrame) -> int:
        """Insert new rows and change different ones; return how many."""
        self._stage(model, frame)
        if frame.empty:
            return 0
        keys = key_of(model)
        others = [c.name for c in columns_of(model) if c.name not in keys]
        differs = " OR ".join(f"t.{name} IS DISTINCT FROM i.{name}" for name in others)
        note_changes(
            self._con,
            table_name(model),
            f"SELECT t AS before, i AS now FROM incoming i LEFT JOIN {table_name(model)} t "
            f"ON {_same_key(model)} WHERE t.{keys[0]} IS NULL OR {differs}",
        )
        ((written,),) = self._con.execute(
            f"MERGE INTO {table_name(model)} t USING incoming i ON {_same_key(model)} "
            f"WHEN MATCHED AND ({differs}) THEN UPDATE SET "
            f"{', '.join(f'{name} = i.{name}' for name in others)} "
            "WHEN NOT MATCHED THEN INSERT BY NAME"
        ).fetchall()
        return int(written)


def _same_key(model: type[HistoryTable]) -> str:
    return " AND ".join(f"t.{name} = i.{name}" for name in key_of(model))
