"""The breaker of calls that create orders at Whistl, kept so that a restart does not close it."""

from __future__ import annotations

from pydantic import TypeAdapter

from centra_whistl_dagster.domain.orders.breaker import Breaker
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
