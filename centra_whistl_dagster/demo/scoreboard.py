"""The demo's scoreboard: figures of the simulators' truth, and the verdict on a run.

Whether an order was lost, sent twice or completed wrongly, the simulators' own records say alone.
The product's files are asked for four things: the buffer of each SKU, counted up to the cap in the
policy; which orders it has blocked, so that customer service corrects them; how many alerts its
outbox has sent and still holds, compared with those received; and the published history. What is
shown of orders in doubt and exceptions has no part in the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.demo.alert_figures import AlertFigures, read_alert_figures
from centra_whistl_dagster.demo.inbox import Inbox, Received
from centra_whistl_dagster.demo.published import Published
from centra_whistl_dagster.demo.stock_figures import StockReads
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exception_news, exceptions, orders
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.simulator.truth.scoreboard import Truth

LAST_ALERTS = 3

MUST_BE_ZERO = {
    "duplicated": "orders sent twice",
    "strangers": "orders at Whistl that Centra never had",
    "spoiled_but_sent": "bad orders sent",
    "shipments_wrong": "shipments completed wrongly",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoreboard:
    """A running demo at one moment."""

    truth: Truth
    in_doubt: int
    exceptions_open: dict[str, int]
    exceptions_ever: dict[str, int]
    ever_blocked: frozenset[int]
    """Numbers of the orders that the product has kept back at some time."""
    alerts: AlertFigures
    last_alerts: tuple[Received, ...]
    reads: StockReads
    published: Published | None
    """The copy of the history that analysts have; None before the first."""

    def faults(self) -> list[str]:
        """Return, in words, what must not have happened and did, once the run is over."""
        found = [
            f"{self.truth['orders'][name]} {words}"
            for name, words in MUST_BE_ZERO.items()
            if self.truth["orders"][name]
        ]
        if resurrected := self.truth["stock"]["resurrected_units"]:
            found.append(f"{resurrected} units of sold stock brought back")
        return found + self.alerts.faults() + self.unfinished()

    def unfinished(self) -> list[str]:
        """Return, in words, what the run has still to show. At its end, each is a fault."""
        orders, stock, parcels = self.truth["orders"], self.truth["stock"], self.truth["shipments"]
        left = parcels["parcels"] - parcels["parcels_completed"]
        differing = stock["skus"] - stock["agreeing"]
        has_history = self.published is not None and self.published.orders > 0
        conditions = (
            (orders["confirmed"] > 0, "no order confirmed"),
            (not orders["healthy_unsent"], f"{orders['healthy_unsent']} orders lost"),
            (not self.truth["unreported"], f"{self.truth['unreported']} bad orders never reported"),
            (self.truth["is_drained"], "orders under way in the warehouse or being corrected"),
            (left <= 0, f"{left} parcels not completed in Centra"),
            (not differing, f"{differing} SKUs whose stock disagrees"),
            (not orders["blocked"] or self.alerts.sent, "orders blocked, and no alert sent"),
            (not self.alerts.waiting, f"{self.alerts.waiting} alerts waiting for a channel"),
            (has_history, "no history with orders published"),
        )
        return [words for is_shown, words in conditions if not is_shown]

    def as_dict(self) -> dict[str, object]:
        """Return what `demo.json` holds."""
        orders = self.truth["orders"]
        counts = {
            name: orders[name]
            for name in (
                "confirmed",
                "submitted",
                "blocked",
                "cancelled",
                "despatched",
                "completed",
                *MUST_BE_ZERO,
            )
        }
        stock = self.truth["stock"]
        return {
            "orders": counts | {"lost": orders["healthy_unsent"], "in_doubt": self.in_doubt},
            "latency_seconds": self.truth["latency_seconds"]
            | {"confirmed_to_alerted": self.alerts.seconds_to_alert},
            "stock": {
                **stock,
                "unexplained": len(stock["unexplained"]),
                "reads": self.reads.as_dict(),
            },
            "exceptions": {
                "opened": sum(self.exceptions_ever.values()),
                "resolved": sum(self.exceptions_ever.values()) - sum(self.exceptions_open.values()),
                "open": sum(self.exceptions_open.values()),
                "by_kind": self.exceptions_ever,
                "open_by_kind": self.exceptions_open,
            },
            "alerts": self.alerts.as_dict(),
            "history_published_at": self.published and self.published.at.isoformat(),
            "faults_fired": self.truth["faults"],
            "spoiled": self.truth["spoiled"],
            "calls": self.truth["calls"],
            "writes": self.truth["writes"],
            "verdict": self.faults() or "clean",
        }


def read_scoreboard(
    truth: Truth, ledger: Ledger, inbox: Inbox, reads: StockReads, published: Published | None
) -> Scoreboard:
    """Gather the figures of this moment."""
    with ledger.reading() as tx:
        return Scoreboard(
            truth=truth,
            in_doubt=orders.counts_by_state(tx)[OrderState.IN_DOUBT],
            exceptions_open=exceptions.counts_by_kind(tx, only_open=True),
            exceptions_ever=exceptions.counts_by_kind(tx),
            ever_blocked=frozenset(exception_news.ever_blocked(tx)),
            alerts=read_alert_figures(tx, inbox),
            last_alerts=tuple(inbox.received[-LAST_ALERTS:]),
            reads=reads,
            published=published,
        )
