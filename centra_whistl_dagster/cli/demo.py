"""The command that plays a trading day with both systems simulated."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from centra_whistl_dagster.cli import PROJECT
from centra_whistl_dagster.demo.day import Day
from centra_whistl_dagster.demo.run import run
from centra_whistl_dagster.launching.dagster_processes import free_port
from centra_whistl_dagster.launching.dev import DESK_PORT


@click.command()
@click.option("--for", "seconds", type=float, help="Trade for this many seconds, finish, judge.")
@click.option("--seed", default=7, show_default=True)
@click.option("--orders-per-minute", default=40.0, show_default=True)
@click.option("--port", default=3000, show_default=True, help="Dagster's web page, on 127.0.0.1.")
@click.option("--state", type=click.Path(path_type=Path), default=Path("state/demo"))
@click.option("--report", type=click.Path(path_type=Path), default=Path("demo.json"))
@click.option("--kill-dagster-after", type=float, help="Kill Dagster after this many seconds.")
@click.option("--no-pushes", is_flag=True, help="Centra pushes nothing; polling finds all orders.")
@click.option("--alerts-down", is_flag=True, help="Every team's own alert channel is down.")
def demo(
    *,
    seconds: float | None,
    seed: int,
    orders_per_minute: float,
    port: int,
    state: Path,
    report: Path,
    kill_dagster_after: float | None,
    no_pushes: bool,
    alerts_down: bool,
) -> None:
    """Simulate a trading day and check the result.

    Orders and shipments are judged by the simulators' own records. Ends with status 1 if an order
    was lost, sent twice or sent with a fault, or if sold stock came back. A Dagster that was killed
    is started again.
    """
    console = Console()
    day = Day(
        seconds=seconds,
        seed=seed,
        orders_per_minute=orders_per_minute,
        state=state.resolve(),
        webserver_port=free_port(port),
        code_server_port=free_port(),
        simulator_port=free_port(),
        desk_port=free_port(DESK_PORT),
        hooks_port=None if no_pushes else free_port(),
        kill_after_seconds=kill_dagster_after,
        alerts_down=alerts_down,
    )
    try:
        faults = run(day, PROJECT, console=console, report=report)
    except KeyboardInterrupt:
        console.print("\nStopped. Every process that was started has ended.")
        return
    for fault in faults:
        console.print(f"Not clean: {fault}", style="bold red", markup=False)
    if faults:
        sys.exit(1)
    console.print(f"No faults. The figures are in {report}.", style="green", markup=False)
