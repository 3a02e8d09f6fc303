"""The demo's figures of alerts: what the product says it sent, and what the teams received.

Belongs here: both counts, and how long after an order was confirmed its alert came. Does not belong
here: receiving (`inbox`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.ledger import alerts, exception_news
from centra_whistl_dagster.ledger.engine import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFigures:
    """One look at the alerts of a running demo."""

    sent_by_owner: dict[str, int]
    """As the outbox has it."""
    waiting: int
    """Written, and taken by no channel yet."""
    received_by_address: dict[str, int]
    seconds_to_alert: dict[str, Any]
    """From an order's confirmation to the first alert received that names it."""

    def faults(self) -> list[str]:
        """Return, in words, what was lost: said to be sent and never received, or never sent."""
        missing = sum(self.sent_by_owner.values()) - sum(self.received_by_address.values())
        found = [f"{missing} alerts sent and not received"] if missing > 0 else []
        return found + ([f"{self.waiting} alerts never sent"] if self.waiting else [])

    def as_dict(self) -> dict[str, Any]:
        """Return what `demo.json` holds."""
        return {
            "sent": sum(self.sent_by_owner.values()),
            "by_owner": self.sent_by_owner,
            "waiting": self.waiting,
            "received": sum(self.received_by_address.values()),
            "received_by_address": self.received_by_address,
        }

    def in_words(self) -> Iterator[tuple[str, str]]:
        """Return lines for the scoreboard."""
        yield "Alerts received", str(sum(self.received_by_address.values()))
        by_owner = ", ".join(f"{owner} {count}" for owner, count in self.sent_by_owner.items())
        yield "  sent, by owner", by_owner or "-"
        yield "  waiting for a channel", str(self.waiting)


def look_at_alerts(tx: Transaction, inbox: Inbox) -> AlertFigures:
    """Gather the figures of this moment."""
    # The outbox first: what is taken between the two readings must not look lost.
    sent, waiting = alerts.counts_by_owner(tx), alerts.count_unsent(tx)
    placed = exception_news.ever_blocked(tx)
    named = inbox.first_named_at(placed)
    seconds = [(at - placed[number]).total_seconds() for number, at in named.items()]
    return AlertFigures(
        sent_by_owner=sent,
        waiting=waiting,
        received_by_address=inbox.counts_by_team(),
        seconds_to_alert=_spread(seconds),
    )


def _spread(seconds: list[float]) -> dict[str, Any]:
    """Return the 50th and 95th percentile (nearest rank), the largest and the number."""
    if not seconds:
        return {"p50": None, "p95": None, "max": None, "n": 0}
    ordered = sorted(seconds)
    ranked = {
        name: round(ordered[math.ceil(len(ordered) * rank) - 1], 3)
        for name, rank in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))
    }
    return {**ranked, "n": len(ordered)}
