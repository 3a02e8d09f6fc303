"""Run a demo: start everything, trade, let it drain, judge it by the simulators' truth."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from centra_whistl_dagster.demo.day import FAULTS, Day, prepare
from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.demo.scoreboard import Scoreboard, draw, look
from centra_whistl_dagster.demo.simulation import Simulation
from centra_whistl_dagster.demo.stock_figures import buffers, passed_over, stock_looks
from centra_whistl_dagster.launching.dagster_processes import (
    DAGSTER,
    LOOPBACK,
    start_dagster,
    wait_for,
)
from centra_whistl_dagster.launching.processes import Processes
from centra_whistl_dagster.ledger.engine import Ledger

_DRAIN_SECONDS = 300.0
_LOOK_SECONDS = 1.0


def run(day: Day, project: Path, *, console: Console, report: Path | None) -> list[str]:
    """Run a demo to its end and return what must not have happened and did.

    Raises:
        DidNotStart: something did not come up in time.
        ProcessDied: a process ended by itself.
    """
    prepare(day, project)
    simulation = Simulation(day.simulator_port)
    with Inbox() as inbox, Processes(day.state / "logs") as processes:
        day = replace(day, alert_addresses=inbox.addresses(is_first_dead=day.alerts_down))
        console.print("Starting the simulated Centra and Whistl …")
        processes.start(
            "simulators",
            "centra_whistl_dagster.simulator",
            *day.simulator_arguments(),
            env=day.environment(),
        )
        wait_for(processes, simulation.is_up, "the simulators")
        console.print("Starting Dagster …")
        start_dagster(processes, day.dagster, day.environment())
        wait_for(processes, lambda: _is_asking(simulation), "Dagster")
        simulation.set_faults(*FAULTS)
        simulation.trade(on=True)
        ledger = Ledger(f"sqlite:///{day.state / 'ledger.db'}", now=lambda: datetime.now(UTC))
        try:
            board = _trade_and_drain(day, processes, simulation, ledger, inbox, console)
        finally:
            ledger.close()
    console.print()
    if report is not None:
        report.write_text(json.dumps(board.as_dict(), indent=2) + "\n", encoding="utf-8")
    return board.faults()


def _trade_and_drain(
    day: Day,
    processes: Processes,
    simulation: Simulation,
    ledger: Ledger,
    inbox: Inbox,
    console: Console,
) -> Scoreboard:
    opened_at = time.monotonic()
    kill_at = None if day.kill_after_seconds is None else opened_at + day.kill_after_seconds
    closes_at = None if day.seconds is None else opened_at + day.seconds
    gives_up_at = None
    where = f"Dagster: http://{LOOPBACK}:{day.webserver_port}   files and logs: {day.state}"
    with Live(console=console, refresh_per_second=2, transient=False) as live:
        while True:
            processes.check()
            passed = passed_over(ledger, day.archive)
            truth = simulation.truth(buffers(passed))
            looks = stock_looks(passed, truth["stock"]["looks"])
            board = look(truth, ledger, inbox, looks, day.published)
            now = time.monotonic()
            live.update(draw(board, heading=_heading(now - opened_at, gives_up_at), where=where))
            if kill_at is not None and now >= kill_at:
                processes.kill(*DAGSTER)
                start_dagster(processes, day.dagster, day.environment())
                kill_at = None
            if closes_at is not None and now >= closes_at and gives_up_at is None:
                simulation.trade(on=False)
                simulation.set_faults()
                gives_up_at = now + _DRAIN_SECONDS
            if gives_up_at is not None and (board.is_settled() or now >= gives_up_at):
                return board
            time.sleep(_LOOK_SECONDS)


def _heading(seconds: float, gives_up_at: float | None) -> str:
    if gives_up_at is None:
        return f"Trading for {seconds:.0f} s"
    return f"The shop is closed; what is under way is being finished ({seconds:.0f} s)"


def _is_asking(simulation: Simulation) -> bool:
    """Say whether the product has begun to look for orders."""
    return any(name.startswith("centra") for name in simulation.truth()["calls"])
