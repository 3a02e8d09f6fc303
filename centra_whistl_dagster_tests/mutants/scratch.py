"""A copy of the tree in which one change at a time is made, and the tests that must notice it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from centra_whistl_dagster_tests.workflows.conftest import PROJECT

PACKAGE, TESTS = "centra_whistl_dagster", "centra_whistl_dagster_tests"
COPIED = (
    PACKAGE,
    TESTS,
    "config",
    "docs",
    "pyproject.toml",
    "dagster.yaml",
    ".env.example",
    "README.md",
)
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*_cache")
MOST_SECONDS = 1_800
"""Each test has a limit of its own: only a busy machine takes that long."""
FAILED, ALL_PASSED = 1, 0


class Fate(StrEnum):
    """What became of a change."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"  # proves nothing


class Scratch:
    """The copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, file: str) -> str:
        """Return a file of the package."""
        return (self.folder / PACKAGE / file).read_text(encoding="utf-8")

    @contextmanager
    def changed(self, file: str, text: str) -> Iterator[None]:
        """Let a file of the package be another one in this block."""
        path = self.folder / PACKAGE / file
        as_it_was = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(as_it_was, encoding="utf-8")

    def run(self, tests: Sequence[str], *, seconds: float = MOST_SECONDS) -> Fate:
        """Run tests of the copy until one fails.

        Raises:
            RuntimeError: they could not be run at all.
        """
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        command += ["--no-header", "--tb=no", *(f"{TESTS}/{test}" for test in tests)]
        try:
            ended = subprocess.run(  # noqa: S603 - our own command
                command,
                cwd=self.folder,
                # No bytecode: a file changed twice within a second would be taken for the same.
                env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Fate.TIMED_OUT
        if ended.returncode == ALL_PASSED:
            return Fate.SURVIVED
        # A module that cannot even be imported ends collection: noticed, too.
        if ended.returncode == FAILED or "error" in ended.stdout.lower():
            return Fate.CAUGHT
        raise RuntimeError(
            f"{' '.join(tests)} could not be run: {ended.stdout[-500:]}{ended.stderr}"
        )


@contextmanager
def scratch_copy() -> Iterator[Scratch]:
    """Copy the tree, and remove the copy at the end."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        for part in COPIED:
            source, target = PROJECT / part, Path(name) / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=NOT_COPIED)
            else:
                shutil.copy(source, target)
        yield Scratch(Path(name))
