# ruff: noqa: S608  -- names of tables and columns come from the models; values are parameters.
"""Put readings into a period of stock levels that later readings have already been added to.

A reading that arrives late, such as a snapshot that a person releases, and a day that is loaded
again both end in the rows that loading everything in order would have given. Only rows that held
during the period are made again: the next reading after it is applied a second time, as the table
has it, and all that follows it depends on that reading alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from centra_whistl_dagster.history.columns import table_name
from centra_whistl_dagster.history.levels import (
    Levels,
    Reading,
    ReadingCounts,
    apply_reading,
    stage_reading,
    staged_count,
)

_PERIOD = "levels_of_period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One reading that was put in, or applied again, and what it changed."""

    reading: Reading
    row_count: int
    counts: ReadingCounts


def reread(
    con: duckdb.DuckDBPyConnection,
    levels: Levels,
    since: datetime,
    readings: Sequence[tuple[Reading, pd.DataFrame | Path]],
    following: Reading | None,
    following_rows: Path | None = None,
) -> Iterator[Applied]:
    """Make the rows of a period again from its readings; use up the iterator to finish.

    Args:
        con: the connection, with a transaction open.
        levels: whose stock.
        since: when the period begins. It lasts until just before `following`.
        readings: all that are to be in the period, oldest first.
        following: the first reading kept after the period; None where the period is the last.
        following_rows: its file, if it is still kept; else its rows are those that the table has.

    Raises:
        SnapshotUnusable: as `levels.stage_reading`; the caller undoes the transaction.
    """
    table = table_name(levels.model)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_PERIOD} AS "
        f"SELECT * REPLACE (NULL::TIMESTAMPTZ AS valid_to) FROM {table} "
        "WHERE valid_from < $1 AND (valid_to IS NULL OR valid_to >= $1)",
        [since],
    )
    for reading, rows in readings:
        stage_reading(con, levels, rows)
        yield _applied(con, levels, reading)
    if following is not None:
        if following_rows is not None:
            stage_reading(con, levels, following_rows)
        else:
            _stage_from_table(con, levels, following.taken_at)
        yield _applied(con, levels, following)
    _replace_rows(con, table, since, following.taken_at if following else None)


def _stage_from_table(con: duckdb.DuckDBPyConnection, levels: Levels, at: datetime) -> None:
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE reading AS SELECT sku, {', '.join(levels.figures)} "
        f"FROM {table_name(levels.model)} WHERE is_present AND valid_from <= $1 "
        "AND (valid_to IS NULL OR valid_to > $1)",
        [at],
    )


def _applied(con: duckdb.DuckDBPyConnection, levels: Levels, reading: Reading) -> Applied:
    counts = apply_reading(con, levels, reading, table=_PERIOD)
    return Applied(reading=reading, row_count=staged_count(con), counts=counts)


def _replace_rows(
    con: duckdb.DuckDBPyConnection, table: str, since: datetime, until: datetime | None
) -> None:
    """Replace the rows that held from `since` to `until`, and end the last at what follows."""
    con.execute(
        f"DELETE FROM {table} WHERE (valid_to IS NULL OR valid_to >= $1) "
        "AND ($2::TIMESTAMPTZ IS NULL OR valid_from <= $2::TIMESTAMPTZ)",
        [since, until],
    )
    con.execute(
        f"UPDATE {_PERIOD} SET valid_to = later.valid_from FROM "
        f"(SELECT sku, min(valid_from) AS valid_from FROM {table} "
        "WHERE valid_from > $1::TIMESTAMPTZ GROUP BY sku) later "
        f"WHERE {_PERIOD}.sku = later.sku AND {_PERIOD}.valid_to IS NULL",
        [until],
    )
    con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {_PERIOD} ORDER BY valid_from, sku")
