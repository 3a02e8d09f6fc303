# ruff: noqa: S608  -- names of tables and columns come from the models; values are parameters.
"""Questions asked of the history, each a function that answers with a frame.

They work on the live file within a load (`store`) and on the published copy (`publish`) alike.
Belongs here: what workflows and reports ask. Does not belong here: what analysts ask, which is
`views.sql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
import pyarrow as arrow

from centra_whistl_dagster.history.columns import HistoryTable, columns_of, table_name
from centra_whistl_dagster.history.stock_tables import CentraLevels, StockLevels
from centra_whistl_dagster.history.tables import TABLES

# Without these a column of whole numbers with one gap comes back as floating point.
_TYPES = {arrow.int64(): pd.Int64Dtype(), arrow.bool_(): pd.BooleanDtype()}


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityInputs:
    """What sales velocity is worked out from. Hours are UTC and name the hour's beginning."""

    sales: pd.DataFrame
    """sku, hour, units, order_count: ordered in Centra, cancelled orders left out."""
    despatches: pd.DataFrame
    """sku, hour, units: left the warehouse for our orders."""
    movements: pd.DataFrame
    """sku, moved_at, on_hand_change, allocated_change, quarantined_change, available_change."""


class Reader:
    """A connection that only asks."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def latest_stock(self) -> pd.DataFrame:
        """Return Whistl's stock as last read: one row a SKU, absent ones with empty figures."""
        return self._frame(f"{_levels(StockLevels)} WHERE valid_to IS NULL ORDER BY sku")

    def latest_centra_levels(self) -> pd.DataFrame:
        """Return Centra's stock as last read, in the same form."""
        return self._frame(f"{_levels(CentraLevels)} WHERE valid_to IS NULL ORDER BY sku")

    def stock_as_of(self, at: datetime) -> pd.DataFrame:
        """Return Whistl's stock as it was known to be at an instant."""
        return self._as_of(StockLevels, at)

    def centra_levels_as_of(self, at: datetime) -> pd.DataFrame:
        """Return Centra's stock as it was known to be at an instant."""
        return self._as_of(CentraLevels, at)

    def recent_snapshots(self, system: str, *, limit: int) -> pd.DataFrame:
        """Return the last kept readings of a system, newest first: guards learn from them."""
        return self._frame(
            "SELECT * FROM stock_snapshots WHERE system = ? AND verdict = 'accepted' "
            "ORDER BY taken_at DESC LIMIT ?",
            [system, limit],
        )

    def sales_velocity_inputs(self, since: datetime) -> VelocityInputs:
        """Return sales, despatches and stock movements from an instant on."""
        return VelocityInputs(
            sales=self._frame(
                "SELECT * FROM sales_by_sku_hour WHERE hour >= ? ORDER BY hour, sku", [since]
            ),
            despatches=self._frame(
                "SELECT * FROM despatches_by_sku_hour WHERE hour >= ? ORDER BY hour, sku", [since]
            ),
            movements=self._frame(
                "SELECT sku, moved_at, on_hand_change, allocated_change, quarantined_change, "
                "available_change FROM stock_movements WHERE moved_at >= ? ORDER BY moved_at, sku",
                [since],
            ),
        )

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
        """List the analysts' views."""
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

    def _as_of(self, model: type[HistoryTable], at: datetime) -> pd.DataFrame:
        return self._frame(
            f"{_levels(model)} WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1) "
            "ORDER BY sku",
            [at],
        )

    def _frame(self, query: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        relation = self._con.sql(query, params=list(values))
        frame: pd.DataFrame = relation.to_arrow_table().to_pandas(types_mapper=_TYPES.get)
        return frame


def _levels(model: type[HistoryTable]) -> str:
    columns = ", ".join(c.name for c in columns_of(model) if c.name != "valid_to")
    return f"SELECT {columns} FROM {table_name(model)}"
