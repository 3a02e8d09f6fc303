"""Snapshots that the guards refused: what they would have done, and how a person lets one go.

Belongs here: listing, previewing, releasing. Does not belong here: the judgement
(`domain.stock.guards`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.stock.catalogue import Preview, preview
from centra_whistl_dagster.domain.stock.guards import RefusalReason
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.reconciliation import reconcile_with
from centra_whistl_dagster.workflows.stock.snapshot_exceptions import LATEST
from centra_whistl_dagster.workflows.stock.snapshots import reasons_of


class NotInQuarantine(Exception):
    """No refused snapshot that could be used has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One refused snapshot."""

    snapshot_id: str
    taken_at: datetime
    row_count: int
    reason: str


def quarantined(link: Link) -> list[Quarantined]:
    """Return the refused snapshots that are still kept, newest first."""
    with link.ledger.reading() as tx:
        return [
            Quarantined(
                snapshot_id=row.snapshot_id,
                taken_at=row.taken_at,
                row_count=row.row_count,
                reason=row.reason,
            )
            for row in stock_rows.refused(tx)
            if archive.is_kept(link.settings.archive_path, row.file)
        ]


def what_it_would_do(link: Link, snapshot_id: str) -> Preview:
    """Work out what using a refused snapshot would change in Centra; nothing is written.

    Raises:
        NotInQuarantine: there is no refused snapshot of that name, or it is no longer kept.
        NothingToReconcile: Centra's stock was never read.
    """
    with link.ledger.reading() as tx:
        row = _find(tx, link, snapshot_id)
    return preview(reconcile_with(link, row).catalogue)


def release(link: Link, snapshot_id: str) -> None:
    """Let a refused snapshot be used by the next pass, unless a newer good one has come since.

    Raises:
        NotInQuarantine: as `what_it_would_do`, and where its time is in the future: which of our
            orders it counts cannot be known, and it would pass for the newest for as long as that
            time has not come.
    """
    with link.ledger.transaction() as tx:
        row = _find(tx, link, snapshot_id)
        if RefusalReason.FROM_THE_FUTURE in reasons_of(row):
            raise NotInQuarantine(
                f"'{snapshot_id}' cannot be used: it says that it was taken at "
                f"{row.taken_at:%H:%M} UTC on {row.taken_at:%d %B}, which had not come when it was "
                "read. Ask Whistl to set their clock right; the next snapshot is judged anew."
            )
        stock_rows.release(tx, snapshot_id)
        exceptions.resolve(
            tx,
            SubjectType.SNAPSHOT,
            LATEST,
            kinds=[ExceptionKind.STOCK_SNAPSHOT_REFUSED],
            now=link.now(),
        )


def _find(tx: Transaction, link: Link, snapshot_id: str) -> Row:
    row = stock_rows.snapshot(tx, snapshot_id)
    if row is None or row.verdict != stock_rows.Verdict.REFUSED:
        raise NotInQuarantine(f"No refused snapshot is named '{snapshot_id}'.")
    if not archive.is_kept(link.settings.archive_path, row.file):
        days = link.settings.keeps_archive_for.days
        raise NotInQuarantine(f"'{snapshot_id}' is no longer kept: stock is kept for {days} days.")
    return row
