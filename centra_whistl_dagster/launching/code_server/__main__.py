"""Run the code server: `python -m centra_whistl_dagster.launching.code_server -h 127.0.0.1 ...`.

A run is forked from a process that has imported everything (`template`), instead of starting an
interpreter. Everything else stays Dagster's own: what a run reports, how it is cancelled, how a
dead one is noticed, where its output goes. Dagster's storage is opened once for all ticks of a
sensor (`instances`). `dagster api grpc` with the same options starts runs
cold.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
from multiprocessing.context import ForkServerContext, ForkServerProcess

from dagster._cli.api import grpc_command
from dagster._grpc import server

from centra_whistl_dagster.launching.code_server.instances import keep_instances
from centra_whistl_dagster.launching.code_server.trial import end_with_status

_LOG = logging.getLogger("dagster.code_server")
_TRIAL_SECONDS = 60.0
TEMPLATE = "centra_whistl_dagster.launching.code_server.template"
_NO_THREADS = {
    # Threads that libraries start when they are imported. Each would be missing in a fork.
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


class WarmApiServer(server.DagsterApiServer):
    """Starts runs with Python's fork server.

    That is a process of its own, without threads, connections or anything of the code server's. If
    it dies, the next run starts another. If it cannot be used at all, runs start cold.
    """

    def __init__(self, *arguments: object, **options: object) -> None:
        warm = multiprocessing.get_context("forkserver")
        warm.set_forkserver_preload([TEMPLATE])
        trial = _started(warm)
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # passed on as they are
        if is_passed(trial):
            self._mp_ctx = warm  # type: ignore[assignment]  # Dagster names the one kind it uses
        else:
            _LOG.error("Runs start cold, which takes 3 s longer each: see the lines before this.")


def _started(warm: ForkServerContext) -> ForkServerProcess | None:
    """Start the template, and one fork of it that says whether forks are safe."""
    trial = warm.Process(target=end_with_status, name="trial")
    try:
        trial.start()
    except (OSError, EOFError):
        return None
    return trial


def is_passed(trial: ForkServerProcess | None) -> bool:
    """Wait for the trial, and say whether runs may be forked."""
    if trial is None:
        return False
    trial.join(_TRIAL_SECONDS)
    return trial.exitcode == 0


def main() -> None:
    """Serve until interrupted."""
    for name, value in _NO_THREADS.items():
        os.environ.setdefault(name, value)
    keep_instances()
    server.DagsterApiServer = WarmApiServer  # type: ignore[misc]
    grpc_command.main(prog_name="code_server")


if __name__ == "__main__":
    main()
