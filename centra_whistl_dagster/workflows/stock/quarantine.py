"""Snapshots that the guards refused: listing them, previewing them, releasing one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.stock.catalogue import Preview, preview
from centra_whistl_dagster.domain.stock.guards import RefusalReason
from centra_whistl_dagster.domain.stock.snapshot_rows import SnapshotRows
from centra_whistl_dagster.ledger import exceptions, release_requests, stock
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.ledger.states import Verdict
from centra_whistl_dagster.workflows.link import Installation
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.reconciliation import reconcile_with
from centra_whistl_dagster.workflows.stock.snapshot_exceptions import (
    LATEST,
    update_exceptions_of_used,
)
from centra_whistl_dagster.workflows.stock.snapshots import kept_rows, reasons_of


class NotInQuarantine(Exception):
    """No refused snapshot that could be used has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One refused snapshot."""

    snapshot_id: str
    taken_at: datetime
    row_count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSku:
    """What Centra would hold of a SKU."""

    sku: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldDo:
    """What using a refused snapshot would change in Centra."""

    reason: str
    """Why it was refused."""
    preview: Preview
    largest: tuple[ChangedSku, ...]
    """The SKUs that would change most, by units."""


_LARGEST = 10


def quarantined(link: Installation) -> list[Quarantined]:
    """Return the refused snapshots that are still kept, newest first."""
    with link.ledger.reading() as tx:
        return [
            Quarantined(
                snapshot_id=row.snapshot_id,
                taken_at=row.taken_at,
                row_count=row.row_count,
                reason=row.reason,
            )
            for row in stock.refused(tx)
            if archive.is_kept(link.settings.archive_path, row.file)
        ]


def what_it_would_do(link: Installation, snapshot_id: str) -> WouldDo:
    """Work out what using a refused snapshot would change in Centra; nothing is written.

    Raises:
        NotInQuarantine: there is no refused snapshot of that name, or it is no longer kept.
        NothingToReconcile: Centra's stock was never read.
    """
    with link.ledger.reading() as tx:
        row = _find(tx, link, snapshot_id)
    reconciliation = reconcile_with(link, row)
    catalogue = reconciliation.catalogue
    steps, where = catalogue.steps, catalogue.to_write
    most_first = where[np.argsort(-np.abs(steps.change[where]), kind="stable")]
    return WouldDo(
        reason=row.reason,
        preview=preview(catalogue),
        largest=tuple(
            ChangedSku(
                sku=reconciliation.skus[at],
                before=int(steps.centra.physical[at]),
                after=int(steps.physical[at]),
            )
            for at in most_first[:_LARGEST].tolist()
        ),
    )


def release(link: Installation, snapshot_id: str) -> None:
    """Let a refused snapshot be used by the next sync, unless a newer good one has come since.

    It is then what later ones are compared with, however old it is by now: one release is enough.

    Raises:
        NotInQuarantine: as `what_it_would_do`, and where its time is in the future: which of our
            orders it counts cannot be known, and until that time it would count as the newest.
            Also where it shows no stock of any SKU: that is a broken feed, and once it is the last
            good one, no later feed could be compared with anything.
    """
    with link.ledger.transaction() as tx:
        release_in(tx, link, snapshot_id)


def release_in(tx: Transaction, link: Installation, snapshot_id: str) -> None:
    """Release a snapshot in a transaction that does more; otherwise as `release`."""
    row, rows = usable(tx, link, snapshot_id)
    used = stock.latest_accepted(tx)
    stock.release(tx, snapshot_id)
    release_requests.end(tx, snapshot_id)
    if not stock.refused_since(tx, row.taken_at):  # a newer one may wait for its own release
        kinds = [ExceptionKind.STOCK_SNAPSHOT_REFUSED]
        exceptions.resolve(tx, SubjectType.SNAPSHOT, LATEST, kinds)
    if used is None or used.taken_at < row.taken_at:
        _note_what_it_lacks(tx, link, row, rows, used)


def usable(
    tx: Transaction, link: Installation, snapshot_id: str
) -> tuple[SnapshotRow, SnapshotRows]:
    """Return a refused snapshot that may be released.

    Raises:
        NotInQuarantine: as `release` does.
    """
    row = _find(tx, link, snapshot_id)
    if RefusalReason.FROM_THE_FUTURE in reasons_of(row):
        raise NotInQuarantine(
            f"'{snapshot_id}' cannot be used: it says that it was taken at "
            f"{row.taken_at:%H:%M} UTC on {row.taken_at:%d %B}, which was in the future when "
            "it was read. Ask Whistl to correct their clock; the next snapshot is judged anew."
        )
    rows = kept_rows(link, row)
    if not (np.asarray(rows.stock.available) > 0).any():
        raise NotInQuarantine(
            f"'{snapshot_id}' cannot be used: it shows no stock of any SKU. Ask Whistl for a "
            "correct feed. If the warehouse really has nothing to sell, take the products off "
            "sale in Centra."
        )
    return row, rows


def _note_what_it_lacks(
    tx: Transaction,
    link: Installation,
    row: SnapshotRow,
    rows: SnapshotRows,
    used: SnapshotRow | None,
) -> None:
    """Treat a released snapshot's SKUs, and those it lacks, as of one that the guards let through.

    Later snapshots are compared with it: nothing else would ever report what it lacks.
    """
    before: set[str] = set()
    if used is not None and archive.is_kept(link.settings.archive_path, used.file):
        before = set(kept_rows(link, used).skus)
    lacked_rows = {RefusalReason.NOT_COMPLETE, RefusalReason.ROWS_MISSING} & reasons_of(row)
    # The names in rows that could not be used are not kept.
    is_whole = not lacked_rows and row.row_count == len(rows.skus)
    update_exceptions_of_used(tx, row.taken_at, rows, before - set(rows.skus), is_whole=is_whole)


def _find(tx: Transaction, link: Installation, snapshot_id: str) -> SnapshotRow:
    row = stock.snapshot(tx, snapshot_id)
    if row is None or row.verdict is not Verdict.REFUSED:
        raise NotInQuarantine(f"No refused snapshot is named '{snapshot_id}'.")
    if not archive.is_kept(link.settings.archive_path, row.file):
        days = link.settings.keeps_archive_for.days
        raise NotInQuarantine(f"'{snapshot_id}' is no longer kept: stock is kept for {days} days.")
    return row
