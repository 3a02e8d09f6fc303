"""Run Dagster and the desk against the systems that the environment names, until interrupted."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from centra_whistl_dagster.launching.dagster_processes import (
    LOOPBACK,
    DagsterPlaces,
    free_port,
    start_dagster,
    start_desk,
)
from centra_whistl_dagster.launching.processes import Processes
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.exceptions.step_failures import open_ledger

_CHECK_SECONDS = 1.0
DESK_PORT = 3001


def run_until_interrupted(project: Path, *, port: int, may_write: bool) -> None:
    """Check the settings, start Dagster and the desk, and run until it ends or is interrupted.

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
    desk_port = free_port(DESK_PORT)
    desk_url = f"http://{LOOPBACK}:{desk_port}"
    # Dagster's page links to the desk.
    environment |= {"DAGSTER_HOME": str(home), "DESK_URL": settings.desk_url or desk_url}
    with Processes(settings.state_path / "logs") as processes:
        start_dagster(processes, places, environment)
        start_desk(processes, desk_port, environment)
        dagster = f"http://{LOOPBACK}:{places.webserver_port}"
        print(f"Dagster: {dagster}   Desk: {desk_url}   Ctrl-C ends both.")  # noqa: T201 - for the person who started it
        while True:
            processes.check()
            time.sleep(_CHECK_SECONDS)
