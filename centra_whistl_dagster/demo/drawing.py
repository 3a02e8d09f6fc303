"""The demo's scoreboard as the terminal shows it."""

from __future__ import annotations

from rich.columns import Columns
from rich.console import Group
from rich.table import Table
from rich.text import Text

from centra_whistl_dagster.demo.bad_orders import bad_orders_table
from centra_whistl_dagster.demo.inbox import Received
from centra_whistl_dagster.demo.scoreboard import MUST_BE_ZERO, Scoreboard
from centra_whistl_dagster.demo.stock_figures import StockReads
from centra_whistl_dagster.simulator.truth.durations import Spread


def draw(board: Scoreboard, *, heading: str) -> Group:
    """Return the scoreboard for the terminal."""
    return Group(
        Text(heading, style="bold"),
        Columns([_figures_table(board), _exceptions_table(board)]),
        bad_orders_table(board.truth["bad_orders"]),
        _alerts_table(board.last_alerts),
        _stock_table(board.reads),
    )


def _figures_table(board: Scoreboard) -> Table:
    figures = Table(box=None, show_header=False, padding=(0, 2))
    counted = board.truth["orders"]
    figures.add_row("Orders confirmed in Centra", str(counted["confirmed"]))
    figures.add_row("  accepted by Whistl", str(counted["submitted"]))
    figures.add_row("  despatched", str(counted["despatched"]))
    figures.add_row("  completed in Centra, with carrier and tracking", str(counted["completed"]))
    figures.add_row("  blocked, waiting for a correction", str(counted["blocked"]))
    figures.add_row("  cancelled", str(counted["cancelled"]))
    figures.add_row("  in doubt (answer lost, being looked up)", str(board.in_doubt))
    figures.add_row("  late: good, and not accepted within 30 s so far", str(counted["late"]))
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
    out = f"{board.published.at:%H:%M:%S} UTC" if board.published else "not yet"
    figures.add_row("History given to analysts", out)
    return figures


def _alerts_table(last: tuple[Received, ...]) -> Table:
    table = Table(title="Last alerts received", title_justify="left", box=None, padding=(0, 2))
    for heading in ("UTC", "to", "alert"):
        table.add_column(heading, no_wrap=True)
    for alert in last:
        table.add_row(f"{alert.at:%H:%M:%S}", alert.to, Text(alert.title))
    return table


def _exceptions_table(board: Scoreboard) -> Table:
    table = Table(title="Exceptions", title_justify="left", box=None, padding=(0, 2))
    table.add_column("kind")
    table.add_column("open", justify="right")
    table.add_column("ever", justify="right")
    for kind, ever in board.exceptions_ever.items():
        table.add_row(kind, str(board.exceptions_open.get(kind, 0)), str(ever))
    return table


def _stock_table(reads: StockReads) -> Table:
    table = Table(title="Stock read", title_justify="left", box=None, padding=(0, 2))
    table.add_column("SKU")
    table.add_column("times", justify="right")
    table.add_column("why")
    for read in reads.most:
        table.add_row(read.sku, str(read.times), read.why)
    if (more := reads.often - len(reads.most)) > 0:
        table.add_row(f"{more} more", "", "also read more often than the rest")
    rest = "less often than those above" if reads.often else "all equally often so far"
    table.add_row(f"{reads.others} others", str(reads.others_times), rest)
    return table


def _zero_is_good(count: int) -> Text:
    return Text(str(count), style="green" if count == 0 else "bold red")


def _spread(figures: Spread) -> str:
    if not figures["n"]:
        return "-"
    return f"p50 {figures['p50']:.1f}   p95 {figures['p95']:.1f}   of {figures['n']}"
