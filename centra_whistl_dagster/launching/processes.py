"""Child processes: started in one place, ended in one place, each with its own log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_GRACE_SECONDS = 8.0


class ProcessDied(Exception):
    """A process that should run has ended; its log says why."""


class Processes:
    """Child processes that all end when the `with` block does, however it ends."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Processes:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(*self._running)

    def start(self, name: str, module: str, *arguments: str, env: Mapping[str, str]) -> None:
        """Start `python -m module` in a process group of its own, its output in `name.log`."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                [sys.executable, "-m", module, *arguments],
                env=dict(env),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                umask=0o077,
            )

    def started(self) -> dict[str, int]:
        """Return the process id of each, which is that of its session and process group too."""
        return {name: process.pid for name, process in self._running.items()}

    def kill(self, *names: str) -> None:
        """End processes and their children at once, as a power cut would."""
        for name in names:
            _signal(self._running[name], signal.SIGKILL)
        self._forget(names)

    def stop(self, *names: str) -> None:
        """Ask processes to end; those that do not in time are killed with their children."""
        for name in names:
            _signal(self._running[name], signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        for name in names:
            with suppress(subprocess.TimeoutExpired):  # killed with the rest of its group below
                self._running[name].wait(max(0.1, deadline - time.monotonic()))
            _signal(self._running[name], signal.SIGKILL)
        self._forget(names)

    def check(self) -> None:
        """Raise when a process has ended by itself.

        Raises:
            ProcessDied: naming it and its log.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessDied(
                    f"'{name}' ended with status {process.returncode}; see {self._logs}/{name}.log"
                )

    def _forget(self, names: Sequence[str]) -> None:
        for name in list(names):
            self._running.pop(name).wait()


def _signal(process: subprocess.Popen[bytes], what: signal.Signals) -> None:
    try:
        os.killpg(process.pid, what)
    except ProcessLookupError:
        return  # the whole group has ended already
