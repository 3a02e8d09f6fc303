"""Load what happened from the ledger and the stock archive into the history, and publish it.

A new history file is filled from the beginning by the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from centra_whistl_dagster.history.columns import HistoryTable, columns_of
from centra_whistl_dagster.history.publish import Publication, publish
from centra_whistl_dagster.history.rows import Load
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
from centra_whistl_dagster.ledger import export, stock_export
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.export import Rows
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.upkeep.history_archive import load_archive

_OVERLAP = timedelta(minutes=5)
"""Load again from this long before the watermark: a row may have been committed late."""


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
    with history.opened():
        return [
            *load_table(link, history, Orders, orders_with_lines),
            *load_table(link, history, OrderEvents, order_moves),
            *load_table(link, history, Despatches, despatches_with_parcels),
        ]


def load_exceptions(link: Link, history: History) -> list[Load]:
    """Load exceptions."""
    return load_table(link, history, Exceptions, exceptions_seen)


def load_stock(link: Link, history: History) -> list[Load]:
    """Load stock snapshots, Centra's levels, what was written, and what was compared."""
    return [*load_table(link, history, StockUpdates, stock_writes), *load_archive(link, history)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Rows for one table and for its parts."""

    rows: pd.DataFrame
    parts: Mapping[type[HistoryTable], pd.DataFrame] = field(default_factory=dict)


Export = Callable[[Transaction, datetime | None, datetime | None], Offered]
"""Reads the ledger's rows that changed since a moment and, if one is given, before another."""


def orders_with_lines(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    """Read orders and their lines."""
    lines = frame_of(OrderLines, export.order_lines_since(tx, since, until))
    return Offered(
        rows=frame_of(Orders, export.orders_since(tx, since, until)), parts={OrderLines: lines}
    )


def order_moves(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    """Read the orders' changes of state."""
    return Offered(rows=frame_of(OrderEvents, export.order_events_since(tx, since, until)))


def despatches_with_parcels(
    tx: Transaction, since: datetime | None, until: datetime | None
) -> Offered:
    """Read despatch messages, their parcels and what is in them."""
    heads, boxes, contents = export.despatches_since(tx, since, until)
    return Offered(
        rows=frame_of(Despatches, heads),
        parts={Parcels: frame_of(Parcels, boxes), ParcelLines: frame_of(ParcelLines, contents)},
    )


def exceptions_seen(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    """Read exceptions."""
    return Offered(rows=frame_of(Exceptions, export.exceptions_since(tx, since, until)))


def stock_writes(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    """Read the quantities sent to Centra."""
    return Offered(rows=frame_of(StockUpdates, stock_export.stock_writes_since(tx, since, until)))


def load_table(
    link: Link, history: History, model: type[HistoryTable], export_: Export
) -> list[Load]:
    """Load what changed since this table was loaded last, and keep until when it is complete.

    Each table has its own watermark, written with its rows: a loader that fails for a day goes on
    where it stopped, whatever the others did meanwhile.
    """
    with history.opened():
        with history.reading() as reader:
            since = with_overlap(reader.watermark(model))
        with link.ledger.reading() as tx:
            complete_until = tx.now
            offered = export_(tx, since, None)
        with history.writing() as session:
            loads = session.record(model, offered.rows, offered.parts)
            session.note_complete(model, complete_until)
    return loads


def publish_history(link: Link, history: History) -> Publication:
    """Publish the copy that analysts open."""
    return publish(history, link.settings.published_path)


def frame_of(model: type[HistoryTable], rows: Rows) -> pd.DataFrame:
    """Return rows as a frame with all of the model's columns, also when there are none."""
    return pd.DataFrame(rows, columns=[column.name for column in columns_of(model)])


def with_overlap(complete_until: datetime | None) -> datetime | None:
    """Return since when to load again; None: everything."""
    return complete_until - _OVERLAP if complete_until else None
