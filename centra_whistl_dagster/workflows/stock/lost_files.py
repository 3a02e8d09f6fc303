"""Archived stock that is lost: what can be read anew is read anew, and its owner hears of it.

Without this, a file deleted by hand or by a full disk would stop every sync, and the stock in
Centra would stay as it is for ever.
"""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions, state, stock
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import levels_file
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.sales_velocity import counted_until


def forget_lost_files(link: Link) -> list[str]:
    """Forget readings whose file is lost, so that the next sync begins anew; return the files.

    Whistl's and Centra's stock are read again. What the last sync found is worked out again by a
    full sync. The counts of demand are lost: until new ones are gathered, buffers are as assumed.
    """
    with link.ledger.reading() as tx:
        lost = {name: file for name, file in _files(tx).items() if not _is_kept(link, file)}
    if not lost:
        return []
    with link.ledger.transaction() as tx:
        for name in lost:
            if name != _SNAPSHOT:
                state.forget(tx, name)
        exceptions.open_or_refresh(tx, [_lost(name, file) for name, file in lost.items()])
    return sorted(lost.values())


_SNAPSHOT = "whistl/stock_snapshot"
"""Not forgotten: it is read from Whistl again under its own name, or replaced by a newer one."""


def _files(tx: Transaction) -> dict[str, str]:
    """Return the files that the next sync needs, by the ledger's name for what is in them."""
    used, last, demand = stock.latest_accepted(tx), last_sync(tx), counted_until(tx)
    files = {
        _SNAPSHOT: used.file if used else None,
        state.CENTRA_LEVELS: levels_file(tx),
        state.RECONCILED: last.file if last else None,
        state.SALES_VELOCITY: demand.file if demand else None,
    }
    return {name: file for name, file in files.items() if file}


def _is_kept(link: Link, file: str) -> bool:
    return archive.is_kept(link.settings.archive_path, file)


def _lost(name: str, file: str) -> Problem:
    return Problem(
        kind=ExceptionKind.STOCK_ARCHIVE_LOST,
        subject_type=SubjectType.SNAPSHOT,
        subject=name,
        field="file",
        value=file,
        message=(
            f"The archived file {file} ({name}) is gone from the state folder. The next stock sync "
            "begins without it."
        ),
    )
