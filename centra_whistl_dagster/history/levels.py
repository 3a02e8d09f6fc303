# ruff: noqa: S608  -- names of tables and columns come from the models; values are parameters.
"""Keep a reading of all stock as changes only: a row is added when a SKU's figures change.

A row holds from the reading that brought it (`valid_from`) until the one that changed it
(`valid_to`, not included). A SKU that a complete reading does not list gets a row with `is_present`
false and no figures; an incomplete reading changes nothing of the SKUs it does not list. SQL works
on whole sets: a million SKUs are compared in a fraction of a second, without Python objects.

Does not belong here: whether a reading may be trusted, which the guards decide beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from centra_whistl_dagster.history.columns import table_name
from centra_whistl_dagster.history.errors import SnapshotUnusable
from centra_whistl_dagster.history.stock_tables import (
    CentraLevels,
    LevelTable,
    StockLevels,
    figures_of,
)

_WHOLE_NUMBERS = {
    f"{sign}{size}"
    for sign in ("", "U")
    for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What identifies one reading of all stock, without its rows."""

    snapshot_id: str
    taken_at: datetime
    """The moment for which its figures are true."""
    read_at: datetime
    is_complete: bool
    """Read to the end: a SKU that it does not list is absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """One system's stock: its table, and which of the figures may be sold."""

    system: str
    model: type[LevelTable]
    sellable: str

    @property
    def figures(self) -> tuple[str, ...]:
        """The columns that are compared."""
        return figures_of(self.model)


WHISTL = Levels(system="whistl", model=StockLevels, sellable="available")
CENTRA = Levels(system="centra", model=CentraLevels, sellable="free")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingCounts:
    """What a reading changed, in SKUs, and the units that may be sold."""

    changed: int
    """Listed SKUs whose figures are new."""
    absent: int
    """SKUs that the reading before listed and this one, complete, does not."""
    emptied: int
    """SKUs that could be sold before and cannot now, including absent ones."""
    sellable_units: int


def stage_reading(
    con: duckdb.DuckDBPyConnection, levels: Levels, rows: pd.DataFrame | Path
) -> None:
    """Put a reading's rows into the temporary table `reading` and check them.

    Args:
        con: the connection.
        levels: whose stock.
        rows: a frame, or a Parquet or NDJSON file that DuckDB reads itself, which is eight times
            faster than through Python. It must have `sku` and the figures; the rest is ignored.

    Raises:
        SnapshotUnusable: a column is missing, a figure is empty or not whole, a SKU is blank or
            comes twice; or the file cannot be read at all, and then DuckDB has aborted the whole
            transaction: load each reading in a separate transaction.
    """
    source, parameters = _source(levels, rows)
    if isinstance(rows, pd.DataFrame):
        con.register("offered", rows)
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE reading AS SELECT CAST(sku AS VARCHAR) AS sku, "
            f"{', '.join(levels.figures)} FROM {source}",
            parameters,
        )
        _refuse_broken_rows(con, levels)
    except duckdb.Error as error:
        raise SnapshotUnusable(
            f"The stock reading of {levels.system} cannot be read: {error}. It must have 'sku' and "
            f"{', '.join(levels.figures)} in whole numbers."
        ) from error
    finally:
        if isinstance(rows, pd.DataFrame):
            con.unregister("offered")


