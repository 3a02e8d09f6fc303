"""The breaker of calls that create orders at Whistl, kept so that a restart does not close it."""

from __future__ import annotations

from pydantic import TypeAdapter

from centra_whistl_dagster.domain.orders.breaker import Breaker, answer_lost, answered
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Transaction

_ADAPTER = TypeAdapter(Breaker)


def read(tx: Transaction) -> Breaker:
    """Return the breaker as it stands."""
    kept = state.read(tx, state.WHISTL_BREAKER)
    return _ADAPTER.validate_json(kept) if kept else Breaker()


def keep(tx: Transaction, breaker: Breaker) -> None:
    """Keep the breaker in place of what was kept before."""
    state.set_to(tx, state.WHISTL_BREAKER, _ADAPTER.dump_json(breaker).decode())


def note_answered(tx: Transaction) -> Breaker:
    """Note that Whistl took or refused an order; writes only where an answer had been lost."""
    before = read(tx)
    after = answered(before)
    if after != before:
        keep(tx, after)
    return after


def note_lost(tx: Transaction, centra_id: str) -> Breaker:
    """Note that the answer to an order was lost."""
    after = answer_lost(read(tx), centra_id, now=tx.now)
    keep(tx, after)
    return after
