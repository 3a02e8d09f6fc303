"""The list of planted bugs, and the planting of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from centra_whistl_dagster_tests.mutants.scratch import PACKAGE, TESTS, Fate, Scratch
from centra_whistl_dagster_tests.workflows.conftest import PROJECT

LIST = Path(__file__).with_name("planted.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A realistic bug, and the tests that must notice it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def fault(self) -> str | None:
        """Return why this entry of the list cannot be used, if so."""
        path = PROJECT / PACKAGE / self.file
        if not path.is_file():
            return f"{self.file} does not exist"
        times = path.read_text(encoding="utf-8").count(self.old)
        if times != 1:
            return f"its text stands {times} times in {self.file}, not once"
        missing = [test for test in self.tests if not (PROJECT / TESTS / test).exists()]
        return f"{', '.join(missing)} does not exist" if missing else None


def listed() -> list[Bug]:
    """Return the bugs of the list."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["bug"]
    return [Bug(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def plant(scratch: Scratch, bugs: Sequence[Bug]) -> Iterator[tuple[Bug, Fate]]:
    """Plant each bug, one at a time, and run the tests that must notice it.

    Raises:
        ValueError: an entry of the list does not fit the code any more.
    """
    if faults := [f"{bug.name}: {fault}" for bug in bugs if (fault := bug.fault())]:
        raise ValueError("\n".join(faults))
    for bug in bugs:
        text = scratch.read(bug.file).replace(bug.old, bug.new)
        with scratch.changed(bug.file, text):
            yield bug, scratch.run(bug.tests)
