"""What the people who run the business look at: open exceptions, service levels, the daily brief.

Belongs here: gathering the figures and the wording of the brief. Does not belong here: how they are
shown (`defs`) or sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger import service_levels as levels
from centra_whistl_dagster.workflows.exceptions.register import list_exceptions
from centra_whistl_dagster.workflows.link import Link

LOOKED_BACK = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevels:
    """How long orders took, in seconds, and where they stand."""

    since: datetime
    seen_to_accepted: levels.Spread
    """From first read to accepted by Whistl, blocked time included."""
    despatched_to_completed: levels.Spread
    by_state: dict[OrderState, int]


def open_exceptions(link: Link) -> list[dict[str, Any]]:
    """Return the open exceptions, the most overdue first, in the columns people read."""
    return [
        {
            "owner": each.owner,
            "kind": each.kind,
            "about": each.about,
            "what is wrong": each.message,
            "orders": len(each.stake.order_numbers),
            "worth": each.stake.value_in_words,
            "since": f"{each.opened_at:%d %b %H:%M} UTC",
            "overdue": "yes" if each.is_overdue else "no",
        }
        for each in list_exceptions(link)
    ]


def service_levels(link: Link) -> ServiceLevels:
    """Measure the last day."""
    since = link.now() - LOOKED_BACK
    with link.ledger.reading() as tx:
        return ServiceLevels(
            since=since,
            seen_to_accepted=levels.seen_to_accepted(tx, since),
            despatched_to_completed=levels.despatched_to_completed(tx, since),
            by_state=orders.counts_by_state(tx),
        )


def daily_brief(link: Link) -> str:
    """Write the brief for the start of the day, in Markdown."""
    measured = service_levels(link)
    listed = open_exceptions(link)
    by_owner = Counter(each["owner"] for each in listed)
    overdue = sum(each["overdue"] == "yes" for each in listed)
    states = measured.by_state
    accepted, completed = measured.seen_to_accepted, measured.despatched_to_completed
    waiting = (
        f"- {states[OrderState.BLOCKED]} orders are blocked, {states[OrderState.IN_DOUBT]} in "
        f"doubt, {states[OrderState.WAITING]} held in Centra."
    )
    moved = (
        f"- In the last 24 hours {accepted.count} orders were accepted by Whistl "
        f"({_told(accepted)}), and {completed.count} parcels were completed in Centra "
        f"({_told(completed)})."
    )
    open_now = f"- {len(listed)} exceptions are open, {overdue} of them overdue."
    lines = [f"# Brief of {link.now():%A %d %B %Y}", "", waiting, moved, open_now, ""]
    lines += [f"- {owner}: {count} to mend" for owner, count in sorted(by_owner.items())]
    return "\n".join(lines)


def _told(spread: levels.Spread) -> str:
    if spread.count == 0:
        return "none to measure"
    return f"half within {spread.p50:.0f} s, 95 of 100 within {spread.p95:.0f} s"
