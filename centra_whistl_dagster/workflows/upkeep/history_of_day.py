"""Load one day into the history again, from the ledger and the archived readings of stock.

For a day that somebody doubts, or whose rows were changed by hand. The days around it stay as they
are. A day is one of UTC, as in the archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from centra_whistl_dagster.history.columns import HistoryTable
from centra_whistl_dagster.history.days import NOT_IN_THE_LEDGER, DayFiles
from centra_whistl_dagster.history.errors import HistoryError
from centra_whistl_dagster.history.levels import CENTRA, WHISTL, Levels, Reading
from centra_whistl_dagster.history.publish import days_beside
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.stock_tables import (
    BufferChanges,
    ComparisonCauses,
    ComparisonUnits,
    Divergence,
    StockComparisons,
    StockPositions,
    StockSnapshots,
    StockUpdates,
)
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import Despatches, Exceptions, OrderEvents, Orders
from centra_whistl_dagster.ledger import stock_export
from centra_whistl_dagster.ledger.states import Verdict
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.upkeep import history as loaders
from centra_whistl_dagster.workflows.upkeep.history_archive import (
    centra_reading,
    files_of,
    whistl_reading,
)
from centra_whistl_dagster.workflows.upkeep.history_measurements import FROM_THE_LEDGER, prices_of

_OF_A_DAY = (OrderEvents, "moved_at"), (StockUpdates, "intended_at")
"""Of these, rows of the day that the ledger does not have are removed."""
_FROM_FILES = (
    (archive.DIVERGENCE, "compared_at", (StockComparisons, Divergence, ComparisonCauses)),
    (archive.COMPARISON_UNITS, "compared_at", (ComparisonUnits,)),
    (archive.BUFFER_CHANGES, "changed_at", (BufferChanges,)),
    (archive.POSITIONS, "changed_at", (StockPositions,)),
)


class DayNotKept(HistoryError):
    """Stock readings of the day have been removed, so its stock cannot be loaded again."""


def load_day(link: Link, history: History, day: date) -> list[Load]:
    """Load a day again: first orders, despatches and exceptions, then stock.

    Raises:
        DayNotKept: the history has the day no longer, and nothing was changed; or readings of stock
            are no longer in the archive, and the day's stock stays as it is, while the rest has
            been loaded again.
        SnapshotUnusable: a reading is damaged. That system's stock stays as it is.
    """
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    until = since + timedelta(days=1)
    folder = link.settings.archive_path
    stock = ((WHISTL, _snapshots(link, since)), (CENTRA, _levels(folder, f"{day}")))
    with history.reading() as reader:
        first_days = reader.first_days()
        gaps = [_gap(reader, levels, kept, since, until) for levels, kept in stock]
    days = days_beside(link.settings.published_path)
    _refuse_old_day(link, days, day, first_days)
    if any(gaps):
        first_days = {
            model: first for model, first in first_days.items() if model not in NOT_IN_THE_LEDGER
        }
    days.forget_since(day, first_days)
    loads = _load_from_ledger(link, history, since, until)
    if any(gaps):
        raise DayNotKept(
            f"{' '.join(filter(None, gaps))} The day's stock stays as it is; orders, despatches "
            "and exceptions have been loaded again. KEEP_ARCHIVE_DAYS says how long readings are "
            "kept."
        )
    for levels, kept in stock:
        readings = [(reading, path) for reading, path in kept if reading.taken_at < until]
        later = {reading.snapshot_id: path for reading, path in kept if path.exists()}
        with history.writing() as session:
            loads.append(session.replace_readings(levels, since, until, readings, later))
    for kind, column, models in _FROM_FILES:
        files = files_of(folder, kind, lambda name: name == f"{day}")
        with history.writing() as session:
            for model in models if files else ():
                session.remove_period(model, column, since, until)
            loads += [load for file in files for load in file.load(session)]
    return loads


def _load_from_ledger(link: Link, history: History, since: datetime, until: datetime) -> list[Load]:
    exports: Sequence[tuple[type[HistoryTable], loaders.Export]] = (
        (Orders, loaders.orders_with_lines),
        (OrderEvents, loaders.order_moves),
        (Despatches, loaders.despatches_with_parcels),
        (Exceptions, loaders.exceptions_seen),
        (StockUpdates, loaders.stock_writes),
        *FROM_THE_LEDGER,
    )
    with link.ledger.reading() as tx:
        prices = prices_of(tx, since)
        offered = [(model, export(tx, since, until)) for model, export in exports]
    with history.writing() as session:
        for model, column in _OF_A_DAY:
            session.remove_period(model, column, since, until)
        loads = [
            load for model, rows in offered for load in session.record(model, rows.rows, rows.parts)
        ]
        session.record_prices(prices)
        session.note_every_day()  # the summaries may be what was changed by hand
        return [*loads, session.summarise()]


def _snapshots(link: Link, since: datetime) -> list[tuple[Reading, Path]]:
    with link.ledger.reading() as tx:
        rows = stock_export.snapshots_taken(tx, since)
    folder = link.settings.archive_path
    return [
        (whistl_reading(row), folder / row.file) for row in rows if row.verdict is Verdict.ACCEPTED
    ]


def _levels(folder: Path, day: str) -> list[tuple[Reading, Path]]:
    files = files_of(folder, archive.CENTRA_STOCK, lambda name: name >= day)
    return [(centra_reading(Path(file.file)), folder / file.file) for file in files]


def _refuse_old_day(
    link: Link, days: DayFiles, day: date, first_days: Mapping[type[HistoryTable], date]
) -> None:
    """Refuse a day that retention has removed from the history: its files are its only copy."""
    kept_for = link.settings.keeps_history_for
    # The days kept may have been raised since: what was removed before does not come back.
    written = {file.stem for file in days.files_of(StockSnapshots)}
    is_removed = f"{day}" in written and day < first_days.get(StockSnapshots, date.max)
    if is_removed or day < (link.now() - kept_for).date():
        raise DayNotKept(
            f"The history keeps {kept_for.days} days of stock; what there was of "
            f"{day:%d %B %Y} is in the files of days alone, which stay as they are. "
            "Nothing was loaded. KEEP_HISTORY_DAYS says how long the history keeps stock."
        )


def _gap(
    reader: Reader,
    levels: Levels,
    kept: Sequence[tuple[Reading, Path]],
    since: datetime,
    until: datetime,
) -> str:
    """Say which readings of a day the history knows and the archive has no longer, if any."""
    known = reader.readings_kept(levels.system, since, until)
    missing = known - {reading.snapshot_id for reading, path in kept if path.exists()}
    if not missing:
        return ""
    return (
        f"{len(missing)} of {len(known)} readings of {levels.system}'s stock of {since:%d %B %Y} "
        f"are no longer in the archive, '{min(missing)}' for one."
    )
