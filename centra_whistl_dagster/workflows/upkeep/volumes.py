"""Whether as many orders and despatches come as usual; the rules are in `domain.volume`."""

from __future__ import annotations

from datetime import datetime, timedelta

from centra_whistl_dagster.domain.volume import WEEKS_READ, Judgement, as_seconds, judge
from centra_whistl_dagster.ledger import arrivals
from centra_whistl_dagster.workflows.link import Link

_FIRST_READING = timedelta(days=1)
"""A new ledger first reads everything that is open, which is no measure of any hour."""


def volume_of_orders(link: Link) -> Judgement:
    """Judge the orders that were read from Centra, by when each was first read."""
    with link.ledger.reading() as tx:
        since = tx.now - timedelta(weeks=WEEKS_READ)
        return _judged(
            link, arrivals.of_orders(tx, since=since), arrivals.first_order_at(tx), tx.now
        )


def volume_of_despatches(link: Link) -> Judgement:
    """Judge the despatches that were read from Whistl, by when each was first read."""
    with link.ledger.reading() as tx:
        since = tx.now - timedelta(weeks=WEEKS_READ)
        return _judged(
            link, arrivals.of_despatches(tx, since=since), arrivals.first_despatch_at(tx), tx.now
        )


def _judged(
    link: Link, moments: list[datetime], first_at: datetime | None, now: datetime
) -> Judgement:
    known_since = now if first_at is None else first_at + _FIRST_READING
    policy = link.configuration.volume
    return judge(as_seconds(moments), known_since=known_since, now=now, policy=policy)
