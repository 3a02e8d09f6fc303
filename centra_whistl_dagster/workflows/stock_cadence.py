"""Whether stock should be passed over now, and why.

Belongs here: gathering what the decision rests on. Does not belong here: the decision
(`domain.cadence`).
"""

from __future__ import annotations

import json

from centra_whistl_dagster.domain.cadence import Decision, Feed, Need, Quota, decide
from centra_whistl_dagster.ledger import cursors
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.workflows.link import Link

_BOUNDLESS = Quota(
    requests_limit=10**6, requests_left=10**6, mutations_limit=10**6, mutations_left=10**6
)
"""For a Centra without limits, such as one of one's own."""


def decide_stock_pass(link: Link) -> Decision:
    """Decide by how fast stock moves, what Centra allows and what Whistl has published.

    Raises:
        IntegrationError: Whistl does not say what its newest snapshot is.
    """
    policy = link.configuration.stock.cadence
    with link.ledger.reading() as tx:
        last_pass_at = cursors.moved_at(tx, cursors.RECONCILED)
        kept = cursors.read(tx, cursors.RECONCILED)
        used = stock_rows.latest_accepted(tx)
    longest = policy.ladder_minutes[-1]
    need = Need(**json.loads(kept)["need"]) if kept else Need(minutes=longest, skus=0)
    return decide(
        link.now(),
        last_full_at=last_pass_at,
        last_pass_at=last_pass_at,
        need=need,
        feed=Feed(
            last_used_taken_at=used.taken_at if used else None,
            latest_taken_at=link.whistl.latest_snapshot().taken_at,
        ),
        quotas=link.centra.quota_left() or [_BOUNDLESS],
        policy=policy,
    )
