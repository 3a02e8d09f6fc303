"""How long orders took over the last day, and how many are in each state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.service_levels import (
    Spread,
    despatched_to_completed,
    seen_to_accepted,
)
from centra_whistl_dagster.workflows.link import Link

_PERIOD = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevels:
    """How long orders took, in seconds, and how many are in each state."""

    since: datetime
    seen_to_accepted: Spread
    """From first read to accepted by Whistl, blocked time included."""
    despatched_to_completed: Spread
    by_state: dict[OrderState, int]


def service_levels(link: Link) -> ServiceLevels:
    """Measure the last day."""
    with link.ledger.reading() as tx:
        since = tx.now - _PERIOD
        return ServiceLevels(
            since=since,
            seen_to_accepted=seen_to_accepted(tx, since),
            despatched_to_completed=despatched_to_completed(tx, since),
            by_state=orders.counts_by_state(tx),
        )
