"""What the last stock sync left for the next one, and the file with its figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from centra_whistl_dagster.domain.stock.cadence import Rung
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSync:
    """What is known since the last stock sync, full or partial."""

    file: str
    """In the archive: every SKU as it was at its last sync."""
    snapshot_id: str
    full_at: datetime
    """When the last full sync was."""
    rungs: tuple[Rung, ...]
    """The SKUs that cannot wait for the next full sync."""
    unfinished: int
    """SKUs whose figure could not be written; they are on the shortest interval."""
    unanswered_syncs: int = 0
    """How many in a row, of those that wrote, had a batch without a usable answer."""


_STORED = TypeAdapter(LastSync)


def last_sync(tx: Transaction) -> LastSync | None:
    """Return the record of the last sync; None before the first."""
    stored = state.read(tx, state.RECONCILED)
    return None if stored is None else _STORED.validate_json(stored)


def keep_last_sync(tx: Transaction, last: LastSync) -> None:
    """Keep the record in place of the one before."""
    state.set_to(tx, state.RECONCILED, _STORED.dump_json(last).decode())
