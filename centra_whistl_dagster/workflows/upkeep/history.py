"""Load what happened from the ledger and the stock archive into the history, and publish it.

A new history file is filled from the beginning by the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from centra_whistl_dagster.history.columns import HistoryTable, columns_of
from centra_whistl_dagster.history.levels import Reading
from centra_whistl_dagster.history.publish import Publication, publish
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.session import Session
from centra_whistl_dagster.history.stock_tables import BufferChanges, StockUpdates
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import (
    Despatches,
    Exceptions,
    OrderEvents,
    OrderLines,
    Orders,
    ParcelLines,
    Parcels,
)
from centra_whistl_dagster.ledger import export
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.ledger.states import Verdict
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive

_OVERLAP = timedelta(minutes=5)
"""Load again from this long before the last load: a row may have been committed late."""


def open_history(link: Link) -> History:
    """Return the handle on the live history file; nothing is opened yet."""
    settings = link.settings
    return History(
        settings.history_path,
        memory_limit=settings.history_memory,
        threads=settings.history_threads,
        now=link.now,
        sleep=link.sleep,
    )


def load_orders(link: Link, history: History) -> list[Load]:
    """Load orders, their lines, their moves, despatches and parcels."""
    since = _since(history)
    with link.ledger.reading() as tx:
        orders = _frame(Orders, export.orders_since(tx, since))
        lines = _frame(OrderLines, export.order_lines_since(tx, since))
        events = _frame(OrderEvents, export.order_events_since(tx, since))
        heads, boxes, contents = export.despatches_since(tx, since)
    with history.writing() as session:
        return [
            *session.record(Orders, orders, {OrderLines: lines}),
            *session.record(OrderEvents, events),
            *session.record(
                Despatches,
                _frame(Despatches, heads),
                {Parcels: _frame(Parcels, boxes), ParcelLines: _frame(ParcelLines, contents)},
            ),
        ]


def load_exceptions(link: Link, history: History) -> list[Load]:
    """Load exceptions."""
    since = _since(history)
    with link.ledger.reading() as tx:
        frame = _frame(Exceptions, export.exceptions_since(tx, since))
    with history.writing() as session:
        return session.record(Exceptions, frame)


def load_stock(link: Link, history: History) -> list[Load]:
    """Load stock snapshots, Centra's levels, and what was written."""
    folder, since = link.settings.archive_path, _since(history)
    with link.ledger.reading() as tx:
        kept_since = tx.now - link.settings.keeps_archive_for
        updates = _frame(StockUpdates, export.stock_writes_since(tx, since))
        snapshots = export.snapshots_since(tx, since)
    with history.writing() as session:
        loads = session.record(StockUpdates, updates)
    # One reading at a time: a damaged file fails its own transaction, and no other reading's.
    for row in snapshots:
        if row.read_at < kept_since and not archive.is_kept(folder, row.file):
            continue  # removed when it was old; a new history file begins with what is kept
        with history.writing() as session:
            loads.append(_load_snapshot(session, folder, row))
    for reading, load in _archived_since(folder, since):
        with history.writing() as session:
            loads += load(session, reading)
    return loads


def publish_history(link: Link, history: History) -> Publication:
    """Publish the copy that analysts open."""
    return publish(history, link.settings.published_path)


def _since(history: History) -> datetime | None:
    with history.reading() as reader:
        last = reader.data_as_of()
    return last - _OVERLAP if last else None


def _load_snapshot(session: Session, folder: Path, row: SnapshotRow) -> Load:
    reading = Reading(
        snapshot_id=row.snapshot_id,
        taken_at=row.taken_at,
        read_at=row.read_at,
        is_complete=True,
    )
    if row.verdict is Verdict.REFUSED:
        return session.record_refused_snapshot(reading, row_count=row.row_count, reason=row.reason)
    return session.record_stock_snapshot(folder / row.file, reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Archived:
    """A file of the archive, and what its name says."""

    path: Path
    name: str
    at: datetime
    sku_count: int | None
    """Of a comparison: how many SKUs were compared."""


def _archived_since(folder: Path, since: datetime | None) -> Iterator[tuple[_Archived, _Load]]:
    for kind, load in _FROM_THE_ARCHIVE.items():
        for relative in archive.kept_since(folder, kind, since):
            name, at, *rest = relative.stem.split("--")
            reading = _Archived(
                path=folder / relative,
                name=name,
                at=datetime.strptime(at, archive.STAMP).replace(tzinfo=UTC),
                sku_count=int(rest[0]) if rest else None,
            )
            if since is None or reading.at >= since:
                yield reading, load


def _load_levels(session: Session, archived: _Archived) -> Sequence[Load]:
    """Load Centra's levels as known at a moment; some may have been read minutes before."""
    reading = Reading(
        snapshot_id=f"{archived.name}-{archived.at:{archive.STAMP}}",
        taken_at=archived.at,
        read_at=archived.at,
        is_complete=True,
    )
    return [session.record_centra_levels(archived.path, reading)]


def _load_comparison(session: Session, archived: _Archived) -> Sequence[Load]:
    if archived.sku_count is None:
        raise ValueError(f"{archived.path}: the file's name should end in the number of SKUs")
    return session.record_comparison(
        pd.read_parquet(archived.path),
        snapshot_id=archived.name,
        compared_at=archived.at,
        sku_count=archived.sku_count,
    )


def _load_buffer_changes(session: Session, archived: _Archived) -> Sequence[Load]:
    return session.record(BufferChanges, pd.read_parquet(archived.path))


_Load = Callable[[Session, _Archived], Sequence[Load]]

_FROM_THE_ARCHIVE: Mapping[str, _Load] = {
    archive.CENTRA_STOCK: _load_levels,
    archive.DIVERGENCE: _load_comparison,
    archive.BUFFER_CHANGES: _load_buffer_changes,
}


def _frame(model: type[HistoryTable], rows: export.Rows) -> pd.DataFrame:
    """Return rows as a frame with all of the model's columns, also when there are none."""
    return pd.DataFrame(rows, columns=[column.name for column in columns_of(model)])
