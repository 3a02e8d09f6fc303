"""What the people who run the business read: service levels and the daily brief."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.service_levels import (
    Spread,
    despatched_to_completed,
    seen_to_accepted,
)
from centra_whistl_dagster.workflows.exceptions.register import list_exceptions
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


def daily_brief(link: Link) -> str:
    """Write the brief for the start of the day, in Markdown."""
    measured, listed = service_levels(link), list_exceptions(link)
    states = measured.by_state
    accepted, completed = measured.seen_to_accepted, measured.despatched_to_completed
    by_owner = Counter(exception.owner for exception in listed)
    overdue = sum(exception.is_overdue for exception in listed)
    waiting = (
        f"- {states[OrderState.BLOCKED]} orders are blocked, {states[OrderState.IN_DOUBT]} in "
        f"doubt, {states[OrderState.WAITING]} held in Centra."
    )
    moved = (
        f"- In the last 24 hours {accepted.count} orders were accepted by Whistl "
        f"({_in_words(accepted)}), and {completed.count} parcels were completed in Centra "
        f"({_in_words(completed)})."
    )
    lines = [
        f"# Brief of {link.now():%A %d %B %Y}",
        "",
        waiting,
        moved,
        f"- {len(listed)} exceptions are open, {overdue} of them overdue.",
        "",
        *(f"- {owner}: {count} to fix" for owner, count in sorted(by_owner.items())),
    ]
    return "\n".join(lines)


def _in_words(spread: Spread) -> str:
    if spread.count == 0:
        return "none to measure"
    return f"half within {spread.p50:.0f} s, 95 of 100 within {spread.p95:.0f} s"
