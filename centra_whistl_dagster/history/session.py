# ruff: noqa: S608  -- names of tables come from the models, never from a record.
"""Add to the history within one open transaction: each method takes frames and counts their rows.

Every load may be repeated: the same frames again change nothing, and the whole history loaded again
from the ledger gives the same rows. Does not belong here: opening the file (`store`) or comparing
stock with the reading before (`levels`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from centra_whistl_dagster.history.bookkeeping import Bookkeeping
from centra_whistl_dagster.history.columns import AppendOnlyTable, HistoryTable, table_name
from centra_whistl_dagster.history.errors import SnapshotUnusable
from centra_whistl_dagster.history.levels import (
    CENTRA,
    WHISTL,
    Levels,
    Reading,
    ReadingCounts,
    apply_reading,
    stage_reading,
    staged_count,
)
from centra_whistl_dagster.history.rereading import reread
from centra_whistl_dagster.history.rows import Load, sort_rows
from centra_whistl_dagster.history.stock_tables import (
    ComparisonCauses,
    ComparisonUnits,
    Divergence,
    StockComparisons,
    StockSnapshots,
)
from centra_whistl_dagster.history.summaries import record_prices, sums_by_cause


class Session(Bookkeeping):
    """A transaction that reads and writes. `store.History.writing` opens one."""

    def record(
        self,
        model: type[HistoryTable],
        rows: pd.DataFrame,
        parts: Mapping[type[HistoryTable], pd.DataFrame] = MappingProxyType({}),
    ) -> list[Load]:
        """Keep the rows of a table, and all rows of its parts.

        Args:
            model: the table. New rows of an append-only one are added; otherwise rows are inserted
                or changed.
            rows: all of its columns.
            parts: all rows of the tables that are part of it, such as the lines of orders. A stored
                one that is not among them is deleted.

        Returns:
            The load of the table, then that of each part.

        Raises:
            FrameRefused: a frame's columns are not those of its table.
            TypeError: parts of an append-only table.
        """
        if issubclass(model, AppendOnlyTable):
            if parts:
                raise TypeError(f"{model.__name__} is append-only: it has no parts")
            return [self._loader.append(model, rows)]
        parents = sort_rows(model, rows)
        return [
            self._loader.upsert(model, parents),
            *(self._loader.replace_parts(part, frame, parents) for part, frame in parts.items()),
        ]

    def record_stock_snapshot(self, rows: pd.DataFrame | Path, reading: Reading) -> Load:
        """Keep a reading of Whistl's stock: `sku, on_hand, allocated, quarantined, available`.

        A reading that is already kept changes nothing. One that arrives after a later one takes its
        place before it.

        Args:
            rows: a frame, or a `.parquet` file, or a file of one JSON object a line.
            reading: what identifies it.

        Raises:
            SnapshotUnusable: as `levels.stage_reading`, or another reading of that moment is kept.
        """
        return self._record_reading(WHISTL, rows, reading)

    def record_refused_snapshot(self, reading: Reading, *, row_count: int, reason: str) -> Load:
        """Record that a reading of Whistl's stock was refused; none of its figures is kept.

        A person may release it; it is then recorded like any other.
        """
        if self._is_kept(WHISTL, reading):
            return self._loader.record_counts(StockSnapshots, read=1, written=0, unchanged=1)
        return self._record_head(WHISTL, reading, None, rows=row_count, reason=reason)

    def record_centra_levels(self, rows: pd.DataFrame | Path, reading: Reading) -> Load:
        """Keep a reading of Centra's stock (`sku, physical, allocated, free`), as of Whistl's."""
        return self._record_reading(CENTRA, rows, reading)

    def record_comparison(
        self, divergence: pd.DataFrame, *, snapshot_id: str, compared_at: datetime, sku_count: int
    ) -> list[Load]:
        """Keep one comparison of both systems: the SKUs that differ, and how many were compared.

        A later comparison with the same snapshot replaces the earlier one, in whatever order both
        are loaded.

        Args:
            divergence: the columns of `Divergence` except `snapshot_id` and `compared_at`.
            snapshot_id: the Whistl reading compared with.
            compared_at: when.
            sku_count: how many SKUs were compared.
        """
        given = divergence.assign(snapshot_id=snapshot_id, compared_at=pd.Timestamp(compared_at))
        good = sort_rows(Divergence, given).good
        if self._is_replaced(StockComparisons, snapshot_id, compared_at):
            count = self._loader.record_counts(
                Divergence, read=len(given), written=0, unchanged=len(given)
            )
            return [count]
        unexplained = good["unexplained"].abs()
        in_both = good[good["one_side_only"] == 0]
        comparison = pd.DataFrame(
            {
                "snapshot_id": [snapshot_id],
                "compared_at": [pd.Timestamp(compared_at)],
                "sku_count": [sku_count],
                "differing_count": [int((good["difference"] != 0).sum())],
                "unexplained_count": [int((unexplained > 0).sum())],
                "unexplained_units": [int(unexplained.sum())],
                "differing_units": [int(in_both["difference"].abs().sum())],
            }
        )
        parts = {Divergence: given, ComparisonCauses: sums_by_cause(good)}
        return self.record(StockComparisons, comparison, parts)

    def record_units_compared(self, rows: pd.DataFrame) -> list[Load]:
        """Keep how many units comparisons were about, as `record_comparison` keeps these."""
        is_replaced = [
            self._is_replaced(ComparisonUnits, snapshot_id, compared_at)
            for snapshot_id, compared_at in zip(
                rows["snapshot_id"], rows["compared_at"], strict=True
            )
        ]
        return self.record(ComparisonUnits, rows[[not replaced for replaced in is_replaced]])

    def record_prices(self, rows: pd.DataFrame) -> None:
        """Keep the latest price of each SKU: `sku, currency, unit_price, ordered_at, order_number`.

        One that is older than the price kept changes nothing.
        """
        record_prices(self._con, rows)

    def replace_readings(
        self,
        levels: Levels,
        since: datetime,
        until: datetime,
        readings: Sequence[tuple[Reading, pd.DataFrame | Path]],
        later: Mapping[str, Path] = MappingProxyType({}),
    ) -> Load:
        """Make one system's stock of a period again from its readings, oldest first.

        The readings kept of the period are forgotten; those before and after stay as they are.

        Args:
            levels: whose stock.
            since: when the period begins.
            until: when it ends, not included.
            readings: all of the period.
            later: files of readings after it, by name; the first of them is applied again.

        Raises:
            SnapshotUnusable: as `record_stock_snapshot`; undo the transaction.
        """
        self._con.execute(
            "DELETE FROM stock_snapshots WHERE system = ? AND verdict = 'accepted' "
            "AND taken_at >= ? AND taken_at < ?",
            [levels.system, since, until],
        )
        following = self._first_after(levels, until)
        rows = later.get(following.snapshot_id) if following else None
        applied = reread(self._con, levels, since, readings, following, rows)
        read = written = removed = 0
        for one in applied:
            self._record_head(levels, one.reading, one.counts, rows=one.row_count, reason="")
            read += one.row_count
            written += one.counts.changed
            removed += one.counts.absent
        return self._loader.record_counts(
            levels.model, read=read, written=written, unchanged=read - written, removed=removed
        )

    def _record_reading(self, levels: Levels, rows: pd.DataFrame | Path, reading: Reading) -> Load:
        stage_reading(self._con, levels, rows)
        count = staged_count(self._con)
        if self._is_kept(levels, reading):
            return self._loader.record_counts(levels.model, read=count, written=0, unchanged=count)
        self._refuse_second(levels, reading)
        just_after = reading.taken_at + timedelta(microseconds=1)
        if self._first_after(levels, just_after) is not None:
            return self.replace_readings(levels, reading.taken_at, just_after, [(reading, rows)])
        counts = apply_reading(self._con, levels, reading)
        self._record_head(levels, reading, counts, rows=count, reason="")
        return self._loader.record_counts(
            levels.model,
            read=count,
            written=counts.changed,
            unchanged=count - counts.changed,
            removed=counts.absent,
        )

    def _is_replaced(
        self, model: type[HistoryTable], snapshot_id: str, compared_at: datetime
    ) -> bool:
        ((later,),) = self._con.execute(
            f"SELECT count(*) FROM {table_name(model)} WHERE snapshot_id = ? AND compared_at > ?",
            [snapshot_id, compared_at],
        ).fetchall()
        return bool(later)

    def _is_kept(self, levels: Levels, reading: Reading) -> bool:
        ((kept,),) = self._con.execute(
            "SELECT count(*) FROM stock_snapshots "
            "WHERE system = ? AND snapshot_id = ? AND verdict = 'accepted'",
            [levels.system, reading.snapshot_id],
        ).fetchall()
        return bool(kept)

    def _refuse_second(self, levels: Levels, reading: Reading) -> None:
        kept = self._con.execute(
            "SELECT snapshot_id FROM stock_snapshots "
            "WHERE system = ? AND taken_at = ? AND verdict = 'accepted'",
            [levels.system, reading.taken_at],
        ).fetchall()
        if kept:
            raise SnapshotUnusable(
                f"The stock reading '{reading.snapshot_id}' of {levels.system} is of "
                f"{reading.taken_at.isoformat()}, as is '{kept[0][0]}', which is kept. None of it "
                "is kept."
            )

    def _first_after(self, levels: Levels, at: datetime) -> Reading | None:
        """Return the first accepted reading of that moment or later."""
        rows = self._con.execute(
            "SELECT snapshot_id, taken_at, read_at, is_complete FROM stock_snapshots "
            "WHERE system = ? AND verdict = 'accepted' AND taken_at >= ? "
            "ORDER BY taken_at LIMIT 1",
            [levels.system, at],
        ).fetchall()
        if not rows:
            return None
        name, taken_at, read_at, is_complete = rows[0]
        return Reading(
            snapshot_id=name, taken_at=taken_at, read_at=read_at, is_complete=is_complete
        )

    def _record_head(
        self,
        levels: Levels,
        reading: Reading,
        counts: ReadingCounts | None,
        *,
        rows: int,
        reason: str,
    ) -> Load:
        """Record a reading in `stock_snapshots`; without `counts` it was refused."""
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
