"""The command line: what a person runs by hand.

Belongs here: arguments and what is printed. Does not belong here: the work itself.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click
from dotenv import load_dotenv
from rich.console import Console

from centra_whistl_dagster.bench.run import run as run_benchmarks
from centra_whistl_dagster.cli.operations import exceptions, screen
from centra_whistl_dagster.cli.stock import backtest, stock
from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.demo.day import Day
from centra_whistl_dagster.demo.run import run
from centra_whistl_dagster.launching.dagster_processes import DidNotStart, free_port
from centra_whistl_dagster.launching.dev import run_until_interrupted
from centra_whistl_dagster.launching.processes import ProcessDied
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.command import simulate
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.upkeep.doctor import examine

PROJECT = Path(__file__).resolve().parents[2]


@click.group()
def commands() -> None:
    """Orders, shipments and stock between a Centra store and a Whistl warehouse."""


def main() -> None:
    """Run a command; what an operator can mend is told without a trace.

    Settings come from the environment, and from `.env` where the environment has none.
    """
    load_dotenv(PROJECT / ".env")
    # Whoever ends us politely gets what Ctrl-C gets: everything that was started ends too. A shell
    # script starts what it runs in the background with SIGINT ignored.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        commands(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ConfigError, IntegrationError, DidNotStart, ProcessDied) as error:
        click.echo(str(error), err=True)
        sys.exit(2)


commands.add_command(simulate)
commands.add_command(exceptions)
commands.add_command(screen)
commands.add_command(stock)
commands.add_command(backtest)


@commands.command()
@click.option("--for", "seconds", type=float, help="Trade for so long, finish, and judge.")
@click.option("--seed", default=7, show_default=True)
@click.option("--orders-per-minute", default=40.0, show_default=True)
@click.option("--port", default=3000, show_default=True, help="Dagster's web page, on 127.0.0.1.")
@click.option("--state", type=click.Path(path_type=Path), default=Path("state/demo"))
@click.option("--report", type=click.Path(path_type=Path), default=Path("demo.json"))
@click.option("--kill-dagster-after", type=float, help="Kill Dagster then, and start it again.")
@click.option("--alerts-down", is_flag=True, help="Every team's own alert channel is dead.")
def demo(
    *,
    seconds: float | None,
    seed: int,
    orders_per_minute: float,
    port: int,
    state: Path,
    report: Path,
    kill_dagster_after: float | None,
    alerts_down: bool,
) -> None:
    """Play a trading day with both systems simulated, and judge it by their truth."""
    console = Console()
    day = Day(
        seconds=seconds,
        seed=seed,
        orders_per_minute=orders_per_minute,
        state=state.resolve(),
        webserver_port=free_port(port),
        code_server_port=free_port(),
        simulator_port=free_port(),
        kill_after_seconds=kill_dagster_after,
        alerts_down=alerts_down,
    )
    try:
        faults = run(day, PROJECT, console=console, report=report)
    except KeyboardInterrupt:
        console.print("\nStopped. Everything that was started has ended.")
        return
    for fault in faults:
        console.print(f"[bold red]Not clean: {fault}")
    if faults:
        sys.exit(1)
    console.print(f"[green]Clean. The figures are in {report}.")


@commands.command()
@click.option("--port", default=3000, show_default=True, help="Dagster's web page, on 127.0.0.1.")
@click.option("--may-write", is_flag=True, help="Let the web page launch runs and change things.")
def dev(*, port: int, may_write: bool) -> None:
    """Run Dagster against the systems in .env, until interrupted."""
    try:
        run_until_interrupted(PROJECT, port=port, may_write=may_write)
    except KeyboardInterrupt:
        click.echo("\nStopped. Everything that was started has ended.")


@commands.command()
def doctor() -> None:
    """Try every connection once, and say which works. Reads only."""
    with open_link(load_settings(os.environ)) as link:
        findings = examine(link)
    for each in findings:
        click.echo(f"{'ok  ' if each.is_well else 'FAIL'}  {each.subject}: {each.detail}")
    if not all(each.is_well for each in findings):
        sys.exit(1)


@commands.command()
@click.option("--report", type=click.Path(path_type=Path), default=Path("docs/benchmarks.md"))
@click.option("--quick", is_flag=True, help="A tenth of each load.")
def bench(*, report: Path, quick: bool) -> None:
    """Time what a large brand would notice, and write it down."""
    for figure in run_benchmarks(report, quick=quick):
        click.echo(f"{figure.median_s:8.3f} s  {figure.name}")
