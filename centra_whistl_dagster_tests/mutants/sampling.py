"""Small changes at random places, by the operators of cosmic-ray, and whether a test notices them.

cosmic-ray is installed apart (`make mutants`), so it is imported only here, when it is needed.
"""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from centra_whistl_dagster_tests.mutants.scratch import PACKAGE, Fate, Scratch

TESTS_OF: Mapping[str, tuple[str, ...]] = {
    "domain/orders": ("domain/orders", "screening", "workflows/orders", "workflows/shipments"),
    "domain/stock": ("domain/stock", "workflows/stock"),
    "domain/exceptions": ("alerts", "config_files", "workflows/exceptions"),
    "domain": ("domain", "workflows"),
    "workflows/orders": ("workflows/orders", "faults"),
    "workflows/shipments": ("workflows/shipments", "faults"),
    "workflows/stock": ("workflows/stock",),
    "workflows/exceptions": ("workflows/exceptions", "defs/test_alert_sensors.py"),
    "workflows/reference": ("workflows/orders", "defs"),
    "workflows/upkeep": ("workflows/upkeep", "defs", "cli"),
    "workflows": ("workflows", "defs"),
    "ledger": ("ledger", "workflows"),
    "transport": ("transport", "whistl", "centra"),
}
"""The tests that must notice a change of a file in a folder, by the longest folder that fits."""

FOLDERS = ("domain", "workflows", "ledger", "transport")
UNTESTABLE = re.compile(
    r"BinaryOperator_BitOr"  # `int | None` of an annotation, which nothing evaluates
    r"|ReplaceComparisonOperator_(Is|Eq)_(Eq|Is)$|ReplaceComparisonOperator_(IsNot|NotEq)_(NotEq|IsNot)$"
)
"""Operators whose changes mostly mean the same as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One small change."""

    file: str
    """Below the package."""
    operator: str
    occurrence: int
    line: int

    @property
    def folder(self) -> str:
        """The folder that its score counts for."""
        return self.file.split("/")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.operator.removeprefix('core/')}"


def sample(scratch: Scratch, count: int, seed: int) -> list[Change]:
    """Draw changes, as many of each folder, and no two of one line."""
    rng = random.Random(f"{seed} changes")  # noqa: S311 - draws a sample
    drawn: dict[tuple[str, int], Change] = {}
    for place in range(count):
        folder = FOLDERS[place % len(FOLDERS)]
        files = sorted((scratch.folder / PACKAGE / folder).rglob("*.py"))
        weights = [path.stat().st_size for path in files]
        while True:
            path = rng.choices(files, weights)[0]
            lines = _changes_of(scratch, str(path.relative_to(scratch.folder / PACKAGE)))
            free = [line for line in lines if (str(path), line) not in drawn]
            if free:
                line = rng.choice(free)
                drawn[str(path), line] = rng.choice(lines[line])
                break
    return list(drawn.values())


@cache
def _operators() -> dict[str, Any]:
    plugins = importlib.import_module("cosmic_ray.plugins")
    kinds = {name: plugins.get_operator(name) for name in plugins.operator_names()}
    return {
        name: kind()
        for name, kind in sorted(kinds.items())
        if not kind.arguments() and not UNTESTABLE.search(name)
    }


@cache
def _changes_of(scratch: Scratch, file: str) -> dict[int, list[Change]]:
    """Return every change that can be made to a file, by line; none inside an annotation."""
    ast = importlib.import_module("cosmic_ray.ast")
    nodes = list(ast.ast_nodes(ast.get_ast_from_path(scratch.folder / PACKAGE / file)))
    found: dict[int, list[Change]] = {}
    for name, operator in _operators().items():
        positions = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (line, _) in enumerate(positions):
            change = Change(file=file, operator=name, occurrence=occurrence, line=line)
            found.setdefault(line, []).append(change)
    return found


def make(scratch: Scratch, changes: Sequence[Change]) -> Iterator[tuple[Change, str, Fate]]:
    """Make each change, one at a time, and yield the changed line and what became of it."""
    mutating = importlib.import_module("cosmic_ray.mutating")
    for change in changes:
        before = scratch.read(change.file)
        text = mutating.mutate_code(before, _operators()[change.operator], change.occurrence)
        if text is None:
            raise RuntimeError(f"{change} cannot be made")
        with scratch.changed(change.file, text):
            fate = scratch.run(noticed_by(change.file))
        yield change, text.splitlines()[change.line - 1].strip(), fate


def noticed_by(file: str) -> tuple[str, ...]:
    """Return the tests that must notice a change of a file."""
    fits = [folder for folder in TESTS_OF if Path(file).is_relative_to(folder)]
    return TESTS_OF[max(fits, key=len)]
