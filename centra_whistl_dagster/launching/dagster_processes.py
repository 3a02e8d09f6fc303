"""Dagster as in production, in three processes: a code server, the webserver, the daemon."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from centra_whistl_dagster.environment import DeskEnvironment
from centra_whistl_dagster.launching.processes import Processes

LOOPBACK = "127.0.0.1"
DAGSTER = ("code_server", "webserver", "daemon")
DESK = "desk"
_WARM = ("centra_whistl_dagster.launching.code_server",)
_COLD = ("dagster", "api", "grpc")
START_SECONDS = 120.0
_PASSED_ON = (
    *("PATH", "LANG", "LC_", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHON", "VIRTUAL_ENV"),
    *("HOME", "USER", "DAGSTER_HOME", "DAGSTER_WEBSERVER_"),
)
"""Beginnings of the variables that Python and Dagster need. What is not known to be needed may be a
secret, whatever it is called."""


class DidNotStart(Exception):
    """A process did not come up in time; its log says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DagsterPlaces:
    """Where Dagster keeps its files and listens."""

    home: Path
    """DAGSTER_HOME: holds a `dagster.yaml`."""
    webserver_port: int
    code_server_port: int
    is_read_only: bool = True
    """Unless it is, the webserver takes commands from any page open in an operator's browser."""
    starts_runs_warm: bool = True
    """Each run is a fork of a process with everything imported; else Dagster spawns a new one."""
    has_daemon: bool = True
    """Without it nothing runs but what is launched by hand."""

    @property
    def workspace(self) -> Path:
        """The file that says where the code server listens."""
        return self.home / "workspace.yaml"


def start_dagster(
    processes: Processes, places: DagsterPlaces, environment: Mapping[str, str]
) -> None:
    """Start them, the code server first: the others retry an absent one rarely.

    Raises:
        DidNotStart: the code server did not come up.
        ProcessDied: it ended by itself.
    """
    _start_code_server(processes, places, environment)
    # Every run, sensor and schedule is evaluated in the code server or a child of it.
    without_secrets = control_environment(environment, places.home / "dagster.yaml")
    workspace = str(places.workspace)
    processes.start(
        "webserver",
        "centra_whistl_dagster.launching.webserver",
        *("-h", LOOPBACK, "-p", str(places.webserver_port), "-w", workspace),
        *(["--read-only"] if places.is_read_only else []),
        env=without_secrets,
    )
    if places.has_daemon:
        processes.start("daemon", "dagster._daemon", "run", "-w", workspace, env=without_secrets)


def _start_code_server(
    processes: Processes, places: DagsterPlaces, environment: Mapping[str, str]
) -> None:
    port = str(places.code_server_port)
    places.workspace.write_text(
        "load_from:\n"
        f"  - grpc_server: {{host: {LOOPBACK}, port: {port}, location_name: centra_whistl}}\n",
        encoding="utf-8",
    )
    module, *command = _WARM if places.starts_runs_warm else _COLD
    processes.start(
        "code_server",
        module,
        *command,
        *("-h", LOOPBACK, "-p", port),
        *("-m", "centra_whistl_dagster.definitions", "--location-name", "centra_whistl"),
        env=environment,
    )
    wait_for(processes, lambda: _listens(int(port)), "the code server")


def start_desk(processes: Processes, port: int, environment: Mapping[str, str]) -> None:
    """Start the desk on loopback and wait until it answers.

    Raises:
        DidNotStart: it did not come up.
        ProcessDied: it ended by itself.
    """
    processes.start(
        DESK, "centra_whistl_dagster.desk", "--port", str(port), env=desk_environment(environment)
    )
    wait_for(processes, lambda: _listens(port), "the desk")


def desk_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the desk gets of an environment: what is kept here, and no other secret."""
    named = set(DeskEnvironment.model_fields) - {"LEDGER_KEY", "LEDGER_FORMER_KEY"}
    return {
        name: value
        for name, value in environment.items()
        if name.removesuffix("_FILE") in named or name.startswith(_PASSED_ON)
    }


def control_environment(environment: Mapping[str, str], instance: Path) -> dict[str, str]:
    """Return what webserver and daemon get of an environment: no setting and no secret of ours.

    Args:
        environment: all variables.
        instance: the `dagster.yaml`; variables that it takes from the environment, such as the
            password of Dagster's own storage, are passed on.
    """
    named = _names_in(yaml.safe_load(instance.read_text(encoding="utf-8")))
    return {
        name: value
        for name, value in environment.items()
        if name in named or name.startswith(_PASSED_ON)
    }


def _names_in(config: object) -> set[str]:
    """Return the variables that a Dagster configuration takes from the environment."""
    if isinstance(config, list):
        return set().union(*map(_names_in, config))
    if not isinstance(config, dict):
        return set()
    if set(config) == {"env"} and isinstance(config["env"], str):
        return {config["env"]}
    return set().union(*map(_names_in, config.values()))


def wait_for(processes: Processes, is_there: Callable[[], bool], what: str) -> None:
    """Wait until something has come up.

    Raises:
        DidNotStart: it did not within `START_SECONDS`.
        ProcessDied: a process ended by itself.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        processes.check()
        if is_there():
            return
        time.sleep(0.2)
    raise DidNotStart(f"{what} did not come up within {START_SECONDS:.0f} s")


def free_port(wanted: int = 0) -> int:
    """Return `wanted` if nobody listens there, else any free port on loopback."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            bound: int = probe.getsockname()[1]
            return bound
    sys.exit("No free port on 127.0.0.1 was found.")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
