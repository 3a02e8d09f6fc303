"""Carry what happened from the ledger and the stock archive into the history, and publish it.

Belongs here: what is loaded and from when on. Does not belong here: tables (`history`) or the
ledger's rows (`ledger.export`). A new history file is filled from the beginning by the same steps.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from centra_whistl_dagster.history.columns import HistoryTable, columns_of
from centra_whistl_dagster.history.levels import Reading
from centra_whistl_dagster.history.publish import Publication, publish
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.session import Session
from centra_whistl_dagster.history.stock_tables import StockUpdates
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
from centra_whistl_dagster.ledger.stock import Verdict
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive

_STAMP = archive.STAMP
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
            *session.record_orders(orders, lines),
            session.record_order_events(events),
            *session.record_despatches(
                _frame(Despatches, heads), _frame(Parcels, boxes), _frame(ParcelLines, contents)
            ),
        ]


def load_exceptions(link: Link, history: History) -> list[Load]:
    """Load exceptions."""
    since = _since(history)
    with link.ledger.reading() as tx:
        frame = _frame(Exceptions, export.exceptions_since(tx, since))
    with history.writing() as session:
        return [session.record_exceptions(frame)]


def load_stock(link: Link, history: History) -> list[Load]:
    """Load stock snapshots, Centra's levels, and what was written."""
    since = _since(history)
    with link.ledger.reading() as tx:
        updates = _frame(StockUpdates, export.stock_writes_since(tx, since))
        snapshots = export.snapshots_since(tx, since)
    with history.writing() as session:
        loads = [session.record_stock_updates(updates)]
    kept_since = link.now() - link.settings.keeps_archive_for
    for row in snapshots:
        if row.read_at < kept_since and not archive.is_kept(link.settings.archive_path, row.file):
            continue  # let go in time; a new history file begins with what is kept
        # One at a time: a damaged file takes its own transaction down, and no other reading's.
        with history.writing() as session:
            loads.append(_load_snapshot(session, link, row))
    for kind, load in _FROM_THE_ARCHIVE.items():
        for relative in archive.kept_since(link.settings.archive_path, kind, since):
            name, at, *rest = relative.stem.split("--")
            read_at = datetime.strptime(at, _STAMP).replace(tzinfo=UTC)
            if since is None or read_at >= since:
                with history.writing() as session:
                    loads += load(
                        session, link.settings.archive_path / relative, name, read_at, rest
                    )
    return loads


def publish_history(link: Link, history: History) -> Publication:
    """Put a copy in the analysts' place."""
    return publish(history, link.settings.published_path)


def _since(history: History) -> datetime | None:
    with history.reading() as reader:
        last = reader.data_as_of()
    return last - _OVERLAP if last else None


def _load_snapshot(session: Session, link: Link, row: Any) -> Load:
    reading = Reading(
        snapshot_id=row.snapshot_id,
        taken_at=row.taken_at,
        read_at=row.read_at,
        is_complete=True,
    )
    if row.verdict == Verdict.REFUSED:
        return session.record_refused_snapshot(reading, row_count=row.row_count, reason=row.reason)
    return session.record_stock_snapshot(link.settings.archive_path / row.file, reading)


def _load_levels(
    session: Session, path: Path, name: str, read_at: datetime, _rest: list[str]
) -> list[Load]:
    """Load Centra's levels as known at a moment; some may have been read minutes before."""
    reading = Reading(
        snapshot_id=f"{name}-{read_at:{_STAMP}}",
        taken_at=read_at,
        read_at=read_at,
        is_complete=True,
    )
    return [session.record_centra_levels(path, reading)]


def _load_compared(
    session: Session, path: Path, name: str, read_at: datetime, rest: list[str]
) -> list[Load]:
    frame = pd.read_parquet(path)
    loads = session.record_comparison(
        frame, snapshot_id=name, compared_at=read_at, sku_count=int(rest[0])
    )
    return list(loads)


def _load_buffer_changes(
    session: Session, path: Path, _name: str, _at: datetime, _rest: list[str]
) -> list[Load]:
    return [session.record_buffer_changes(pd.read_parquet(path))]


_FROM_THE_ARCHIVE = {
    archive.CENTRA_STOCK: _load_levels,
    archive.DIVERGENCE: _load_compared,
    archive.BUFFER_CHANGES: _load_buffer_changes,
}


def _frame(model: type[HistoryTable], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame with all of the model's columns, also when there are none."""
    return pd.DataFrame(rows, columns=[column.name for column in columns_of(model)])
