"""The command replays what a published history holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from click.testing import CliRunner

from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.history.publish import publish
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import OrderLines, Orders
from centra_whistl_dagster_tests.backtest.test_backtest import busy_days
from centra_whistl_dagster_tests.history.conftest import ORDINARY

CANCELLED = "C0"


def test_a_published_history_is_replayed_like_the_same_lines_from_a_file(tmp_path: Path) -> None:
    lines = busy_days(2)
    lines["order_number"] = "C" + (1 + lines["order_number"]).astype(str)
    file = tmp_path / "orders.parquet"
    lines.to_parquet(file)

    published = replay(publish_lines(lines, tmp_path), tmp_path)

    assert published == replay(file, tmp_path)
    assert published[0]["syncs"] > 0


def test_an_order_that_was_cancelled_is_not_replayed(tmp_path: Path) -> None:
    lines = busy_days(2)
    lines["order_number"] = "C" + (1 + lines["order_number"]).astype(str)
    file = tmp_path / "orders.parquet"
    lines.to_parquet(file)
    cancelled = lines.iloc[[0]].assign(order_number=CANCELLED, quantity=5_000)

    published = replay(publish_lines(pd.concat([lines, cancelled]), tmp_path), tmp_path)

    assert published == replay(file, tmp_path)


def test_a_history_that_was_never_published_is_refused_by_name(tmp_path: Path) -> None:
    missing = tmp_path / "history.duckdb"

    ended = CliRunner().invoke(commands, ["backtest", str(missing)])

    assert ended.exit_code != 0
    assert "history.duckdb" in ended.output


def publish_lines(lines: pd.DataFrame, folder: Path) -> Path:
    """Publish a history that has these lines and nothing else."""
    rows = lines.assign(ordered_at=lines["ordered_at"].dt.tz_localize("UTC"))
    rows["line_number"] = rows.groupby("order_number").cumcount() + 1
    firsts = rows.drop_duplicates("order_number")
    orders = pd.DataFrame([ORDINARY["orders"]] * len(firsts)).assign(
        order_number=firsts["order_number"].to_numpy(),
        ordered_at=firsts["ordered_at"].to_list(),
        state=[
            "cancelled" if name == CANCELLED else "completed" for name in firsts["order_number"]
        ],
    )
    parts = rows.assign(unit_price=ORDINARY["order_lines"]["unit_price"])
    history = History(
        folder / "live.duckdb",
        memory_limit="1GB",
        threads=1,
        now=lambda: datetime(2026, 7, 1, tzinfo=UTC),
        sleep=lambda _: None,
    )
    with history.writing() as session:
        loads = session.record(Orders, orders, {OrderLines: parts[list(ORDINARY["order_lines"])]})
    assert [load.failures for load in loads] == [(), ()]
    return publish(history, folder / "published" / "history.duckdb").path


def replay(orders: Path, folder: Path) -> list[dict[str, float]]:
    """Run the command and return the figures that it writes."""
    figures = folder / "figures.json"
    arguments = ["backtest", str(orders), "--workers", "1", "--json", str(figures)]
    ended = CliRunner().invoke(commands, arguments, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    read: list[dict[str, float]] = json.loads(figures.read_text())
    return read
