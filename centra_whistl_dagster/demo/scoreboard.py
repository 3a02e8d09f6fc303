"""The demo's scoreboard: figures of the simulators' truth, and the verdict on a run.

Belongs here: gathering figures, showing them, judging them. What only the product can know (orders
in doubt, exceptions) is read from its ledger and marked as such; no verdict depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from centra_whistl_dagster.demo.alert_figures import AlertFigures, look_at_alerts
from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.demo.stock_figures import StockLooks
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exceptions, orders
from centra_whistl_dagster.ledger.engine import Ledger

MUST_BE_ZERO = {
    "lost": "orders lost",
    "duplicated": "orders sent twice",
    "strangers": "orders at Whistl that Centra never had",
    "spoiled_but_sent": "bad orders sent",
    "shipments_wrong": "shipments completed wrongly",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoreboard:
    """One look at a running demo."""

    truth: dict[str, Any]
    in_doubt: int
    exceptions_open: dict[str, int]
    exceptions_ever: dict[str, int]
    alerts: AlertFigures
    looks: StockLooks
    published_at: datetime | None
    """When analysts were last given a copy of the history."""

    def faults(self) -> list[str]:
        """Return what must not have happened and did, in words."""
        found = [
            f"{self.truth['orders'][name]} {words}"
            for name, words in MUST_BE_ZERO.items()
            if self.truth["orders"][name]
        ]
        if resurrected := self.truth["stock"]["resurrected_units"]:
            found.append(f"{resurrected} units of sold stock brought back")
        return found + self.alerts.faults()

    def is_settled(self) -> bool:
        """Say whether all that can finish has: orders completed, stock in step, history out."""
        truth = self.truth
        stock = truth["stock"]
        return bool(
            truth["is_drained"]
            and truth["shipments"]["parcels"] == truth["shipments"]["parcels_completed"]
            and truth["orders"]["healthy_unsent"] == 0
            and stock["agreeing"] == stock["skus"]
            and self.alerts.waiting == 0
            and self.published_at is not None
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what `demo.json` holds."""
        counts = {
            name: self.truth["orders"][name]
            for name in (
                "confirmed",
                "submitted",
                "blocked",
                "cancelled",
                "despatched",
                "completed",
                "healthy_unsent",
                *MUST_BE_ZERO,
            )
        }
        stock = self.truth["stock"]
        return {
            "orders": counts | {"in_doubt": self.in_doubt},
            "latency_seconds": self.truth["latency_seconds"]
            | {"confirmed_to_alerted": self.alerts.seconds_to_alert},
            "stock": stock
            | {"unexplained": len(stock["unexplained"]), "looks": self.looks.as_dict()},
            "exceptions": {
                "opened": sum(self.exceptions_ever.values()),
                "resolved": sum(self.exceptions_ever.values()) - sum(self.exceptions_open.values()),
                "open": sum(self.exceptions_open.values()),
                "by_kind": self.exceptions_ever,
                "open_by_kind": self.exceptions_open,
            },
            "alerts": self.alerts.as_dict(),
            "history_published_at": self.published_at and self.published_at.isoformat(),
            "faults_fired": self.truth["faults"],
            "spoiled": self.truth["spoiled"],
            "calls": self.truth["calls"],
            "writes": self.truth["writes"],
            "verdict": self.faults() or "clean",
        }


def look(
    truth: dict[str, Any], ledger: Ledger, inbox: Inbox, looks: StockLooks, published: Path
) -> Scoreboard:
    """Gather the figures of this moment."""
    is_out = published.exists()
    changed_at = datetime.fromtimestamp(published.stat().st_mtime, UTC) if is_out else None
    with ledger.reading() as tx:
        return Scoreboard(
            truth=truth,
            in_doubt=orders.counts_by_state(tx)[OrderState.IN_DOUBT],
            exceptions_open=exceptions.counts_by_kind(tx, only_open=True),
            exceptions_ever=exceptions.counts_by_kind(tx),
            alerts=look_at_alerts(tx, inbox),
            looks=looks,
            published_at=changed_at,
        )


def draw(board: Scoreboard, *, heading: str, where: str) -> Group:
    """Return the scoreboard for the terminal."""
    figures = Table(box=None, show_header=False, padding=(0, 2))
    counted = board.truth["orders"]
    figures.add_row("Orders confirmed in Centra", str(counted["confirmed"]))
    figures.add_row("  accepted by Whistl", str(counted["submitted"]))
    figures.add_row("  despatched", str(counted["despatched"]))
    figures.add_row("  completed in Centra, with carrier and tracking", str(counted["completed"]))
    figures.add_row("  blocked, waiting for a correction", str(counted["blocked"]))
    figures.add_row("  cancelled", str(counted["cancelled"]))
    figures.add_row("  in doubt (answer lost, being looked up)", str(board.in_doubt))
    for name, words in MUST_BE_ZERO.items():
        figures.add_row(f"  {words}", _zero_is_good(counted[name]))
    for name, words in (
        ("confirmed_to_accepted", "Seconds from confirmed to accepted"),
        ("despatched_to_completed", "Seconds from despatched to completed"),
    ):
        figures.add_row(words, _spread(board.truth["latency_seconds"][name]))
    stock = board.truth["stock"]
    figures.add_row("SKUs whose stock agrees", f"{stock['agreeing']} of {stock['skus']}")
    figures.add_row("  units of sold stock brought back", _zero_is_good(stock["resurrected_units"]))
    for name, words in board.alerts.in_words():
        figures.add_row(name, words)
    figures.add_row("Seconds from confirmed to alerted", _spread(board.alerts.seconds_to_alert))
    out = f"{board.published_at:%H:%M:%S} UTC" if board.published_at else "not yet"
    figures.add_row("History given to analysts", out)
    blocked = Table(title="Exceptions", title_justify="left", box=None, padding=(0, 2))
    blocked.add_column("kind")
    blocked.add_column("open", justify="right")
    blocked.add_column("ever", justify="right")
    for kind, ever in board.exceptions_ever.items():
        blocked.add_row(kind, str(board.exceptions_open.get(kind, 0)), str(ever))
    return Group(
        Text(heading, style="bold"),
        figures,
        blocked,
        _stock_table(board.looks),
        Text(where, style="dim"),
    )


def _stock_table(looks: StockLooks) -> Table:
    table = Table(title="Stock looked at", title_justify="left", box=None, padding=(0, 2))
    table.add_column("SKU")
    table.add_column("times", justify="right")
    table.add_column("why")
    for each in looks.most:
        table.add_row(each.sku, str(each.times), each.why)
    if (more := looks.often - len(looks.most)) > 0:
        table.add_row(f"{more} more", "", "looked at more often than the rest, too")
    rest = "less often than those above" if looks.often else "all alike so far"
    table.add_row(f"{looks.others} others", str(looks.others_times), rest)
    return table


def _zero_is_good(count: int) -> Text:
    return Text(str(count), style="green" if count == 0 else "bold red")


def _spread(figures: dict[str, Any]) -> str:
    if not figures["n"]:
        return "-"
    return f"p50 {figures['p50']:.1f}   p95 {figures['p95']:.1f}   of {figures['n']}"
