"""Whether stock should be synced now, how much of it, and why.

Gathers what the decision rests on; the decision itself is `domain.stock.cadence`.
"""

from __future__ import annotations

from centra_whistl_dagster.domain.stock.cadence import (
    Allowance,
    Decision,
    Feed,
    allowance,
    decide,
)
from centra_whistl_dagster.domain.stock.policy import sale_begun
from centra_whistl_dagster.ledger import stock
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.snapshots import is_there_a_new_snapshot

_UNLIMITED = Allowance(requests=10**6, mutations=10**6)
"""For a Centra installation that states no limits."""


def decide_stock_sync(link: Link) -> Decision:
    """Decide by how fast stock moves, what Centra allows and what Whistl has published.

    Raises:
        IntegrationError: Whistl does not say what its newest snapshot is.
    """
    policy = link.configuration.stock
    with link.ledger.reading() as tx:
        now, last, used = tx.now, last_sync(tx), stock.latest_accepted(tx)
    last_full_at = last.full_at if last else None
    is_released = last is not None and used is not None and used.snapshot_id != last.snapshot_id
    return decide(
        now,
        last_full_at=last_full_at,
        rungs=last.rungs if last else (),
        unfinished=last.unfinished if last else 0,
        sale_begun=sale_begun(policy, last_full_at, now),
        feed=Feed(
            last_used_taken_at=used.taken_at if used else None,
            has_newer=is_there_a_new_snapshot(link) or is_released,
        ),
        allowed=allowed_for_stock(link),
        policy=policy.cadence,
    )


def allowed_for_stock(link: Link) -> Allowance:
    """Return what stock may take of Centra's quota now."""
    quota = link.centra.quota_left()
    return _UNLIMITED if quota is None else allowance(quota)
