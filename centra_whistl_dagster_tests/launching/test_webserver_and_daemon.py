"""Webserver and daemon as they are started: who may ask them, and what they know."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import InstigatorType

from centra_whistl_dagster.launching.dagster_processes import (
    LOOPBACK,
    DagsterPlaces,
    control_environment,
    free_port,
    start_dagster,
    wait_for,
)
from centra_whistl_dagster.launching.processes import Processes

PROJECT = Path(__file__).resolve().parents[2]
CANARY = "canary-5e1f"
COMMAND = "/graphql?query=mutation%7B__typename%7D"


@dataclass(frozen=True)
class Dagster:
    home: Path
    port: int

    def status(self, path: str, headers: Mapping[str, str]) -> int:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            connection.request("GET", path, headers=dict(headers))
            return connection.getresponse().status
        finally:
            connection.close()

    def environments(self) -> dict[str, bytes]:
        """The environment of each process that was started here, with its children, by role."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # ended meanwhile, or somebody else's
            if f"DAGSTER_HOME={self.home}".encode() in environment:
                found[f"{process.name} {command}"] = environment
        return found


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    home = tmp_path_factory.mktemp("control")
    shutil.copy(PROJECT / "dagster.yaml", home)
    places = DagsterPlaces(home=home, webserver_port=free_port(), code_server_port=free_port())
    with pytest.MonkeyPatch.context() as patch:
        secrets = ("CENTRA_TOKEN", "WHISTL_CLIENT_SECRET", "ALERT_CX_URL", "AWS_SECRET_ACCESS_KEY")
        for name in secrets:
            patch.setenv(name, CANARY)
        patch.setenv("LEDGER_URL", f"postgresql://connection:{CANARY}@{LOOPBACK}:1/ledger")
        patch.setenv("STATE_DIR", str(home / "state"))
        patch.setenv("CONFIG_DIR", str(PROJECT / "config"))
        patch.setenv("DAGSTER_HOME", str(home))
        with Processes(home / "logs") as processes:
            start_dagster(processes, places, os.environ)
            running = Dagster(home, places.webserver_port)
            wait_for(processes, lambda: free_port(running.port) != running.port, "the webserver")
            yield running


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1:{port}", "LOCALHOST:{port}", "[::1]:{port}"]
)
def test_the_webserver_answers_to_names_of_this_machine(dagster: Dagster, host: str) -> None:
    assert dagster.status("/server_info", {"Host": host.format(port=dagster.port)}) == 200


@pytest.mark.parametrize(
    "host",
    ["rebound.example", "rebound.example:{port}", "localhost.rebound.example", "127.0.0.1.nip.io"],
)
@pytest.mark.parametrize("path", ["/", "/server_info", COMMAND])
def test_a_name_that_was_pointed_at_this_machine_gets_no_answer(
    dagster: Dagster, host: str, path: str
) -> None:
    assert dagster.status(path, {"Host": host.format(port=dagster.port)}) == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_gives_no_commands(
    dagster: Dagster, headers: Mapping[str, str]
) -> None:
    assert dagster.status(COMMAND, headers) == 403


def test_a_page_of_another_site_opens_no_web_socket(dagster: Dagster) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "graphql-ws",
    }

    assert dagster.status("/graphql", {**headers, "Origin": "https://evil.example"}) == 403
    assert dagster.status("/graphql", {**headers, "Host": "rebound.example"}) in {400, 403}
    assert dagster.status("/graphql", headers) == 101


def test_our_own_page_and_a_link_in_a_mail_work(dagster: Dagster) -> None:
    own = {"Origin": f"http://127.0.0.1:{dagster.port}", "Sec-Fetch-Site": "same-origin"}

    assert dagster.status("/graphql?query=%7B__typename%7D", own) == 200
    assert dagster.status("/", {"Sec-Fetch-Site": "cross-site"}) == 200


def test_webserver_and_daemon_know_no_secret_and_the_code_server_does(dagster: Dagster) -> None:
    environments = dagster.environments()
    callers = {
        command for command, environment in environments.items() if CANARY.encode() in environment
    }
    others = environments.keys() - callers

    assert any("launching.webserver" in command for command in others)
    assert any("dagster._daemon" in command for command in others)
    assert any("code_server" in command for command in callers)
    assert not [command for command in callers if "webserver" in command or "_daemon" in command]


def test_the_daemon_evaluates_sensors_without_a_secret_of_its_own(dagster: Dagster) -> None:
    with (
        dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(dagster.home))) as instance,
        Processes(dagster.home / "none") as nothing,
    ):

        def has_ticked() -> bool:
            states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
            return any(
                instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
                for state in states
            )

        wait_for(nothing, has_ticked, "the first tick of a sensor")


def test_what_dagster_s_own_storage_needs_is_passed_on(tmp_path: Path) -> None:
    instance = tmp_path / "dagster.yaml"
    instance.write_text(
        "storage: {postgres: {postgres_db: {password: {env: MY_PG}, port: 5432}}}\n"
        "sensors: {use_threads: true}\n"
    )
    environment = {"MY_PG": "x", "CENTRA_TOKEN": "y", "DAGSTER_HOME": "z", "PATH": "p"}

    passed = control_environment(environment, instance)

    assert passed == {"MY_PG": "x", "DAGSTER_HOME": "z", "PATH": "p"}


@pytest.mark.parametrize("name", ["*", "https://dagster.example", "dagster.example:443", ""])
def test_a_name_to_allow_is_a_host_name(name: str) -> None:
    ended = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "centra_whistl_dagster.launching.webserver", "--allow-host", name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "a host name without a port" in ended.stderr
    assert "Traceback" not in ended.stderr
