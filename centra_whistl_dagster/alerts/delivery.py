"""Hand letters to their channels in a process that is ended in time, and say what came of each.

Belongs here: the child process and its time limit. Does not belong here: apprise (`channels`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

SECONDS = 8.0
"""For all letters of a round. A sensor has a minute, and others wait behind it."""
_START_SECONDS = 6.0
"""More, for Python and apprise to be loaded on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One alert on its way to one address."""

    id: int
    address: str = field(repr=False)
    title: str
    body: str
    tone: str


def post(letters: Sequence[Letter], *, seconds: float = SECONDS) -> Mapping[int, str | None]:
    """Send letters, each channel's in turn and all channels at the same time.

    Returns:
        By id, None for a letter that was taken and the reason for one that was not. A letter that
        is missing was not tried, or its channel had not answered when time was up.
    """
    task = json.dumps({"seconds": seconds, "letters": [asdict(letter) for letter in letters]})
    # Addresses hold passwords: through standard input, for arguments are seen by everybody.
    command = [sys.executable, "-m", "centra_whistl_dagster.alerts.channels"]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            input=task.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what went wrong is in the answers, without addresses
            timeout=seconds + _START_SECONDS,
            check=False,
        )
        told = done.stdout
    except subprocess.TimeoutExpired as expired:
        told = expired.stdout or b""
    return dict(_answers(told))


def _answers(told: bytes) -> Iterator[tuple[int, str | None]]:
    for line in told.splitlines():
        try:
            answer = json.loads(line)
        except ValueError:
            continue  # cut short by the time limit: as if it had not been said
        yield answer["id"], answer["error"]
