"""Send letters through a child process with a time limit, and report what became of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

SECONDS = 8.0
"""For all letters of one run. A sensor has a minute, and other sensors wait behind it."""
_START_SECONDS = 6.0
"""Added for loading Python and apprise on a busy machine."""
_PASSED_ON = ("PATH", "LANG", "LC_", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHON", "VIRTUAL_ENV")
"""Beginnings of the variables that Python itself needs. Of the others, some would send alerts
through a proxy or have other certificates trusted, and some are secrets of the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One alert on its way to one address."""

    id: int
    address: str = field(repr=False)
    title: str
    body: str
    severity: str
    html: str | None = None
    """The same as a whole HTML document, for mail; None where there is text alone."""


def post(letters: Sequence[Letter], *, seconds: float = SECONDS) -> Mapping[int, str | None]:
    """Send letters, one after the other in each channel and all channels at once.

    Returns:
        By id, None for a letter that was accepted and the reason for one that was not. A letter
        that is missing was not tried, or its channel had not answered when time was up.
    """
    task = json.dumps({"seconds": seconds, "letters": [asdict(letter) for letter in letters]})
    # Addresses hold passwords: standard input is private, arguments are visible to everybody.
    command = [sys.executable, "-m", "centra_whistl_dagster.alerts.channels"]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            input=task.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # failures are in the answers, without addresses
            timeout=seconds + _START_SECONDS,
            check=False,
            env={name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
        )
        output = done.stdout
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
    return dict(_answers(output))


def _answers(output: bytes) -> Iterator[tuple[int, str | None]]:
    for line in output.splitlines():
        try:
            answer = json.loads(line)
        except ValueError:
            continue  # cut short by the time limit: the letter counts as not answered
        yield answer["id"], answer["error"]
