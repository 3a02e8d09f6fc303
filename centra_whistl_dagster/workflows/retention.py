"""Remove the contents of old orders from the ledger, the only place that holds personal data."""

from __future__ import annotations

from centra_whistl_dagster.ledger.retention import forget_contents
from centra_whistl_dagster.workflows.link import Link


def forget_old_orders(link: Link) -> int:
    """Forget who ordered what, of orders that ended long enough ago; return how many."""
    with link.ledger.transaction() as tx:
        return forget_contents(tx, ended_before=link.now() - link.settings.keeps_contents_for)
