"""For how long the shop sells on one snapshot: how often Whistl publishes, how late we write."""

from __future__ import annotations

from datetime import datetime

from pydantic import TypeAdapter

from centra_whistl_dagster.domain.stock.exposure import HEADS_KEPT, Exposure, measured_exposure
from centra_whistl_dagster.ledger import state, stock
from centra_whistl_dagster.ledger.engine import Transaction

_STORED = TypeAdapter(list[datetime])


def note_published(tx: Transaction, taken_at: datetime) -> None:
    """Note when Whistl's newest snapshot was taken, whether or not it is read.

    Snapshots that are read tell nothing of how often there are others: they come as often as stock
    is synced.
    """
    known = _published(tx)
    if taken_at not in known:
        heads = sorted([*known, taken_at])[-HEADS_KEPT:]
        state.set_to(tx, state.WHISTL_HEADS, _STORED.dump_json(heads).decode())


def is_noted(tx: Transaction, taken_at: datetime) -> bool:
    """Say whether the snapshot of that moment was noted."""
    return taken_at in _published(tx)


def exposure_now(tx: Transaction) -> Exposure:
    """Return the exposure as measured lately, or as assumed until it was."""
    return measured_exposure(_published(tx), stock.seconds_to_write(tx))


def _published(tx: Transaction) -> list[datetime]:
    stored = state.read(tx, state.WHISTL_HEADS)
    return [] if stored is None else _STORED.validate_json(stored)
