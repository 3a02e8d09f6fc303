"""`make mutants`: plant the listed bugs, or make a sample of small changes, and see what notices.

python -m centra_whistl_dagster_tests.mutants.run [--sample 40] [--seed 1] [--only TEXT] [--write]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable

from centra_whistl_dagster_tests.faults.document import table, write
from centra_whistl_dagster_tests.mutants.planting import listed, plant
from centra_whistl_dagster_tests.mutants.sampling import FOLDERS, make, sample
from centra_whistl_dagster_tests.mutants.scratch import Fate, Scratch, scratch_copy


def planted(scratch: Scratch, only: str) -> tuple[str, bool]:
    """Plant the bugs whose name or file contains a text; return the report and whether all is well.

    Raises:
        RuntimeError: a named test fails without any bug: it would seem to catch every one.
    """
    bugs = [bug for bug in listed() if only in f"{bug.name} {bug.file}"]
    tests = sorted({test for bug in bugs for test in bug.tests})
    if scratch.run(tests) is not Fate.SURVIVED:
        raise RuntimeError(f"one of these fails without a bug: {' '.join(tests)}")
    fates = {}
    for bug, fate in plant(scratch, bugs):
        fates[bug] = fate
        _say(f"{fate}: {bug.name} ({bug.file})")
    survived = [bug for bug, fate in fates.items() if fate is not Fate.CAUGHT]
    lines = [f"{len(bugs) - len(survived)} of {len(bugs)} planted bugs were caught."]
    lines += [f"- {fates[bug]}: {bug.name} (`{bug.file}`)" for bug in survived]
    return "\n".join(lines), not survived


def sampled(scratch: Scratch, count: int, seed: int) -> tuple[str, bool]:
    """Make a sample of small changes; return the report, with a score for each folder."""
    caught, made = Counter[str](), Counter[str]()
    survived = []
    for change, line, fate in make(scratch, sample(scratch, count, seed)):
        made[change.folder] += 1
        caught[change.folder] += fate is Fate.CAUGHT
        if fate is not Fate.CAUGHT:
            survived.append(f"- {fate}: {change}: `{line}`")
        _say(f"{fate}: {change}: {line}")
    rows = [
        (folder, str(made[folder]), str(caught[folder]), f"{caught[folder] / made[folder]:.0%}")
        for folder in FOLDERS
        if made[folder]
    ]
    scores = table(("folder", "changes", "caught", "score"), rows)
    return "\n\n".join([scores, "\n".join(survived)]).strip(), True


def _timed(what: Callable[[], tuple[str, bool]], command: str) -> tuple[str, bool]:
    began = time.monotonic()
    text, is_well = what()
    minutes = (time.monotonic() - began) / 60
    return f"Written by `{command}`, {minutes:.0f} minutes.\n\n{text}", is_well


def main() -> int:
    """Run from the command line; 0 unless a planted bug survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="small changes instead of the list")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="of the list, bugs whose name or file has this")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    asked = parser.parse_args()
    with scratch_copy() as scratch:
        if asked.sample:
            command = f"make mutants SAMPLE={asked.sample} SEED={asked.seed}"
            text, is_well = _timed(lambda: sampled(scratch, asked.sample, asked.seed), command)
        else:
            text, is_well = _timed(lambda: planted(scratch, asked.only), "make mutants")
    _say(text)
    if asked.write:
        write(text, part="sample" if asked.sample else "planted")
    return 0 if is_well else 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's output


if __name__ == "__main__":
    sys.exit(main())
