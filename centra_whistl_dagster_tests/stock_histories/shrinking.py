"""Cut a failing history down to the shortest that still fails, and write it so that it can be run.

python -m centra_whistl_dagster_tests.stock_histories.shrinking 4711
"""

from __future__ import annotations

import argparse
import ast
import logging
from collections.abc import Collection, Iterator

from centra_whistl_dagster_tests.stock_histories.life import Lived, live_through
from centra_whistl_dagster_tests.stock_histories.steps import History, Step, history


def shortest(lived: Lived) -> Lived:
    """Return a history that fails in the same way, of which no step can be left out."""
    sorts = set(lived.faults())
    best, is_shorter = lived, True
    while is_shorter:
        is_shorter = False
        for steps in _simpler(best.steps):
            tried = live_through(steps, seed=lived.seed)
            if sorts & set(tried.faults()):
                best, is_shorter = tried, True
                break
    return best


def _simpler(steps: History) -> Iterator[History]:
    """Yield histories with something less: halves and quarters first, then single steps."""
    for size in sorted({max(1, len(steps) // parts) for parts in (2, 4, len(steps) or 1)})[::-1]:
        for start in range(0, len(steps), size):
            yield steps[:start] + steps[start + size :]
    for place, step in enumerate(steps):
        for simpler in _simpler_steps(step):
            yield (*steps[:place], simpler, *steps[place + 1 :])


def _simpler_steps(step: Step) -> Iterator[Step]:
    if step.at is not None and not step.act.startswith("killed"):
        yield step._replace(at=None)
    for name in ("which", "much"):
        value = getattr(step, name)
        for smaller in sorted({0, value // 2, value - 1} & set(range(value))):
            yield step._replace(**{name: smaller})


def written(steps: History) -> str:
    """Return a history as `replay` reads it."""
    return "[\n" + "".join(f"    {tuple(step)!r},\n" for step in steps) + "]"


def replay(text: str) -> Lived:
    """Live through a history that `written` wrote."""
    return live_through(tuple(Step(*each) for each in ast.literal_eval(text)))


def main(arguments: Collection[str] | None = None) -> int:
    """Shrink the history of a seed, or replay the one of a file; 1 if it fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", help="a seed, or a file with a history")
    parser.add_argument("--without", nargs="*", default=(), help="acts that do not happen")
    asked = parser.parse_args(list(arguments) if arguments is not None else None)
    logging.disable(logging.CRITICAL)
    if asked.what.isdigit():
        lived = live_through(history(int(asked.what), without=asked.without), seed=int(asked.what))
        lived = shortest(lived) if lived.faults() else lived
    else:
        with open(asked.what, encoding="utf-8") as file:  # noqa: PTH123 - a command's argument
            lived = replay(file.read())
    print(written(lived.steps), lived.faults(), sep="\n")  # noqa: T201 - a command's output
    return 1 if lived.faults() else 0


if __name__ == "__main__":
    raise SystemExit(main())
