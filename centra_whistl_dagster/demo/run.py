"""Run a demo: start everything, trade, let it finish, judge it by the simulators' truth.

Does not belong here: what is shown of a day (`drawing`), or what its figures mean (`scoreboard`).
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from centra_whistl_dagster.demo.briefs import write_briefs
from centra_whistl_dagster.demo.day import FAULTS, OPENING, Day, prepare
from centra_whistl_dagster.demo.drawing import draw
from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.demo.published import find_published
from centra_whistl_dagster.demo.scoreboard import Scoreboard, read_scoreboard
from centra_whistl_dagster.demo.simulation import Simulation
from centra_whistl_dagster.demo.stock_figures import buffers, last_synced, stock_reads
from centra_whistl_dagster.launching.dagster_processes import (
    DAGSTER,
    LOOPBACK,
    start_dagster,
    start_desk,
    wait_for,
)
from centra_whistl_dagster.launching.processes import Processes
from centra_whistl_dagster.ledger.engine import Ledger

_FINISH_SECONDS = 900.0
"""From closing the shop until an unfinished run is given up; an idle machine needs about 120."""
_PAUSE_SECONDS = 1.0


def run(day: Day, project: Path, *, console: Console, report: Path | None) -> list[str]:
    """Run a demo to its end and return, in words, what must not have happened and did.

    Once the shop is closed, the run ends when it has shown what it must, however long the machine
    takes for it; what it has not shown after `_FINISH_SECONDS` counts as not done.

    Raises:
        DidNotStart: something did not come up in time.
        ProcessDied: a process ended by itself.
    """
    with running(day, project, console=console) as demo:
        try:
            board = trade_and_finish(demo, console)
        finally:
            received = alerts_received(demo.day, demo.inbox)
            console.print(received, soft_wrap=True, highlight=False, markup=False)
        briefs = write_briefs(demo.day)
    console.print(f"\nBriefs of the day  {briefs}", soft_wrap=True, highlight=False)
    if report is not None:
        report.write_text(json.dumps(board.as_dict(), indent=2) + "\n", encoding="utf-8")
    return board.faults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running installation with simulated systems on either side; the shop is closed at first."""

    day: Day
    processes: Processes
    simulation: Simulation
    ledger: Ledger
    inbox: Inbox

    def read(self) -> Scoreboard:
        """Gather the figures of this moment."""
        synced = last_synced(self.ledger, self.day.archive)
        units = buffers(synced, self.day.stock_policy(), datetime.now(UTC))
        truth = self.simulation.truth(units)
        reads = stock_reads(synced, truth["stock"]["reads"])
        published = find_published(self.day.published)
        return read_scoreboard(truth, self.ledger, self.inbox, reads, published)


@contextmanager
def running(day: Day, project: Path, *, console: Console) -> Iterator[Demo]:
    """Start everything, and end it with the `with` block.

    Raises:
        DidNotStart: something did not come up in time.
        ProcessDied: a process ended by itself.
    """
    prepare(day, project)
    simulation = Simulation(day.simulator_port)
    with Inbox(day.alerts_file) as inbox, Processes(day.state / "logs") as processes:
        day = replace(day, alert_addresses=inbox.addresses(is_first_dead=day.alerts_down))
        console.print("Starting the simulated Centra and Whistl …")
        processes.start(
            "simulators",
            "centra_whistl_dagster.simulator",
            *day.simulator_arguments(),
            env=day.environment(),
        )
        wait_for(processes, simulation.is_up, "the simulators")
        if day.hooks_port is not None:
            processes.start(
                "hooks",
                "centra_whistl_dagster.hooks",
                *day.receiver_arguments(),
                env=day.environment(),
            )
        console.print("Starting Dagster …")
        start_dagster(processes, day.dagster, day.environment())
        if not day.runs_by_hand:
            wait_for(processes, lambda: _is_asking(simulation), "Dagster")
        start_desk(processes, day.desk_port, day.environment())
        day.write_settings_file()
        console.print(where_to_look(day), soft_wrap=True, highlight=False)
        simulation.set_faults(*FAULTS)
        url = f"sqlite:///{day.state / 'ledger.db'}"
        with closing(Ledger(url, now=lambda: datetime.now(UTC))) as ledger:
            yield Demo(
                day=day, processes=processes, simulation=simulation, ledger=ledger, inbox=inbox
            )


def where_to_look(day: Day) -> str:
    """Return where a person finds what the demo does, and how to run commands on it."""
    command = Path(sys.executable).with_name("centra-whistl")
    return f"""
Dagster          http://{LOOPBACK}:{day.webserver_port}
Desk             {day.desk_url}
Alerts           {day.alerts_file}
Briefs           {day.desk_url}/briefs
Files and logs   {day.state}
Commands, in another terminal while this runs:
  set -a; . '{day.settings_file}'; set +a
  {command} exceptions
  {command} screen ORDER_NUMBER
"""


def alerts_received(day: Day, inbox: Inbox) -> str:
    """Return where the teams' alerts can be read, and the last of them as its team read it."""
    received = list(inbox.received)
    last = f" The last:\n\n{received[-1].in_words()}" if received else ""
    return f"\n{len(received)} alerts received. All of them are in {day.alerts_file}.{last}"


def trade_and_finish(
    demo: Demo, console: Console, *, at_close: Callable[[], object] = lambda: None
) -> Scoreboard:
    """Open the shop, close it in time, and return the figures once everything is finished.

    Args:
        demo: the running installation.
        console: where the scoreboard is drawn.
        at_close: called once, when the shop has closed.
    """
    day, processes, simulation = demo.day, demo.processes, demo.simulation
    simulation.open_shop(OPENING)
    opened_at = time.monotonic()
    kill_at = None if day.kill_after_seconds is None else opened_at + day.kill_after_seconds
    closes_at = math.inf if day.seconds is None else opened_at + day.seconds
    gives_up_at = closes_at + _FINISH_SECONDS
    is_open = True
    published_at = None
    with Live(console=console, refresh_per_second=2, transient=False) as live:
        while True:
            processes.check()
            board = demo.read()
            if board.truth["unreported"]:
                simulation.report(board.ever_blocked)
            if board.published and board.published.at != published_at:
                # A demo that somebody interrupts has had its brief by then.
                published_at = board.published.at
                write_briefs(day)
            now = time.monotonic()
            live.update(draw(board, heading=_heading(now - opened_at, is_open=is_open)))
            if kill_at is not None and now >= kill_at and board.truth["orders"]["submitted"]:
                processes.kill(*DAGSTER)
                start_dagster(processes, day.dagster, day.environment())
                kill_at = None
            if is_open and now >= closes_at and kill_at is None:
                simulation.close_shop()
                simulation.set_faults()
                is_open = False
                at_close()
            elif now >= gives_up_at or not (is_open or board.unfinished()):
                return board
            time.sleep(_PAUSE_SECONDS)


def _heading(seconds: float, *, is_open: bool) -> str:
    if is_open:
        return f"Trading for {seconds:.0f} s"
    return f"The shop is closed; what is under way is being finished ({seconds:.0f} s)"


def _is_asking(simulation: Simulation) -> bool:
    """Return whether the product has begun to ask Centra for orders."""
    return any(name.startswith("centra") for name in simulation.truth()["calls"])
