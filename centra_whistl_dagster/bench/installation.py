"""Time a whole installation: the demo's processes, judged by the simulators' truth.

Belongs here: which installations are started, what happens in each, and for how long. Does not
belong here: how they are started (`demo.run`), what is made of the figures (`installation_report`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console

from centra_whistl_dagster.bench.empty_runs import EmptyRun, empty_runs
from centra_whistl_dagster.bench.usage import Usage, usage
from centra_whistl_dagster.demo.day import A_FEW_ORDERS, OPENING, Day
from centra_whistl_dagster.demo.run import Demo, running, trade_and_finish
from centra_whistl_dagster.demo.scoreboard import Scoreboard
from centra_whistl_dagster.launching.dagster_processes import free_port
from centra_whistl_dagster.ledger import hints

SEED = 7
_READ_SECONDS = 2.0
_ARRIVAL_SECONDS = 30.0
"""From closing the shop until an order that has not arrived is left out of the figures."""
_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long and how often everything is measured."""

    empty_runs: int = 5
    days: int = 3
    day_s: float = 90.0
    trades: int = 3
    """Spells of trading, each in an installation of its own."""
    trade_s: float = 40.0
    settle_s: float = 40.0
    """Until an installation that was just started is idle, or busy."""
    windows: int = 3
    """Spells of one installation that is idle, or busy."""
    window_s: float = 30.0
    """Of one that is busy."""
    idle_s: float = 300.0
    """Of one that is idle: with pushes Centra is polled every 30 s, so a short spell counts the
    polls wrongly."""


