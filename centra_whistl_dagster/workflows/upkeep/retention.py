"""Delete what has been kept long enough: contents of old orders, stock as it was read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from centra_whistl_dagster.history.days import DAY_OF
from centra_whistl_dagster.history.keeping import kept_for
from centra_whistl_dagster.history.publish import days_beside, open_published
from centra_whistl_dagster.ledger import stock
from centra_whistl_dagster.ledger.erasure import blank_message, blank_tracking
from centra_whistl_dagster.ledger.retention import (
    forget_contents,
    forget_texts,
    messages_with_tracking,
    orders_with_tracking,
)
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import levels_file
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.sales_velocity import counted_until
from centra_whistl_dagster.workflows.upkeep.history import open_history

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_FOR_NEXT_SYNC = timedelta(days=2)
"""Long enough to check what a sync of yesterday was based on."""


def forget_old_orders(link: Link) -> int:
    """Delete who ordered what, of orders that ended long enough ago; return how many.

    The ledger is the only place that holds personal data.
    """
    with link.ledger.transaction() as tx:
        forgotten = forget_contents(tx, ended_before=tx.now - link.settings.keeps_contents_for)
    # Where another process still reads the log, it is emptied tomorrow.
    link.ledger.empty_log()
    return forgotten


def forget_old_tracking(link: Link) -> int:
    """Delete the tracking numbers of orders that ended long enough ago; return how many orders.

    Those in messages of the same age that are about no order of ours go too, and texts of that age:
    they may name parcels or people.
    """
    with link.ledger.transaction() as tx:
        ended_before = tx.now - link.settings.keeps_tracking_for
        rows = orders_with_tracking(tx, ended_before=ended_before)
        for row in rows:
            blank_tracking(tx, row)
        for message in messages_with_tracking(tx, ended_before=ended_before):
            blank_message(tx, message)
        forget_texts(tx, before=ended_before)
    return len(rows)


def thin_archive(link: Link) -> int:
    """Remove stock readings that are old and no longer needed; return how many files went.

    Readings that the history is loaded from stay until analysts have them, however old they are.

    Raises:
        HistoryUnreadable: what analysts have cannot be opened; those readings stay.
    """
    settings, now = link.settings, link.now()
    folder, in_use = settings.archive_path, _files_in_use(link)
    removed = 0
    for kind in archive.FOR_NEXT_SYNC:
        removed += archive.remove(folder, kind, now - _FOR_NEXT_SYNC, in_use)
    if not settings.published_path.exists():
        return removed
    with open_published(settings.published_path) as reader:
        loaded = {kind: reader.files_loaded(kind) for kind in archive.FOR_HISTORY}
    before = now - settings.keeps_archive_for
    for kind, files in loaded.items():
        waiting = {str(path) for path in archive.kept_since(folder, kind, None)} - files
        removed += archive.remove(folder, kind, before, in_use | waiting)
    return removed


def thin_history(link: Link) -> int:
    """Remove rows of the history that are past their time; return how many.

    Of tables whose days are written as files beside the published copy, only days that are.
    """
    settings, now = link.settings, link.now()
    until = days_beside(settings.published_path).complete_until()
    if until is None:
        return 0
    policy = kept_for(settings.keeps_history_for.days, settings.keeps_archive_for.days)
    removed = 0
    with open_history(link).writing() as session:
        for model, (column, age) in policy.items():
            before = now - age
            if model in DAY_OF:
                midnight = datetime(before.year, before.month, before.day, tzinfo=UTC)
                before = min(midnight, until)
            removed += session.remove_period(model, column, _BEFORE_ALL, before)
    return removed


def _files_in_use(link: Link) -> set[str]:
    """Return the readings that the next sync begins with."""
    with link.ledger.reading() as tx:
        last, demand = last_sync(tx), counted_until(tx)
        counted = stock.accepted_at(tx, demand.until) if demand else None
        records = (last, demand, counted, stock.latest_accepted(tx))
        files = {record.file for record in records if record is not None}
        levels = levels_file(tx)
    return files if levels is None else files | {levels}
