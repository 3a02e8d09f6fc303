"""Load into the history what was recorded about the connection itself, and renew the summaries.

Each table goes on from its own newest row: one that could not be loaded for a day misses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pandas as pd

from centra_whistl_dagster.history.columns import HistoryTable, columns_of
from centra_whistl_dagster.history.measurement_tables import (
    ApiCalls,
    ApiQuotaUse,
    CadenceDecisions,
    ServiceTargets,
)
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.stock_tables import ComparisonUnits, StockPositions
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import OrderCauses
from centra_whistl_dagster.ledger import cadence_decisions
from centra_whistl_dagster.ledger import export_measurements as export
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.api_calls import store_counts
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive

_OVERLAP = timedelta(minutes=10)
"""Load again from this long before the newest row: a row may have been committed late."""

_Export = Callable[[Transaction, datetime | None], export.Rows]

_FROM_THE_LEDGER: tuple[tuple[type[HistoryTable], str, _Export], ...] = (
    (OrderCauses, "greatest(linked_at, coalesce(freed_at, linked_at))", export.order_causes_since),
    (ApiCalls, "hour", export.api_calls_since),
    (ApiQuotaUse, "hour", export.api_quota_use_since),
    (CadenceDecisions, "last_at", export.cadence_decisions_since),
)
_FROM_THE_ARCHIVE: tuple[tuple[type[HistoryTable], str, str], ...] = (
    (StockPositions, "changed_at", archive.POSITIONS),
    (ComparisonUnits, "compared_at", archive.COMPARISON_UNITS),
)


def load_measurements(link: Link, history: History) -> list[Load]:
    """Load calls, decisions, causes and stock positions; then summarise what changed.

    Run it after orders and despatches are loaded.
    """
    store_counts(link.centra, link.whistl, link.ledger)
    with history.writing() as session:
        targets = link.configuration.service_targets.rows()
        loads = session.record(ServiceTargets, _frame(ServiceTargets, targets))
        is_measured_anew = loads[0].written > 0
        for model, newest, rows_since in _FROM_THE_LEDGER:
            since = _since(session.newest(model, newest))
            with link.ledger.reading() as tx:
                rows = rows_since(tx, since)
            loads += session.record(model, _frame(model, rows))
    for model, newest, kind in _FROM_THE_ARCHIVE:
        with history.writing() as session:
            for frame in _kept_since(link, kind, _since(session.newest(model, newest))):
                loads += session.record(model, frame)
    _summarise(link, history, is_measured_anew=is_measured_anew)
    with link.ledger.transaction() as tx:
        # In the history by now. A new history begins with what is kept, as with stock readings.
        cadence_decisions.forget(tx, before=tx.now - link.settings.keeps_archive_for)
    return loads


def _summarise(link: Link, history: History, *, is_measured_anew: bool) -> None:
    """Renew prices and the days that changed; every day once a target has changed."""
    with history.writing() as session:
        since = None if is_measured_anew else _since(session.summarised_at())
        with link.ledger.reading() as tx:
            prices = export.prices_since(tx, since)
        session.record_prices(pd.DataFrame(prices, columns=list(export.PRICE_COLUMNS)))
        session.summarise(since)


def _since(newest: datetime | None) -> datetime | None:
    return newest - _OVERLAP if newest else None


def _kept_since(link: Link, kind: str, since: datetime | None) -> Iterator[pd.DataFrame]:
    folder = link.settings.archive_path
    for path in archive.kept_since(folder, kind, since):
        at = datetime.strptime(path.stem.rpartition("--")[2], archive.STAMP).replace(tzinfo=UTC)
        if since is None or at >= since:
            yield archive.fetch(folder, str(path))


def _frame(model: type[HistoryTable], rows: export.Rows) -> pd.DataFrame:
    """Return rows as a frame with all of the model's columns, also when there are none."""
    return pd.DataFrame(rows, columns=[column.name for column in columns_of(model)])
