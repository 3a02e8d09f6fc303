"""Load into the history what was recorded about the connection itself, and renew the summaries.

Each table has its own watermark, as in `history`. The summaries need none: whatever changes an
order or a parcel notes its day in the same transaction, and the day waits until it is worked out.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from centra_whistl_dagster.history.columns import HistoryTable
from centra_whistl_dagster.history.measurement_tables import (
    ApiCalls,
    ApiQuotaUse,
    CadenceDecisions,
    ServiceTargets,
)
from centra_whistl_dagster.history.publish import days_beside
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.summary_tables import SkuPrices
from centra_whistl_dagster.history.tables import OrderCauses
from centra_whistl_dagster.ledger import cadence_decisions
from centra_whistl_dagster.ledger import export_measurements as export
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.api_calls import store_counts
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.upkeep.history import (
    Export,
    Offered,
    frame_of,
    load_table,
    with_overlap,
)


def load_measurements(link: Link, history: History) -> list[Load]:
    """Load calls, decisions and causes; then summarise what changed.

    Run it after orders and despatches are loaded.
    """
    store_counts(link.centra, link.whistl, link.ledger)
    with history.opened():
        loads = [*_load_targets(link, history), *_restore_decisions(link, history)]
        for model, rows in FROM_THE_LEDGER:
            loads += load_table(link, history, model, rows)
        _load_prices(link, history)
        with history.writing() as session:
            loads.append(session.summarise())
    _forget_decisions(link)
    return loads


def prices_of(tx: Transaction, since: datetime | None) -> pd.DataFrame:
    """Read the prices of the lines of orders that are under way, or ended since."""
    return pd.DataFrame(export.prices_since(tx, since), columns=list(export.PRICE_COLUMNS))


def _order_causes(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    return Offered(rows=frame_of(OrderCauses, export.order_causes_since(tx, since, until)))


def _api_calls(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    return Offered(rows=frame_of(ApiCalls, export.api_calls_since(tx, since, until)))


def _api_quota_use(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    return Offered(rows=frame_of(ApiQuotaUse, export.api_quota_use_since(tx, since, until)))


def _decisions(tx: Transaction, since: datetime | None, until: datetime | None) -> Offered:
    return Offered(
        rows=frame_of(CadenceDecisions, export.cadence_decisions_since(tx, since, until))
    )


FROM_THE_LEDGER: tuple[tuple[type[HistoryTable], Export], ...] = (
    (OrderCauses, _order_causes),
    (ApiCalls, _api_calls),
    (ApiQuotaUse, _api_quota_use),
    (CadenceDecisions, _decisions),
)


def _load_targets(link: Link, history: History) -> list[Load]:
    targets = frame_of(ServiceTargets, link.configuration.service_targets.rows())
    with history.writing() as session:
        loads = session.record(ServiceTargets, targets)
        if loads[0].written:
            session.note_every_day()
    return loads


def _restore_decisions(link: Link, history: History) -> list[Load]:
    """Fill a new history with the decisions that the ledger keeps no longer."""
    days = days_beside(link.settings.published_path)
    until = days.complete_until()
    with history.writing() as session:
        if until is None or session.watermark(CadenceDecisions) is not None:
            return []
        first = (link.now() - link.settings.keeps_history_for).date()
        files = days.rows_since(CadenceDecisions, first)
        session.note_complete(CadenceDecisions, until)
        return [session.restore(CadenceDecisions, files, until)] if files else []


def _load_prices(link: Link, history: History) -> None:
    with history.reading() as reader:
        since = with_overlap(reader.watermark(SkuPrices))
    with link.ledger.reading() as tx:
        complete_until, prices = tx.now, prices_of(tx, since)
    with history.writing() as session:
        session.record_prices(prices)
        session.note_complete(SkuPrices, complete_until)


def _forget_decisions(link: Link) -> None:
    """Forget old decisions that are in the files of days, from which a new history has them."""
    settings = link.settings
    written = days_beside(settings.published_path).complete_until()
    if written is not None:
        with link.ledger.transaction() as tx:
            cadence_decisions.forget(tx, before=min(written, tx.now - settings.keeps_archive_for))
