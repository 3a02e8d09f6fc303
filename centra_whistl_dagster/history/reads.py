# ruff: noqa: S608  -- names of tables and columns come from the models.
"""Queries on the history, each a method that returns a frame or a plain value.

They work on the live file within a load (`store`) and on the published copy (`publish`) alike. Does
not belong here: what analysts ask, which is in `views_sql/`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from centra_whistl_dagster.history.columns import HistoryTable, columns_of, table_name
from centra_whistl_dagster.history.days import DAY_OF
from centra_whistl_dagster.history.stock_tables import CAUSES
from centra_whistl_dagster.history.tables import TABLES

# Without these a column of whole numbers with one gap comes back as floating point.
_TYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What the history gains in a day."""

    skus: int
    """Of both systems together."""
    changes_per_day: float
    orders_per_day: float


class Reader:
    """A connection for reading only."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def data_as_of(self) -> datetime | None:
        """Return when the history was last added to, or None for a new one."""
        rows = self._con.execute("SELECT data_as_of FROM data_as_of").fetchall()
        moment: datetime | None = rows[0][0]
        return moment

    def watermark(self, model: type[HistoryTable]) -> datetime | None:
        """Return until when a table holds all that the ledger held; None before its first load."""
        rows = self._con.execute(
            "SELECT complete_until FROM watermarks WHERE table_name = ?", [table_name(model)]
        ).fetchall()
        moment: datetime | None = rows[0][0] if rows else None
        return moment

    def complete_until(self, models: Collection[type[HistoryTable]]) -> datetime | None:
        """Return until when all of these tables hold everything; None before their first loads."""
        marks = [self.watermark(model) for model in models]
        known = [mark for mark in marks if mark is not None]
        return min(known) if len(known) == len(marks) else None

    def first_days(self) -> dict[type[HistoryTable], date]:
        """Return, by table, the first day of UTC whose rows it has; older ones are in files alone.

        Only tables whose days are written as files, and that have rows, are named.
        """
        query = " UNION ALL ".join(
            f"SELECT '{table_name(model)}', min({column})::DATE FROM {table_name(model)}"
            for model, column in DAY_OF.items()
        )
        found = dict(self._con.execute(query).fetchall())
        firsts = {model: found[table_name(model)] for model in DAY_OF}
        return {model: first for model, first in firsts.items() if first is not None}

    def files_loaded(self, kind: str, *, since_day: str = "") -> set[str]:
        """Return which files of the archive are in the history.

        Args:
            kind: what they hold.
            since_day: only those of this day, such as 2026-11-27, and later.
        """
        rows = self._con.execute(
            "SELECT file FROM archived_files WHERE kind = ? AND is_loaded AND day >= ?",
            [kind, since_day],
        ).fetchall()
        return {file for (file,) in rows}

    def files_not_loaded(self) -> dict[str, str]:
        """Return the files of the archive that could not be loaded, and why."""
        query = "SELECT file, problem FROM archived_files WHERE NOT is_loaded ORDER BY file"
        return dict(self._con.execute(query).fetchall())

    def last_day_of(self, kind: str) -> str | None:
        """Return the newest day of which a file of the archive is in the history."""
        query = "SELECT max(day) FROM archived_files WHERE kind = ? AND is_loaded"
        ((day,),) = self._con.execute(query, [kind]).fetchall()
        return None if day is None else str(day)

    def refused_snapshots(self) -> list[str]:
        """Return the names of Whistl's snapshots that were refused, as far as is known here."""
        query = "SELECT snapshot_id FROM stock_snapshots WHERE verdict = 'refused'"
        return [name for (name,) in self._con.execute(query).fetchall()]

    def growth(self, days: int = 7) -> Growth:
        """Return how many rows the last days have added, and how many SKUs there are."""
        ((skus, changes, orders, first),) = self._con.execute(
            "WITH levels AS (SELECT valid_from, valid_to FROM stock_levels "
            "UNION ALL SELECT valid_from, valid_to FROM centra_levels), "
            "until AS (SELECT max(valid_from) AS newest FROM levels) "
            "SELECT count_if(valid_to IS NULL), "
            "count_if(valid_to IS NOT NULL AND valid_from > newest - to_days($1::INTEGER)), "
            "(SELECT count(*) FROM orders, until "
            "WHERE ordered_at > newest - to_days($1::INTEGER)), "
            "min(valid_from) FROM levels LEFT JOIN until ON true",
            [days],
        ).fetchall()
        ((last,),) = self._con.execute("SELECT max(taken_at) FROM stock_snapshots").fetchall()
        known = (last - first).total_seconds() / 86_400 if first and last else 0.0
        measured = min(float(days), max(known, 1.0))
        return Growth(
            skus=skus or 0,
            changes_per_day=(changes or 0) / measured,
            orders_per_day=(orders or 0) / measured,
        )

    def lines_ordered(self) -> pd.DataFrame:
        """Return `order_number, sku, quantity, ordered_at` of lines that were not cancelled.

        A backtest of stock policies replays them.
        """
        return self._frame(
            "SELECT order_number, l.sku, l.quantity, o.ordered_at FROM orders o "
            "JOIN order_lines l USING (order_number) WHERE o.state <> 'cancelled' AND l.sku <> '' "
            "ORDER BY o.ordered_at, order_number, l.line_number"
        )

    def readings_kept(self, system: str, since: datetime, until: datetime) -> set[str]:
        """Return the names of one system's accepted readings of a period."""
        rows = self._con.execute(
            "SELECT snapshot_id FROM stock_snapshots WHERE system = ? AND verdict = 'accepted' "
            "AND taken_at >= ? AND taken_at < ?",
            [system, since, until],
        ).fetchall()
        return {name for (name,) in rows}

    def sku_levels(self, sku: str, since: datetime) -> list[tuple[str, datetime, int | None]]:
        """Return system, moment and units of one SKU: what Whistl had free, and the shop.

        The period that was under way at `since` is the first; units are None while a system did
        not list the SKU.
        """
        is_since = "sku = $sku AND (valid_to IS NULL OR valid_to > $since)"
        rows: list[tuple[str, datetime, int | None]] = self._con.execute(
            f"SELECT 'whistl', valid_from, available FROM stock_levels WHERE {is_since} "
            f"UNION ALL SELECT 'centra', valid_from, free FROM centra_levels WHERE {is_since} "
            "ORDER BY ALL",
            {"sku": sku, "since": since},
        ).fetchall()
        return rows

    def sku_divergence(self, sku: str) -> dict[str, int] | None:
        """Return one SKU's row of the last comparison; None where it did not differ."""
        causes = ", ".join(CAUSES)
        rows = self._con.execute(
            f"SELECT expected, actual, difference, {causes} FROM divergence WHERE sku = ? "
            "AND snapshot_id = (SELECT snapshot_id FROM stock_comparisons "
            "ORDER BY compared_at DESC LIMIT 1)",
            [sku],
        ).fetchall()
        names = ("expected", "actual", "difference", *CAUSES)
        return dict(zip(names, rows[0], strict=True)) if rows else None

    def last_compared_at(self) -> datetime | None:
        """Return when the two systems' stock was compared last; None before the first time."""
        ((at,),) = self._con.execute("SELECT max(compared_at) FROM stock_comparisons").fetchall()
        moment: datetime | None = at
        return moment

    def buffer_reason(self, sku: str) -> tuple[int, str, datetime] | None:
        """Return the last change of a SKU's buffer: units, why, and when; None without one."""
        rows = self._con.execute(
            "SELECT to_units, reason, changed_at FROM buffer_changes WHERE sku = ? "
            "ORDER BY changed_at DESC LIMIT 1",
            [sku],
        ).fetchall()
        return rows[0] if rows else None

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
        self._check_view(name)
        return self._frame(f"SELECT * FROM {name}")

    def rows_of_view(
        self, name: str, days: tuple[date, date] | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows of a view as plain values, in the view's order.

        Args:
            name: the view.
            days: only rows whose `day` is between these two, both included.

        Raises:
            KeyError: there is no such view.
        """
        self._check_view(name)
        condition = " WHERE day BETWEEN ? AND ?" if days else ""
        found = self._con.execute(f"SELECT * FROM {name}{condition}", list(days or ()))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _check_view(self, name: str) -> None:
        names = self.view_names()
        if name not in names:
            raise KeyError(f"No view '{name}'. There are: {', '.join(names)}.")

    def _frame(self, query: str) -> pd.DataFrame:
        table = self._con.sql(query).to_arrow_table()
        frame: pd.DataFrame = table.to_pandas(types_mapper=_TYPES.get)
        return frame
