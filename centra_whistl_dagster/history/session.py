"""Add to the history inside one open transaction: each method takes frames and says what it did.

Every load may be repeated: the same frames again change nothing, and the whole history loaded again
from the ledger gives the same rows. Belongs here: which table takes which frame, and how. Does not
belong here: opening the file (`store`) or working out stock changes (`levels`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from centra_whistl_dagster.history import levels as stock
from centra_whistl_dagster.history.errors import SnapshotUnusable
from centra_whistl_dagster.history.loading import Loader
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.history.rows import Load, sort_rows
from centra_whistl_dagster.history.stock_tables import (
    BufferChanges,
    Divergence,
    StockComparisons,
    StockSnapshots,
    StockUpdates,
)
from centra_whistl_dagster.history.tables import (
    Despatches,
    Exceptions,
    OrderEvents,
    OrderLines,
    Orders,
    ParcelLines,
    Parcels,
)


class Session(Reader):
    """A transaction that reads and writes. `store.History.writing` opens one."""

    def __init__(self, con: duckdb.DuckDBPyConnection, *, now: Callable[[], datetime]) -> None:
        super().__init__(con)
        self._loader = Loader(con, now=now)

    def record_orders(self, orders: pd.DataFrame, lines: pd.DataFrame) -> tuple[Load, Load]:
        """Keep orders as they stand now with all their lines; a line no longer there goes."""
        parents = sort_rows(Orders, orders)
        return (
            self._loader.upsert(Orders, parents),
            self._loader.replace_children(OrderLines, lines, "order_number", parents),
        )

    def record_order_events(self, events: pd.DataFrame) -> Load:
        """Add moves of orders from state to state; those already there are left."""
        return self._loader.append(OrderEvents, events)

    def record_despatches(
        self, despatches: pd.DataFrame, parcels: pd.DataFrame, parcel_lines: pd.DataFrame
    ) -> tuple[Load, Load, Load]:
        """Keep despatch messages with all their parcels and the parcels' lines."""
        parents = sort_rows(Despatches, despatches)
        return (
            self._loader.upsert(Despatches, parents),
            self._loader.replace_children(Parcels, parcels, "despatch_id", parents),
            self._loader.replace_children(ParcelLines, parcel_lines, "despatch_id", parents),
        )

    def record_exceptions(self, exceptions: pd.DataFrame) -> Load:
        """Keep exceptions as they stand now."""
        return self._loader.upsert(Exceptions, sort_rows(Exceptions, exceptions))

    def record_stock_updates(self, updates: pd.DataFrame) -> Load:
        """Keep what was sent to Centra and what became of it."""
        return self._loader.upsert(StockUpdates, sort_rows(StockUpdates, updates))

    def record_buffer_changes(self, changes: pd.DataFrame) -> Load:
        """Add changes of what is held back; those already there are left."""
        return self._loader.append(BufferChanges, changes)

    def record_stock_snapshot(self, rows: pd.DataFrame | Path, reading: stock.Reading) -> Load:
        """Keep a reading of Whistl's stock: `sku, on_hand, allocated, quarantined, available`.

        One that is already kept changes nothing.

        Args:
            rows: a frame, or a `.parquet` file, or a file of one JSON object a line.
            reading: its head.

        Raises:
            SnapshotUnusable: see `levels.stage`; or it is older than the last one kept.
        """
        return self._record_reading(stock.WHISTL, rows, reading)

    def record_refused_snapshot(
        self, reading: stock.Reading, *, row_count: int, reason: str
    ) -> Load:
        """Note that a reading of Whistl's stock was refused; none of its figures is kept.

        A person may release it: it is then recorded like any other.
        """
        if self._is_kept(stock.WHISTL, reading):
            return self._loader.note(StockSnapshots, read=1, written=0, unchanged=1)
        return self._note_reading(stock.WHISTL, reading, None, rows=row_count, reason=reason)

    def record_centra_levels(self, rows: pd.DataFrame | Path, reading: stock.Reading) -> Load:
        """Keep a reading of Centra's stock: `sku, physical, allocated, free`. Else as above."""
        return self._record_reading(stock.CENTRA, rows, reading)

    def record_comparison(
        self, divergence: pd.DataFrame, *, snapshot_id: str, compared_at: datetime, sku_count: int
    ) -> tuple[Load, Load]:
        """Keep one comparison of both systems: the SKUs that differ, and how many were compared.

        A later comparison with the same snapshot takes the place of the earlier.

        Args:
            divergence: the rows of `Divergence` but for `snapshot_id` and `compared_at`.
            snapshot_id: the Whistl reading compared with.
            compared_at: when.
            sku_count: SKUs compared, alike or not.
        """
        given = divergence.assign(snapshot_id=snapshot_id, compared_at=pd.Timestamp(compared_at))
        sorted_rows = sort_rows(Divergence, given)
        unexplained = sorted_rows.good["unexplained"].abs()
        comparison = pd.DataFrame(
            {
                "snapshot_id": [snapshot_id],
                "compared_at": [pd.Timestamp(compared_at)],
                "sku_count": [sku_count],
                "differing_count": [int((sorted_rows.good["difference"] != 0).sum())],
                "unexplained_count": [int((unexplained > 0).sum())],
                "unexplained_units": [int(unexplained.sum())],
            }
        )
        head = sort_rows(StockComparisons, comparison)
        return (
            self._loader.upsert(StockComparisons, head),
            self._loader.replace_children(Divergence, given, "snapshot_id", head),
        )

    def _record_reading(
        self, levels: stock.Levels, rows: pd.DataFrame | Path, reading: stock.Reading
    ) -> Load:
        stock.stage(self._con, levels, rows)
        count = stock.row_count(self._con)
        if self._is_kept(levels, reading):
            return self._loader.note(levels.model, read=count, written=0, unchanged=count)
        self._refuse_older(levels, reading)
        counts = stock.apply(self._con, levels, reading)
        self._note_reading(levels, reading, counts, rows=count, reason="")
        return self._loader.note(
            levels.model,
            read=count,
            written=counts.changed,
            unchanged=count - counts.changed,
            removed=counts.absent,
        )

    def _is_kept(self, levels: stock.Levels, reading: stock.Reading) -> bool:
        ((kept,),) = self._con.execute(
            "SELECT count(*) FROM stock_snapshots "
            "WHERE system = ? AND snapshot_id = ? AND verdict = 'accepted'",
            [levels.system, reading.snapshot_id],
        ).fetchall()
        return bool(kept)

    def _refuse_older(self, levels: stock.Levels, reading: stock.Reading) -> None:
        ((last,),) = self._con.execute(
            "SELECT max(taken_at) FROM stock_snapshots WHERE system = ? AND verdict = 'accepted'",
            [levels.system],
        ).fetchall()
        if last is not None and reading.taken_at <= last:
            raise SnapshotUnusable(
                f"The stock reading '{reading.snapshot_id}' of {levels.system} is of "
                f"{reading.taken_at.isoformat()}, not later than the last one kept, of "
                f"{last.isoformat()}. None of it is kept."
            )

    def _note_reading(
        self,
        levels: stock.Levels,
        reading: stock.Reading,
        counts: stock.ReadingCounts | None,
        *,
        rows: int,
        reason: str,
    ) -> Load:
        """Write the head of a reading; without `counts` it was refused."""
        row = pd.DataFrame(
            {
                "system": [levels.system],
                "snapshot_id": [reading.snapshot_id],
                "taken_at": [pd.Timestamp(reading.taken_at)],
                "read_at": [pd.Timestamp(reading.read_at)],
                "is_complete": [reading.is_complete],
                "verdict": ["accepted" if counts else "refused"],
                "reason": [reason],
                "row_count": [rows],
                "changed_count": [counts.changed if counts else None],
                "absent_count": [counts.absent if counts else None],
                "emptied_count": [counts.emptied if counts else None],
                "sellable_units": [counts.sellable_units if counts else None],
            }
        )
        return self._loader.upsert(StockSnapshots, sort_rows(StockSnapshots, row))
