# ruff: noqa: S608  -- names of tables and columns come from the models; values are parameters.
"""Whole days of the history as Parquet files beside the published copy, each written once.

A row of these tables never changes once its day is over, so a day's file is final: it is what
remains of rows that the history keeps no longer, and what a lost history is restored from for days
whose stock readings are gone. `TABLE/2026-11-27.parquet` has the rows that ended, or happened, on
that day of UTC; `TABLE/open.parquet` the stock levels that still held when the last day ended.

Does not belong here: how long rows are kept in the file (`keeping`).
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import duckdb

from centra_whistl_dagster.history.columns import HistoryTable, columns_of, key_of, table_name
from centra_whistl_dagster.history.measurement_tables import CadenceDecisions
from centra_whistl_dagster.history.stock_tables import (
    BufferChanges,
    CentraLevels,
    ComparisonCauses,
    ComparisonUnits,
    Divergence,
    LevelTable,
    StockComparisons,
    StockLevels,
    StockPositions,
    StockSnapshots,
    StockUpdates,
)
from centra_whistl_dagster.history.tables import OrderEvents

DAY_OF: Mapping[type[HistoryTable], str] = MappingProxyType(
    {
        StockLevels: "valid_to",
        CentraLevels: "valid_to",
        StockSnapshots: "taken_at",
        StockUpdates: "intended_at",
        BufferChanges: "changed_at",
        StockComparisons: "compared_at",
        Divergence: "compared_at",
        ComparisonCauses: "compared_at",
        ComparisonUnits: "compared_at",
        StockPositions: "changed_at",
        CadenceDecisions: "decided_at",
        OrderEvents: "moved_at",
    }
)
"""The column that says to which day a row belongs. Other tables change for as long as they live."""

OF_COMPARISONS = (StockComparisons, Divergence, ComparisonCauses, ComparisonUnits)
"""A later comparison with the same snapshot replaces the rows of an earlier one."""

NOT_IN_THE_LEDGER = (
    StockLevels,
    CentraLevels,
    StockSnapshots,
    BufferChanges,
    StockPositions,
    *OF_COMPARISONS,
)
"""Only the archive and the days' files have these."""

_UNTIL_SETTLED = timedelta(hours=1)
"""A day is over this long after midnight: by then the outcome of its last writes is known."""
_MARK = "complete_until"
_OPEN = "open"
UNFINISHED = ".unfinished"
"""How the name of a file ends while it is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFiles:
    """The folder of the days' files."""

    folder: Path

    def complete_until(self) -> datetime | None:
        """Return the end of the last day that is written; None before the first."""
        mark = self.folder / _MARK
        return datetime.fromisoformat(mark.read_text().strip()) if mark.exists() else None

    def write(self, con: duckdb.DuckDBPyConnection, *, until: datetime, mode: int) -> int:
        """Write every day that is over and has no file yet; return how many files that made.

        Once a day is written this costs nothing until the next one is over.

        Args:
            con: a connection to the published copy, never to the live file.
            until: all these tables hold everything up to this moment.
            mode: of the published copy, which the files get too.
        """
        settled = until - _UNTIL_SETTLED
        ended = datetime(settled.year, settled.month, settled.day, tzinfo=UTC)
        if self.complete_until() == ended:
            return 0
        written = 0
        for model in DAY_OF:
            for day in self._days(con, model, ended):
                self._copy(con, self._rows_of(model, day), self._file(model, f"{day}"))
                written += 1
            if issubclass(model, LevelTable):
                self._copy(con, _open_at(model, ended), self._file(model, _OPEN))
        self.folder.mkdir(parents=True, exist_ok=True)
        half = self.folder / f"{_MARK}{UNFINISHED}"
        half.write_text(ended.isoformat())
        self.share(mode)
        half.replace(self.folder / _MARK)
        return written

    def share(self, mode: int) -> None:
        """Give every file this mode, and every folder that of the folder they are in."""
        if self.folder.exists():
            folder_mode = stat.S_IMODE(self.folder.parent.stat().st_mode)
            for path in (self.folder, *self.folder.rglob("*")):
                path.chmod(folder_mode if path.is_dir() else mode)

    def forget_since(self, day: date, first_days: Mapping[type[HistoryTable], date]) -> None:
        """Remove files of days whose rows were made again; the next writing replaces them.

        So with all later days: a level that holds for a week is in the file of the day it ended.

        Args:
            day: the first day whose rows were made again.
            first_days: by table, the first day that the history still has. The files of earlier
                days are the only copy of their rows and stay, as do those of tables not named.
        """
        (self.folder / _MARK).unlink(missing_ok=True)
        for model, first in first_days.items():
            for file in self.files_of(model):
                if file.stem >= f"{max(day, first)}":
                    file.unlink()

    def to_copy_first(self) -> list[Path]:
        """Return the files that a copy made while a day is written must begin with, in order.

        What is then restored holds to the end of the day that the mark names: the files that are
        copied later may have more, and never less.
        """
        opened = [self._file(model, _OPEN) for model in DAY_OF]
        return [path for path in (self.folder / _MARK, *opened) if path.exists()]

    def files_of(self, model: type[HistoryTable]) -> list[Path]:
        """Return a table's files of days, oldest first."""
        folder = self.folder / table_name(model)
        return sorted(path for path in folder.glob("*.parquet") if path.stem != _OPEN)

    def rows_since(self, model: type[HistoryTable], first: date) -> list[str]:
        """Return the files that a table is restored from; they may hold later rows as well."""
        days = [str(path) for path in self.files_of(model) if path.stem >= f"{first}"]
        opened = self._file(model, _OPEN)
        return [*days, str(opened)] if opened.exists() else days

    def size_bytes(self) -> int:
        """Return what all files take."""
        return sum(path.stat().st_size for path in self.folder.glob("*/*.parquet"))

    def _days(
        self, con: duckdb.DuckDBPyConnection, model: type[HistoryTable], ended: datetime
    ) -> Iterator[date]:
        column = DAY_OF[model]
        rows = con.execute(
            f"SELECT DISTINCT {column}::DATE AS day FROM {table_name(model)} "
            f"WHERE {column} < ? ORDER BY day",
            [ended],
        ).fetchall()
        return (day for (day,) in rows if not self._file(model, f"{day}").exists())

    def _rows_of(self, model: type[HistoryTable], day: date) -> str:
        column, after = DAY_OF[model], day + timedelta(days=1)
        return (
            f"SELECT * FROM {table_name(model)} WHERE {column} >= '{day} 00:00:00+00' "
            f"AND {column} < '{after} 00:00:00+00' ORDER BY {', '.join(key_of(model))}"
        )

    def _file(self, model: type[HistoryTable], name: str) -> Path:
        return self.folder / table_name(model) / f"{name}.parquet"

    def _copy(self, con: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f"{file.name}{UNFINISHED}")
        path = str(half).replace("'", "''")
        con.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        half.replace(file)


def _open_at(model: type[HistoryTable], at: datetime) -> str:
    moment = f"'{at.isoformat()}'::TIMESTAMPTZ"
    names = ", ".join(column.name for column in columns_of(model))
    return (
        f"SELECT {names} FROM (SELECT * REPLACE (NULL::TIMESTAMPTZ AS valid_to) "
        f"FROM {table_name(model)} WHERE valid_from < {moment} "
        f"AND (valid_to IS NULL OR valid_to >= {moment})) ORDER BY sku"
    )
