"""The demo's figures of alerts: what the product says it sent, and what the teams received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.ledger import alerts, exception_news
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.simulator.truth.durations import Spread, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFigures:
    """The alerts of a running demo at one moment."""

    sent_by_owner: dict[str, int]
    """As the outbox has it."""
    waiting: int
    """In the outbox, and taken by no channel yet."""
    received_by_address: dict[str, int]
    seconds_to_alert: Spread
    """From when an order was placed to the first alert received that names it."""

    @property
    def sent(self) -> int:
        """Alerts that the product says it sent."""
        return sum(self.sent_by_owner.values())

    @property
    def received(self) -> int:
        """Alerts that reached a team."""
        return sum(self.received_by_address.values())

    def faults(self) -> list[str]:
        """Return, in words, what was lost: said to be sent and never received, or never sent."""
        missing = self.sent - self.received
        found = [f"{missing} alerts sent and not received"] if missing > 0 else []
        return found + ([f"{self.waiting} alerts never sent"] if self.waiting else [])

    def as_dict(self) -> dict[str, object]:
        """Return what `demo.json` holds."""
        return {
            "sent": self.sent,
            "by_owner": self.sent_by_owner,
            "waiting": self.waiting,
            "received": self.received,
            "received_by_address": self.received_by_address,
        }

    def in_words(self) -> Iterator[tuple[str, str]]:
        """Return lines for the scoreboard."""
        yield "Alerts received", str(self.received)
        by_owner = ", ".join(f"{owner} {count}" for owner, count in self.sent_by_owner.items())
        yield "  sent, by owner", by_owner or "-"
        yield "  waiting for a channel", str(self.waiting)


def read_alert_figures(tx: Transaction, inbox: Inbox) -> AlertFigures:
    """Gather the figures of this moment."""
    # The outbox first: what is received between the two readings must not seem lost.
    sent, waiting = alerts.counts_by_owner(tx), alerts.count_unsent(tx)
    placed = exception_news.ever_blocked(tx)
    alerted = inbox.first_named_at(placed)
    return AlertFigures(
        sent_by_owner=sent,
        waiting=waiting,
        received_by_address=inbox.counts_by_team(),
        seconds_to_alert=spread(
            (at - placed[number]).total_seconds() for number, at in alerted.items()
        ),
    )
