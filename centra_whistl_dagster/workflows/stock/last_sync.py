"""What the last pass over stock left for the next: when each interval was looked at, and the file.

Belongs here: keeping and reading that record. Does not belong here: what a pass does
(`workflows.stock.sync`), or what is decided by it (`workflows.stock.cadence`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from centra_whistl_dagster.domain.stock.cadence import Rung
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPass:
    """What is known since the last pass over stock, whether over every SKU or some."""

    file: str
    """In the archive: every SKU as it was when it was last passed over."""
    snapshot_id: str
    full_at: datetime
    """When every SKU was last passed over."""
    rungs: tuple[Rung, ...]
    """The SKUs that cannot wait for the next such pass."""
    unfinished: int
    """SKUs whose figure could not be written; they are on the shortest interval."""


def last_pass(tx: Transaction) -> LastPass | None:
    """Return the record of the last pass; None before there was one."""
    kept = state.read(tx, state.RECONCILED)
    if kept is None:
        return None
    told = json.loads(kept)
    rungs = tuple(
        Rung(**each | {"looked_at": datetime.fromisoformat(each["looked_at"])})
        for each in told["rungs"]
    )
    return LastPass(**told | {"full_at": datetime.fromisoformat(told["full_at"]), "rungs": rungs})


def keep_last_pass(tx: Transaction, last: LastPass, now: datetime) -> None:
    """Keep the record in place of the one before."""
    value = json.dumps(asdict(last), default=datetime.isoformat)
    state.set_to(tx, state.RECONCILED, value, now=now)
