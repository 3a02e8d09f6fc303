"""Make a report of a whole installation's figures, and write `docs/benchmarks-installation.md`.

Does not belong here: how an installation is started and measured (`installation`, `empty_runs`).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from centra_whistl_dagster.bench import installation
from centra_whistl_dagster.bench.installation import Lengths, Trade, Window
from centra_whistl_dagster.bench.report import table
from centra_whistl_dagster.bench.usage import SIMULATORS, require_proc

PLACED_A_MINUTE = 1500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure, measured several times."""

    name: str
    unit: str
    measured: Sequence[float]
    asked: float
    is_at_least: bool = False
    """What was asked for is the least, not the most."""
    cold: Sequence[float] = ()
    """The same with Dagster's own way of starting runs; blank: not compared."""

    @property
    def median(self) -> float:
        """The figure to read."""
        return median(self.measured)

    def row(self) -> list[str]:
        """Return its row in the table of figures."""
        is_met = self.median >= self.asked if self.is_at_least else self.median <= self.asked
        cold = median(self.cold) if self.cold else None
        return [
            self.name,
            f"{'≥' if self.is_at_least else '≤'} {self.asked:,g} {self.unit}",
            f"{self.median:,.3g}",
            f"{min(self.measured):,.3g}",
            f"{max(self.measured):,.3g}",
            str(len(self.measured)),
            "met" if is_met else "**missed**",
            "" if cold is None else f"{cold:,.3g}",
            "" if cold is None else f"{cold / self.median:.1f}",
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Where the CPU seconds of something went."""

    name: str
    wall_s: float
    cpu_by_process: dict[str, float]
    memory_gb: float


def run(
    path: Path, *, project: Path, lengths: Lengths, say: Callable[[str], None] = lambda _: None
) -> list[Figure]:
    """Measure everything, write the report to `path`, and return the figures.

    Args:
        path: the file to write.
        project: the folder with `dagster.yaml` and `config/`.
        lengths: how long and how often.
        say: is called with what is about to be measured; all of it takes about 50 minutes.

    Raises:
        click.ClickException: this machine does not show what processes use; or an installation did
            not do its work, so that its figures would mean nothing.
    """
    require_proc()
    load_before, _, _ = os.getloadavg()
    figures, spent = [], []
    for measured, where in _everything(project, lengths, say):
        figures.extend(measured)
        spent.extend(where)
    path.write_text(document(figures, spent, load_before=load_before), encoding="utf-8")
    return figures


def _everything(
    project: Path, lengths: Lengths, say: Callable[[str], None]
) -> Iterator[tuple[list[Figure], list[Spent]]]:
    say("empty relays")
    yield _empty_relays(project, lengths)
    say("days by polling")
    yield _days(project, lengths)
    for name, aims, changes in (
        ("with pushes", (2, 4), {"has_pushes": True}),
        (
            "400 orders a minute, no limits",
            (6, 12),
            {"orders_per_minute": 400.0, **installation.WITHOUT_LIMITS},
        ),
    ):
        say(f"trade {name}")
        trades = [
            installation.spell_of_trade(name, project, seconds=lengths.trade_s, **changes)
            for _ in range(lengths.trades)
        ]
        yield _of_arrival(name, trades, [], *aims), [spent_on(trades)]
    say("idle installations")
    yield _idle(project, lengths)
    say("as many orders as can be sustained")
    yield _sustained(project, lengths)


def _empty_relays(project: Path, lengths: Lengths) -> tuple[list[Figure], list[Spent]]:
    warm, cold = (
        installation.empty_relays(project, runs=lengths.empty_runs, is_warm=is_warm)
        for is_warm in (True, False)
    )
    return [
        Figure(
            name="empty relay: CPU seconds of its process",
            unit="s",
            asked=0.5,
            measured=[each.cpu_s for each in warm],
            cold=[each.cpu_s for each in cold],
        ),
        Figure(
            name="empty relay: from launch to first step",
            unit="s",
            asked=0.5,
            measured=[each.to_first_step_s for each in warm],
            cold=[each.to_first_step_s for each in cold],
        ),
    ], []


def _days(project: Path, lengths: Lengths) -> tuple[list[Figure], list[Spent]]:
    days = [installation.whole_day(project, seconds=lengths.day_s) for _ in range(lengths.days)]
    cold = installation.spell_of_trade(
        "the shop's hours alone, runs started cold",
        project,
        seconds=lengths.day_s,
        starts_runs_warm=False,
    )
    growth = [day.used.memory_gb - (day.memory_at_close_gb or 0) for day in days]
    return [
        *_of_arrival("polling only", days, [cold], 3.5, 6.5),
        Figure(
            name=f"CPU seconds of a demo's day of {lengths.day_s:.0f} s, start and end included",
            unit="s",
            asked=60,
            measured=[day.used.cpu_s for day in days],
        ),
        Figure(
            name="memory of all processes after that day",
            unit="GB",
            asked=1.2,
            measured=[day.used.memory_gb for day in days],
        ),
        Figure(
            name="growth of memory from closing the shop to the end of that day",
            unit="GB",
            asked=0.05,
            measured=growth,
        ),
    ], [spent_on(days), spent_on([cold])]


def _of_arrival(
    name: str, trades: Sequence[Trade], cold: Sequence[Trade], p50_s: float, p95_s: float
) -> list[Figure]:
    return [
        Figure(
            name=f"from confirmed to accepted, {name}: p50",
            unit="s",
            asked=p50_s,
            measured=[trade.p50_s for trade in trades],
            cold=[trade.p50_s for trade in cold],
        ),
        Figure(
            name=f"from confirmed to accepted, {name}: p95",
            unit="s",
            asked=p95_s,
            measured=[trade.p95_s for trade in trades],
            cold=[trade.p95_s for trade in cold],
        ),
    ]


def _idle(project: Path, lengths: Lengths) -> tuple[list[Figure], list[Spent]]:
    figures, spent = [], []
    # What was asked: a poll every 5 s, or every 30 s. Reading the quotas adds 12 an hour.
    for name, has_pushes, requests in (("by polling", False, 720), ("with pushes", True, 120)):
        windows = installation.idle(project, lengths, has_pushes=has_pushes)
        figures += [
            Figure(
                name=f"idle {name}: CPU, of one core",
                unit="%",
                asked=8,
                measured=[100 * _cpu_s(each.cpu_by_process) / each.wall_s for each in windows],
            ),
            Figure(
                name=f"idle {name}: requests an hour to Centra",
                unit="requests",
                asked=requests,
                measured=[each.requests_an_hour for each in windows],
            ),
        ]
        spent.append(_spent_in(f"idle {name}", windows))
    return figures, spent


def _sustained(project: Path, lengths: Lengths) -> tuple[list[Figure], list[Spent]]:
    windows = installation.sustained(project, lengths, placed_a_minute=PLACED_A_MINUTE)
    figure = Figure(
        name=f"orders a minute that reach Whistl, of {PLACED_A_MINUTE:,.0f} placed",
        unit="orders",
        asked=1000,
        is_at_least=True,
        measured=[each.accepted_a_minute for each in windows],
    )
    return [figure], [_spent_in("as many orders as can be sustained", windows)]


def spent_on(trades: Sequence[Trade]) -> Spent:
    """Return what the trade with the median of CPU seconds spent."""
    chosen = sorted(trades, key=lambda trade: trade.used.cpu_s)[len(trades) // 2]
    return Spent(
        name=chosen.name,
        wall_s=chosen.wall_s,
        cpu_by_process=dict(chosen.used.cpu_by_process),
        memory_gb=chosen.used.memory_gb,
    )


def _spent_in(name: str, windows: Sequence[Window]) -> Spent:
    """Return what all windows together spent, with the memory at their end."""
    return Spent(
        name=name,
        wall_s=sum(each.wall_s for each in windows),
        cpu_by_process={
            process: sum(each.cpu_by_process.get(process, 0) for each in windows)
            for process in windows[-1].cpu_by_process
        },
        memory_gb=windows[-1].memory_gb,
    )


def _cpu_s(by_process: dict[str, float]) -> float:
    return sum(seconds for name, seconds in by_process.items() if name != SIMULATORS)


_INTRO = (
    "Written by `make bench`, or by `centra-whistl bench --only installation` alone. These are the "
    "demo's own processes, with its faults and its bad orders; what is measured of orders comes "
    "from the simulators' own records. Read the medians. Runs start warm, as in production; the "
    "last two columns are the same with Dagster's own way of starting runs, and how many times as "
    "much that is."
)
_SPENT = (
    "CPU seconds by process; `runs` has the process that they are forked from, too. The simulators "
    "share the machine, and are in no figure above. Of several days, the one with the median. "
    "Memory is what was held at the end, what processes share counted once."
)


def document(figures: Sequence[Figure], spent: Sequence[Spent], *, load_before: float) -> str:
    """Return the whole document.

    Args:
        figures: what was measured.
        spent: where the CPU seconds went.
        load_before: the machine's load average before the start: work other than this.
    """
    machine = (
        f"Machine: {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, Dagster {version('dagster')}; load average before the start "
        f"{load_before:.1f}."
    )
    processes = sorted({name for each in spent for name in each.cpu_by_process})
    parts = [
        "# Benchmarks of a whole installation",
        _INTRO,
        machine,
        table(
            ["what", "asked", "median", "least", "most", "times", "", "cold", "ratio"],
            [figure.row() for figure in figures],
        ),
        "## Where the CPU seconds went",
        _SPENT,
        table(
            ["what", "wall seconds", "CPU seconds", *processes, "GB"],
            [_row(each, processes) for each in spent],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _row(spent: Spent, processes: Sequence[str]) -> list[str]:
    by_process = [f"{spent.cpu_by_process.get(name, 0):.1f}" for name in processes]
    total = f"{_cpu_s(spent.cpu_by_process):.1f}"
    return [spent.name, f"{spent.wall_s:.0f}", total, *by_process, f"{spent.memory_gb:.2f}"]