def apply_reading(
    con: duckdb.DuckDBPyConnection, levels: Levels, reading: Reading, *, table: str = ""
) -> ReadingCounts:
    """Add and end rows for the staged reading, which must be later than the last one kept.

    Args:
        con: the connection.
        levels: whose stock.
        reading: what identifies the reading.
        table: another table of the same columns, if not the one of the history.
    """
    table = table or table_name(levels.model)
    # An incomplete reading does not show that the other SKUs are absent.
    join = "FULL JOIN" if reading.is_complete else "LEFT JOIN"
    # A listed SKU has all figures and an absent one none, so appearing and vanishing differ too.
    differs = " OR ".join(f"r.{name} IS DISTINCT FROM c.{name}" for name in levels.figures)
    figures = ", ".join(f"CAST(r.{name} AS BIGINT) AS {name}" for name in levels.figures)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE changes AS "
        f"SELECT coalesce(r.sku, c.sku) AS sku, {figures}, r.sku IS NOT NULL AS is_present, "
        f"c.row AS closes, c.{levels.sellable} > 0 AS was_sellable "
        f"FROM reading r {join} "
        f"(SELECT rowid AS row, * FROM {table} WHERE valid_to IS NULL) c ON r.sku = c.sku "
        f"WHERE {differs}"
    )
    con.execute(
        f"UPDATE {table} SET valid_to = $1 "
        f"WHERE rowid IN (SELECT closes FROM changes WHERE closes IS NOT NULL)",
        [reading.taken_at],
    )
    names = ", ".join(levels.figures)
    con.execute(
        f"INSERT INTO {table} BY NAME SELECT sku, {names}, is_present, $1 AS valid_from, "
        f"NULL AS valid_to, $2 AS snapshot_id FROM changes ORDER BY sku",
        [reading.taken_at, reading.snapshot_id],
    )
    return _counts(con, levels)


def staged_count(con: duckdb.DuckDBPyConnection) -> int:
    """Count the staged rows."""
    ((count,),) = con.execute("SELECT count(*) FROM reading").fetchall()
    return int(count)


def _counts(con: duckdb.DuckDBPyConnection, levels: Levels) -> ReadingCounts:
    ((changed, absent, emptied),) = con.execute(
        "SELECT count(*) FILTER (is_present), count(*) FILTER (NOT is_present), "
        f"count(*) FILTER (was_sellable AND NOT coalesce({levels.sellable} > 0, false)) "
        "FROM changes"
    ).fetchall()
    ((units,),) = con.execute(
        f"SELECT coalesce(sum(greatest({levels.sellable}, 0)), 0) FROM reading"
    ).fetchall()
    return ReadingCounts(
        changed=changed,
        absent=absent,
        emptied=emptied,
        sellable_units=int(units),
    )


def _source(levels: Levels, rows: pd.DataFrame | Path) -> tuple[str, list[str]]:
    if isinstance(rows, pd.DataFrame):
        return "offered", []
    if rows.suffix == ".parquet":
        return "read_parquet($1)", [str(rows)]
    # As DOUBLE and checked below: read as BIGINT, 3.7 would be rounded silently.
    columns = ", ".join(f"{name}: 'DOUBLE'" for name in levels.figures)
    return (
        f"read_json($1, format = 'newline_delimited', columns = {{sku: 'VARCHAR', {columns}}})",
        [str(rows)],
    )


def _refuse_broken_rows(con: duckdb.DuckDBPyConnection, levels: Levels) -> None:
    figures = levels.figures
    loose = [
        name
        for name, kind, *_ in con.execute("DESCRIBE reading").fetchall()
        if name in figures and kind not in _WHOLE_NUMBERS
    ]
    empty = " OR ".join(f"{name} IS NULL" for name in figures)
    broken = " OR ".join(f"{n} <> trunc({n}) OR NOT isfinite({n})" for n in loose) or "false"
    ((total, named, distinct, incomplete, fractional),) = con.execute(
        "SELECT count(*), count(nullif(sku, '')), count(DISTINCT nullif(sku, '')), "
        f"count(*) FILTER ({empty}), count(*) FILTER ({broken}) FROM reading"
    ).fetchall()
    faults = [
        f"{count} {what}"
        for count, what in (
            (total - named, "rows without a SKU"),
            (named - distinct, "rows that repeat a SKU"),
            (incomplete, "rows with an empty figure"),
            (fractional, "rows with a figure that is not whole"),
        )
        if count
    ]
    if faults:
        raise SnapshotUnusable(
            f"The stock reading of {levels.system} has {', '.join(faults)}. None of it is kept; "
            "the next reading replaces it."
        )
