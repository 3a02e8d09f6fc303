"""Part of `make faults`: live through many histories of stock, and say what came of them.

python -m centra_whistl_dagster_tests.stock_histories.run --histories 100000 --seed 1 --write
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
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from centra_whistl_dagster_tests.faults.document import table, write
from centra_whistl_dagster_tests.stock_histories.life import Lived, live_through
from centra_whistl_dagster_tests.stock_histories.shrinking import shortest, written
from centra_whistl_dagster_tests.stock_histories.steps import ACTS, UNSEEN, history

TOGETHER = 50
EXAMPLES = 5
SORTS = {
    "back_on_sale": "sold units back on sale",
    "oversold": "oversold",
    "disagreeing": "not agreeing and nobody alerted",
    "crashed": "crashed",
}
NOT_YET: dict[str, str] = {}
"""Acts that do not happen in histories yet, and why. To be emptied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is to be lived through."""

    histories: int = 3_000
    seed: int = 1
    processes: int = 2


@dataclass(slots=True)
class Summary:
    """What became of many histories."""

    histories: int = 0
    steps: int = 0
    writes: int = 0
    sales: int = 0
    unseen: int = 0
    """Histories in which units went without Centra."""
    with_exception: int = 0
    """SKUs on which both systems do not agree in the end, with an open exception about it."""
    wrong: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, lived: Lived) -> None:
        """Count one history; of the first that fail, keep the shortest form."""
        self.histories += 1
        self.steps += len(lived.steps)
        self.writes += lived.writes
        self.sales += lived.sales
        self.unseen += bool(UNSEEN & lived.happened.keys())
        self.with_exception += lived.with_exception
        self.happened += lived.happened
        faults = lived.faults()
        self.wrong.update(faults.keys())
        if faults and len(self.examples) < EXAMPLES:
            cut = shortest(lived)
            self.examples.append(f"seed {lived.seed}: {cut.faults()}\n{written(cut.steps)}")

    def merge(self, other: Summary) -> None:
        """Count what another process has lived through."""
        for name in ("histories", "steps", "writes", "sales", "unseen", "with_exception"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong
        self.happened += other.happened
        self.examples = [*self.examples, *other.examples][:EXAMPLES]


def do(seeds: range) -> Summary:
    """Live through the histories of some seeds; runs in a process of its own."""
    logging.disable(logging.CRITICAL)
    summary = Summary()
    for seed in seeds:
        summary.add(live_through(history(seed, without=NOT_YET), seed=seed))
    return summary


def run(plan: Plan) -> Summary:
    """Live through everything that a plan asks for."""
    summary = Summary()
    first = plan.seed * 10_000_000
    end = first + plan.histories
    parts = [range(a, min(a + TOGETHER, end)) for a in range(first, end, TOGETHER)]
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.processes, mp_context=spawned) as pool:
        for future in as_completed([pool.submit(do, part) for part in parts]):
            summary.merge(future.result())
    return summary


def never_happened(summary: Summary) -> set[str]:
    """Return the acts that no history met: what was not tried proves nothing."""
    return {*ACTS, "two processes"} - NOT_YET.keys() - summary.happened.keys()


def report(plan: Plan, summary: Summary, seconds: float) -> str:
    """Return the figures as a part of a document."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    untried = never_happened(summary)
    return "\n\n".join(
        [
            (
                f"Written by `make faults HISTORIES={plan.histories} SEED={plan.seed}` in "
                f"{seconds / 60:.0f} minutes on {machine}."
            ),
            table(
                ("histories", "steps", "sales", "stock writes", *SORTS.values()),
                [
                    (
                        f"{summary.histories:,}",
                        f"{summary.steps:,}",
                        f"{summary.sales:,}",
                        f"{summary.writes:,}",
                        *(str(summary.wrong[sort]) for sort in SORTS),
                    )
                ],
            ),
            (
                f"Units went without Centra in {summary.unseen:,} of the histories. In the end "
                f"{summary.with_exception:,} SKUs had an open exception instead of figures that "
                "agree."
            ),
            "How often each thing happened:",
            table(
                ("what", "times"),
                [(name, f"{times:,}") for name, times in sorted(summary.happened.items())],
            ),
            f"Never happened: {', '.join(sorted(untried))}."
            if untried
            else "Nothing was left untried.",
        ]
    )


def main() -> int:
    """Run from the command line; 0 if nothing went wrong and everything was tried."""
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=plan.histories)
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--processes", type=int, default=plan.processes)
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    asked = vars(parser.parse_args())
    is_written = asked.pop("write")
    plan = Plan(**asked)
    began = time.monotonic()
    summary = run(plan)
    text = report(plan, summary, time.monotonic() - began)
    print(text)  # noqa: T201 - a command's output
    if is_written:
        write(text, part="stock histories")
    for example in summary.examples:
        print(example)  # noqa: T201
    return 1 if summary.wrong or never_happened(summary) else 0


if __name__ == "__main__":
    sys.exit(main())
