"""Let go of what has been kept long enough: contents of old orders, stock as it was read.

Belongs here: what goes when, and what must stay. Does not belong here: how it is removed
(`ledger.retention`, `workflows.stock.archive`).
"""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.history.errors import HistoryError
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.retention import forget_contents
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import levels_file
from centra_whistl_dagster.workflows.stock.last_sync import last_pass
from centra_whistl_dagster.workflows.stock.sales_velocity import counted_until

_FOR_NEXT_PASS = timedelta(days=2)
"""Long enough to look at what a pass of yesterday rested on."""


def forget_old_orders(link: Link) -> int:
    """Forget who ordered what, of orders that ended long enough ago; return how many.

    The ledger is the only place that holds personal data.
    """
    with link.ledger.transaction() as tx:
        return forget_contents(tx, ended_before=link.now() - link.settings.keeps_contents_for)


def thin_archive(link: Link) -> int:
    """Remove stock readings that are old and no longer needed; return how many files went.

    What the history is made from stays until analysts have it, however old it is.
    """
    settings, now = link.settings, link.now()
    folder, in_use = settings.archive_path, _files_in_use(link)
    removed = 0
    for kind in archive.FOR_NEXT_PASS:
        removed += archive.let_go(folder, kind, now - _FOR_NEXT_PASS, in_use)
    try:
        with open_published(settings.published_path) as reader:
            in_history_until = reader.data_as_of()
    except HistoryError:
        return removed
    if in_history_until is not None:
        before = min(now - settings.keeps_archive_for, in_history_until)
        for kind in archive.FOR_HISTORY:
            removed += archive.let_go(folder, kind, before, in_use)
    return removed


def _files_in_use(link: Link) -> set[str]:
    """Return the readings that the next pass begins with."""
    with link.ledger.reading() as tx:
        last, levels = last_pass(tx), levels_file(tx)
        demand = counted_until(tx)
        counted = stock_rows.accepted_at(tx, demand.until) if demand else None
        newest = stock_rows.latest_accepted(tx)
    return {
        *([last.file] if last else []),
        *([levels] if levels else []),
        *([demand.file] if demand else []),
        *(row.file for row in (counted, newest) if row is not None),
    }
