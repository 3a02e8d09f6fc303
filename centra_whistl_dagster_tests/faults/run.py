"""`make faults`: live through many schedules of faults on all cores, and say what came of it.

python -m centra_whistl_dagster_tests.faults.run --schedules 10000 --seed 1 --write
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from centra_whistl_dagster_tests.faults.days import CIRCUMSTANCES, days
from centra_whistl_dagster_tests.faults.document import table, write
from centra_whistl_dagster_tests.faults.exploring import (
    SCENES,
    Lived,
    Schedule,
    beginnings,
    explore,
)
from centra_whistl_dagster_tests.faults.killing import kill
from centra_whistl_dagster_tests.faults.wire import Fault

LONG = 5_000
"""From so many schedules on, those of three faults are explored too."""
DAYS_TOGETHER = 20
KILLS = ("killed at a named point", "killed at random")
EXAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is to be lived through."""

    schedules: int = 300
    seed: int = 1
    kills: int = 60
    processes: int = 2

    @property
    def most_faults(self) -> dict[str, int]:
        """The most faults of an explored schedule, by scene."""
        is_long = self.schedules >= LONG
        return {"submission": 3 if is_long else 1, "despatch": 2 if is_long else 1}


@dataclass(slots=True)
class Part:
    """What became of the schedules of one sort."""

    schedules: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    ticks: list[int] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    """Schedules in which something was lost, twice, wrong or unbalanced."""
    examples: list[str] = field(default_factory=list)

    def add(self, lived: Lived) -> None:
        """Count one schedule."""
        self.schedules += 1
        self.fired += lived.fired
        self.ticks.append(lived.ticks)
        faults = lived.verdict.faults()
        self.wrong.update(faults.keys())
        if faults and len(self.examples) < EXAMPLES:
            name = f"seed {lived.seed}" if lived.seed is not None else list(lived.schedule)
            self.examples.append(f"{name}: {faults}")

    def merge(self, other: Part) -> None:
        """Count what another process has lived through."""
        self.schedules += other.schedules
        self.fired += other.fired
        self.ticks += other.ticks
        self.wrong += other.wrong
        self.examples = [*self.examples, *other.examples][:EXAMPLES]


Job = tuple[str, Schedule | range | int, int]
"""Its sort; where to begin, or which seeds, or how many; the most faults, or the seed."""


def do(job: Job) -> tuple[str, Part]:
    """Live through one job's schedules; runs in a process of its own."""
    logging.disable(logging.CRITICAL)
    sort, what, number = job
    part = Part()
    for lived in _lived(sort, what, number):
        part.add(lived)
    return sort, part


def _lived(sort: str, what: Schedule | range | int, number: int) -> Iterator[Lived]:
    if isinstance(what, int):
        yield kill(what, number)
    elif isinstance(what, range):
        yield from days(what)
    else:
        yield from explore(SCENES[sort], most_faults=number, start=what)


def run(plan: Plan) -> dict[str, Part]:
    """Live through everything that a plan asks for.

    The days are as many as are left of the schedules once all explored ones are counted.
    """
    parts = {sort: Part() for sort in (*SCENES, "days", "kills")}
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.processes, mp_context=spawned) as pool:

        def done(jobs: Sequence[Job]) -> None:
            for future in as_completed([pool.submit(do, job) for job in jobs]):
                sort, part = future.result()
                parts[sort].merge(part)

        done([("kills", plan.kills, plan.seed), *_to_explore(plan)] if plan.kills else [])
        left = max(0, plan.schedules - sum(parts[scene].schedules for scene in SCENES))
        first = plan.seed * 1_000_000
        ends = range(first, first + left, DAYS_TOGETHER)
        done([("days", range(a, min(a + DAYS_TOGETHER, first + left)), 0) for a in ends])
    return parts


def _to_explore(plan: Plan) -> list[Job]:
    jobs: list[Job] = []
    for scene, most in plan.most_faults.items():
        jobs += [(scene, start, most) for start in beginnings(SCENES[scene])]
        jobs.append((scene, (), 0))
    return jobs


def never_happened(parts: dict[str, Part]) -> set[str]:
    """Return the faults and circumstances that nothing met: what was not tried proves nothing."""
    met = sum((part.fired for part in parts.values()), Counter[str]())
    return {*map(str, Fault), *CIRCUMSTANCES, *KILLS} - set(met)


def report(plan: Plan, parts: dict[str, Part], seconds: float) -> str:
    """Return the figures as a part of a document."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    everything = sum((part.fired for part in parts.values()), Counter[str]())
    untried = never_happened(parts)
    return "\n\n".join(
        [
            (
                f"Written by `make faults SCHEDULES={plan.schedules} SEED={plan.seed}`: "
                f"{sum(part.schedules for part in parts.values()):,} schedules and "
                f"{sum(everything[kill] for kill in KILLS)} killed processes in {seconds / 60:.0f} "
                f"minutes on {machine}."
            ),
            table(
                ("what", "schedules", "lost", "twice", "wrong completions", "not conserved"),
                [_row(plan, sort, part) for sort, part in parts.items()],
            ),
            (
                "Rounds of the relay after the last fault until both systems agreed, the time in "
                "the warehouse included:"
            ),
            table(
                ("what", "p50", "p95", "most"),
                [(_named(plan, sort), *_spread(part.ticks)) for sort, part in parts.items()],
            ),
            "How often each fault struck and each circumstance occurred:",
            table(
                ("what", "times"),
                [(name, f"{times:,}") for name, times in sorted(everything.items())],
            ),
            f"Never tried: {', '.join(sorted(untried))}."
            if untried
            else "Nothing was left untried.",
        ]
    )


def _named(plan: Plan, sort: str) -> str:
    if sort in SCENES:
        return f"every schedule of up to {plan.most_faults[sort]} faults for one {sort}"
    return {"days": "days at random", "kills": "processes killed with SIGKILL"}[sort]


def _row(plan: Plan, sort: str, part: Part) -> tuple[str, ...]:
    count = sum(part.fired[kill] for kill in KILLS) if sort == "kills" else part.schedules
    wrong = (str(part.wrong[name]) for name in ("lost", "twice", "wrong", "unbalanced"))
    return (_named(plan, sort), f"{count:,}", *wrong)


def _spread(ticks: list[int]) -> tuple[str, str, str]:
    ranked = sorted(ticks)
    if not ranked:
        return ("-", "-", "-")
    last = len(ranked) - 1
    return (str(ranked[last // 2]), str(ranked[round(last * 0.95)]), str(ranked[-1]))


def main() -> int:
    """Run from the command line; 0 if nothing went wrong and everything was tried."""
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=plan.schedules)
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--kills", type=int, default=plan.kills)
    parser.add_argument("--processes", type=int, default=plan.processes)
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    asked = vars(parser.parse_args())
    is_written = asked.pop("write")
    plan = Plan(**asked)
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    parts = run(plan)
    text = report(plan, parts, time.monotonic() - began)
    print(text)  # noqa: T201 - a command's output
    if is_written:
        write(text)
    for example in (example for part in parts.values() for example in part.examples):
        print(example)  # noqa: T201
    is_good = not any(part.wrong for part in parts.values()) and not never_happened(parts)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
