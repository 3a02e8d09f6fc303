"""Whether stock should be passed over now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from centra_whistl_dagster.ledger import cursors
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.workflows.link import Link

LONGEST = timedelta(minutes=15)
"""Pass over at least this often, so that completions and corrections reach Centra's figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockDecision:
    """What this tick does, and why."""

    is_due: bool
    reason: str


def decide_stock_pass(link: Link) -> StockDecision:
    """Pass over stock when Whistl has published something new, or the last pass is long ago.

    Raises:
        IntegrationError: Whistl does not say what its newest snapshot is.
    """
    with link.ledger.reading() as tx:
        last_pass_at = cursors.moved_at(tx, cursors.CENTRA_LEVELS)
        used = stock_rows.latest_accepted(tx)
    if last_pass_at is None or used is None:
        return StockDecision(is_due=True, reason="no pass has been made yet")
    head = link.whistl.latest_snapshot()
    if head.taken_at > used.taken_at:
        reason = f"Whistl has published stock of {head.taken_at:%H:%M:%S} UTC"
        return StockDecision(is_due=True, reason=reason)
    since = link.now() - last_pass_at
    if since >= LONGEST:
        minutes = round(since.total_seconds() / 60)
        return StockDecision(is_due=True, reason=f"the last pass was {minutes} minutes ago")
    return StockDecision(
        is_due=False, reason=f"Whistl has published nothing since {used.taken_at:%H:%M:%S} UTC"
    )