QUICK = Lengths(
    empty_runs=1,
    days=1,
    day_s=30,
    trades=1,
    trade_s=20,
    # Longer than it takes until the orders of an idle installation count for its pushes.
    settle_s=40,
    windows=1,
    window_s=20,
    idle_s=90,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What one spell of trading came to."""

    name: str
    wall_s: float
    """From opening the shop to the end of the spell."""
    used: Usage
    """From the start of the processes to the end of the spell."""
    memory_at_close_gb: float | None
    """None where the spell ended then."""
    p50_s: float
    """From confirmed to accepted."""
    p95_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What an installation did in a short while."""

    wall_s: float
    cpu_by_process: dict[str, float]
    centra_requests: int
    accepted: int
    """Orders that reached Whistl."""
    memory_gb: float

    @property
    def requests_an_hour(self) -> float:
        """How many requests Centra would get in an hour of this."""
        return self.centra_requests * _HOUR / self.wall_s

    @property
    def accepted_a_minute(self) -> float:
        """How many orders reached Whistl in a minute of this."""
        return self.accepted * 60 / self.wall_s


def empty_relays(project: Path, *, runs: int, is_warm: bool) -> list[EmptyRun]:
    """Time relays that find nothing, one after the other."""
    with _planned(runs_by_hand=True, starts_runs_warm=is_warm) as day:
        return empty_runs(day, project, console=_quiet(), runs=runs)


def whole_day(project: Path, *, seconds: float) -> Trade:
    """Play the demo's day, without pushes, until everything is finished.

    Raises:
        click.ClickException: the day was not clean, so its figures mean nothing.
    """
    with _planned(seconds=seconds) as day, running(day, project, console=_quiet()) as demo:
        at_close: list[Usage] = []
        began = time.monotonic()
        board = trade_and_finish(
            demo, _quiet(), at_close=lambda: at_close.append(usage(demo.processes.started()))
        )
        if faults := board.faults():
            raise click.ClickException(f"The demo's day was not clean: {'; '.join(faults)}")
        return _traded("a day by polling", demo, board, began, at_close[0].memory_gb)


def spell_of_trade(name: str, project: Path, *, seconds: float, **changes: Any) -> Trade:
    """Trade for a while, until every order that may go has arrived.

    Args:
        name: of the spell.
        project: the folder with `dagster.yaml` and `config/`.
        seconds: how long the shop is open.
        changes: what is otherwise than in a day by polling.
    """
    with _planned(**changes) as day, running(day, project, console=_quiet()) as demo:
        began = time.monotonic()
        demo.simulation.open_shop(OPENING)
        _serve_customers(demo, seconds, lambda _: False)
        demo.simulation.close_shop()
        board = _serve_customers(demo, _ARRIVAL_SECONDS, _has_arrived)
        return _traded(name, demo, board, began, None)


def idle(project: Path, lengths: Lengths, *, has_pushes: bool) -> list[Window]:
    """Watch an installation, at the pace and with the stock policy of production, do nothing.

    Three orders come first: pushes count as alive once they announced so many in a row.

    Raises:
        click.ClickException: there are pushes, and Centra is polled as if there were none.
    """
    with (
        _planned(has_pushes=has_pushes, speed=1.0, ladder_minutes=None) as day,
        running(day, project, console=_quiet()) as demo,
    ):
        demo.simulation.open_shop(A_FEW_ORDERS)
        demo.simulation.close_shop()
        _serve_customers(demo, _ARRIVAL_SECONDS, _has_arrived)
        time.sleep(lengths.settle_s)
        if has_pushes and not _are_pushes_alive(demo):
            raise click.ClickException(
                "Pushes did not announce every order, so the figures with pushes mean nothing."
            )
        return [_window(demo, lengths.idle_s) for _ in range(lengths.windows)]


def sustained(project: Path, lengths: Lengths, *, placed_a_minute: float) -> list[Window]:
    """Place more orders than can be sustained, and see how many reach Whistl in each window."""
    with (
        _planned(orders_per_minute=placed_a_minute, **WITHOUT_LIMITS) as day,
        running(day, project, console=_quiet()) as demo,
    ):
        demo.simulation.open_shop(OPENING)
        time.sleep(lengths.settle_s / 2)
        return [_window(demo, lengths.window_s) for _ in range(lengths.windows)]


WITHOUT_LIMITS: dict[str, Any] = {"is_limited": False, "skus": 1000}
"""More SKUs, since a busy shop with few would soon be sold out."""


@contextmanager
def _planned(*, has_pushes: bool = False, **changes: Any) -> Iterator[Day]:
    """Plan a demo in a folder of its own."""
    plan = {"seconds": None, "seed": SEED, "orders_per_minute": 40.0} | changes
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Day(
            state=Path(folder) / "state",
            webserver_port=free_port(),
            code_server_port=free_port(),
            simulator_port=free_port(),
            desk_port=free_port(),
            hooks_port=free_port() if has_pushes else None,
            **plan,
        )


def _serve_customers(
    demo: Demo, seconds: float, is_over: Callable[[Scoreboard], bool]
) -> Scoreboard:
    """Report bad orders to customer service for a while, as the demo does; return the figures."""
    ends_at = time.monotonic() + seconds
    while True:
        demo.processes.check()
        board = demo.read()
        if is_over(board) or time.monotonic() >= ends_at:
            return board
        if board.truth["unreported"]:
            demo.simulation.report(board.ever_blocked)
        time.sleep(_READ_SECONDS)


def _has_arrived(board: Scoreboard) -> bool:
    return not board.truth["orders"]["healthy_unsent"]


def _traded(
    name: str, demo: Demo, board: Scoreboard, began: float, memory_at_close_gb: float | None
) -> Trade:
    arrival = board.truth["latency_seconds"]["confirmed_to_accepted"]
    if arrival["p50"] is None or arrival["p95"] is None:
        raise click.ClickException(f"No order reached Whistl in {name}.")
    return Trade(
        name=name,
        wall_s=time.monotonic() - began,
        used=usage(demo.processes.started()),
        memory_at_close_gb=memory_at_close_gb,
        p50_s=arrival["p50"],
        p95_s=arrival["p95"],
    )


def _window(demo: Demo, seconds: float) -> Window:
    started = demo.processes.started()
    before, used_before = demo.simulation.truth(), usage(started)
    began = time.monotonic()
    ends_at = began + seconds
    while (left := ends_at - time.monotonic()) > 0:
        demo.processes.check()
        time.sleep(min(_READ_SECONDS, left))
    after, used = demo.simulation.truth(), usage(started)
    return Window(
        wall_s=time.monotonic() - began,
        cpu_by_process=used.since(used_before),
        centra_requests=_centra_requests(after["calls"]) - _centra_requests(before["calls"]),
        accepted=after["orders"]["submitted"] - before["orders"]["submitted"],
        memory_gb=used.memory_gb,
    )


def _centra_requests(calls: dict[str, int]) -> int:
    return calls.get("centra query", 0) + calls.get("centra mutation", 0)


def _are_pushes_alive(demo: Demo) -> bool:
    with demo.ledger.reading() as tx:
        record = hints.push_record(tx)
    return record is not None and record.are_alive


def _quiet() -> Console:
    return Console(file=StringIO())
