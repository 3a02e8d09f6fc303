"""Run Dagster against the systems that the environment names, until interrupted."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from centra_whistl_dagster.launching.dagster_processes import (
    DagsterPlaces,
    free_port,
    start_dagster,
)
from centra_whistl_dagster.launching.processes import Processes
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.exceptions.step_failures import open_ledger

_CHECK_SECONDS = 1.0


def run_until_interrupted(project: Path, *, port: int, may_write: bool) -> None:
    """Check the settings, start Dagster, and run until it ends or is interrupted.

    Args:
        project: the folder with `dagster.yaml` and `config/`.
        port: where the web page should be, on loopback.
        may_write: let the web page launch runs and change things.

    Raises:
        LedgerUnavailable: its database cannot be used; nothing was started.
        ConfigError: a setting or a configuration file is missing or wrong; nothing was started.
        ProcessDied: a process ended by itself.
    """
    environment = dict(os.environ)
    settings = load_settings(environment)
    settings.load_configuration()
    open_ledger(settings).close()
    for unstated in [*settings.unstated(), *settings.unencrypted()]:
        print(f"Warning: {unstated}")  # noqa: T201 - for the person who started it
    home = Path(environment.get("DAGSTER_HOME") or settings.state_path / "dagster_home").resolve()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copy(project / "dagster.yaml", home)
    places = DagsterPlaces(
        home=home,
        webserver_port=free_port(port),
        code_server_port=free_port(),
        is_read_only=not may_write,
    )
    environment["DAGSTER_HOME"] = str(home)
    with Processes(settings.state_path / "logs") as processes:
        start_dagster(processes, places, environment)
        print(f"Dagster: http://127.0.0.1:{places.webserver_port}   Ctrl-C ends it.")  # noqa: T201 - for the person who started it
        while True:
            processes.check()
            time.sleep(_CHECK_SECONDS)
