"""Decide on a stock sync and record the decision, so that analysts see why stock was synced."""

from __future__ import annotations

from centra_whistl_dagster.domain.stock.cadence import Decision
from centra_whistl_dagster.ledger import cadence_decisions
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock.cadence import decide_stock_sync


def decide_and_record(link: Link) -> Decision:
    """Decide as `decide_stock_sync` does, and record the decision with what Centra still allows.

    Raises:
        IntegrationError: Whistl does not say what its newest snapshot is; nothing is recorded.
    """
    decision = decide_stock_sync(link)
    quota = link.centra.quota_left()
    with link.ledger.transaction() as tx:
        cadence_decisions.record(tx, decision, quota)
    return decision
