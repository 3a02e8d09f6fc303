"""The systemd units: valid, hardened, secrets in one process only, and they carry an order."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from centra_whistl_dagster.launching.dagster_processes import free_port
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv, stock_world
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import Settings, World
from centra_whistl_dagster_tests.deploy.units import (
    INSTALLED,
    PROJECT,
    SERVICES,
    STATE,
    UNITS,
    command_of,
    environment_of,
    path_of,
    settings_of,
)

ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 20
"""Of 100, as systemd counts it. Without any hardening a service has 96."""
LONGEST = 150.0
SECRET = "whistl-test-secret"
PUSH_SECRET = "push-test-secret"

OWN_UNITS = Path("/usr/lib/systemd/system")
FIRST_TO_JUDGE_FILES = 250


def can_judge_files() -> bool:
    """Say whether this machine's systemd can examine units that are not installed."""
    if ANALYZE is None or not OWN_UNITS.is_dir():
        return False
    command = [ANALYZE, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - systemd's own
    version = re.match(r"systemd (\d+)", said)
    return version is not None and int(version[1]) >= FIRST_TO_JUDGE_FILES


needs_systemd = pytest.mark.skipif(
    not can_judge_files(), reason=f"systemd {FIRST_TO_JUDGE_FILES} is not on this machine"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A file system on which the units are installed."""
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(UNITS, units)
    shutil.copytree(OWN_UNITS, tmp_path / str(OWN_UNITS).lstrip("/"), symlinks=True)
    for service in SERVICES:
        program = tmp_path / command_of(service)[0].lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(mode=0o755)
    return tmp_path


def analyze(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ANALYZE), f"--root={root}", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - systemd's own


@needs_systemd
def test_systemd_accepts_every_unit(root: Path) -> None:
    installed = (root / "etc/systemd/system").iterdir()
    units = [str(path) for path in installed if path.suffix in {".service", ".target"}]

    done = analyze(root, "verify", *units)

    assert len(units) == len(SERVICES) + 1
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_hardly_exposed(root: Path, service: str) -> None:
    done = analyze(
        root,
        *("security", "--offline=true", f"--threshold={MOST_EXPOSED}"),
        path_of(service).name,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_as_a_user_of_its_own_who_can_write_its_state_alone(service: str) -> None:
    settings = settings_of(service)

    assert settings["User"] == ["centra-whistl"]
    assert settings["NoNewPrivileges"] == ["yes"]
    assert settings["ProtectSystem"] == ["strict"]
    assert settings["StateDirectory"] == ["centra-whistl"]
    assert settings["UMask"] == ["0077"]
    assert "ReadWritePaths" not in settings


@pytest.mark.parametrize("service", SERVICES)
def test_analysts_can_pass_through_the_state_folder_to_the_published_copy_and_list_nothing(
    service: str,
) -> None:
    guide = (PROJECT / "docs" / "deployment.md").read_text(encoding="utf-8")

    assert settings_of(service)["StateDirectoryMode"] == ["0711"]
    assert f"install -d -m 711 -o centra-whistl -g centra-whistl {STATE}\n" in guide


def test_only_the_code_server_gets_the_settings_with_the_secrets() -> None:
    given = {
        service: Path(*files).name
        for service in SERVICES
        if (files := settings_of(service).get("EnvironmentFile"))
    }
    shut_out = {
        service
        for service in SERVICES
        if f"-{STATE}/state" in " ".join(settings_of(service).get("InaccessiblePaths", [])).split()
    }

    assert given == {
        "code-server": "connection.env",
        "hooks": "hooks.env",
        "desk": "desk.env",
    }
    assert shut_out == {"webserver", "daemon"}


@pytest.mark.parametrize("service", ["webserver", "daemon", "desk"])
def test_what_calls_no_other_system_cannot_reach_one_and_cannot_read_the_secrets(
    service: str,
) -> None:
    settings = settings_of(service)

    assert settings["IPAddressDeny"] == ["any"]
    assert settings["IPAddressAllow"] == ["localhost"]
    assert "-/etc/centra-whistl" in " ".join(settings["InaccessiblePaths"]).split()


def test_nothing_listens_beyond_this_machine_and_the_page_takes_no_commands() -> None:
    for service in ("code-server", "webserver", "hooks", "desk"):
        command = command_of(service)
        assert command[command.index("--host") + 1] == "127.0.0.1"
    assert "--read-only" in command_of("webserver")


def test_the_services_log_is_limited_in_size_and_age() -> None:
    limits = (UNITS / "journald@centra-whistl.conf").read_text(encoding="utf-8")

    assert {tuple(settings_of(service)["LogNamespace"]) for service in SERVICES} == {
        ("centra-whistl",)
    }
    assert re.search(r"^SystemMaxUse=\d+G$", limits, flags=re.MULTILINE)
    assert re.search(r"^MaxRetentionSec=\d+day$", limits, flags=re.MULTILINE)


# ---- the commands, started as the units say
class Services:
    """The services on folders of a test, each with exactly the environment of its unit."""

    def __init__(self, folder: Path, connection: dict[str, str]) -> None:
        self.folder = folder
        self._connection = connection
        self.page, self.desk = free_port(), free_port()
        self._code_server = free_port()
        self.hooks = free_port()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        home = folder / "dagster_home"
        home.mkdir()
        shutil.copy(PROJECT / "dagster.yaml", home)
        workspace = (PROJECT / "deploy" / "workspace.yaml").read_text(encoding="utf-8")
        (folder / "workspace.yaml").write_text(workspace.replace("4000", str(self._code_server)))

    def _on_this_machine(self, text: str) -> str:
        text = text.replace(f"{INSTALLED}/.venv/bin", str(Path(sys.executable).parent))
        text = text.replace(f"{INSTALLED}/deploy/workspace.yaml", f"{self.folder}/workspace.yaml")
        return text.replace(STATE, str(self.folder))

    def start(self, service: str) -> None:
        ports = {
            "4000": str(self._code_server),
            "3000": str(self.page),
            "3001": str(self.desk),
            "8010": str(self.hooks),
        }
        command = [ports.get(part, self._on_this_machine(part)) for part in command_of(service)]
        environment = {
            name: self._on_this_machine(value) for name, value in environment_of(service).items()
        }
        if files := settings_of(service).get("EnvironmentFile"):
            given = {
                "connection.env": self._connection,
                "hooks.env": self._hooks(),
                "desk.env": self._desk(),
            }
            environment |= given[Path(*files).name]
        # Where a test installation has the package: on a real one it is inside .venv.
        environment |= {"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        with (self.folder / f"{service}.log").open("wb") as log:
            self.running[service] = subprocess.Popen(  # noqa: S603 - the units' own commands
                command,
                env=environment,
                cwd=PROJECT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _hooks(self) -> dict[str, str]:
        """Return what the deployment guide puts into `hooks.env`."""
        needed = {"STATE_DIR", "CONFIG_DIR", "CENTRA_WEBHOOK_SECRET"}
        return {name: self._connection[name] for name in needed}

    def _desk(self) -> dict[str, str]:
        """Return what the deployment guide puts into `desk.env`, for reading alone."""
        return {name: self._connection[name] for name in ("STATE_DIR", "CONFIG_DIR")}

    def environment_in_use(self, service: str) -> str:
        process = self.running[service].pid
        return Path(f"/proc/{process}/environ").read_bytes().decode().replace("\0", "\n")

    def stop(self) -> None:
        for process in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def answers(self) -> bool:
        pages = (f"http://127.0.0.1:{self.page}/server_info", f"http://127.0.0.1:{self.desk}/")
        try:
            for page in pages:
                with urlopen(page, timeout=5) as answer:  # noqa: S310 - ours
                    if answer.status != 200:
                        return False
        except (URLError, OSError):
            return False
        return True

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LONGEST
        while not is_so():
            ended = {name for name, each in self.running.items() if each.poll() is not None}
            assert not ended, f"ended by itself: {ended}; {self.logs()}"
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.2)

    def logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))


@pytest.fixture
def world() -> World:
    limits = {"whistl_requests_per_minute": None}
    world = World(Settings(seed=7, skus=20, centra_limits=None, switches=limits))
    stock_world(world)
    open_warehouse(world)
    return world


@pytest.fixture
def services(world: World, tmp_path: Path) -> Iterator[Services]:
    config = tmp_path / "config"
    shutil.copytree(PROJECT / "config", config)
    (config / "shipping_services.csv").write_text(shipping_services_csv(world))
    with RunningSimulator(world) as simulator:
        services = Services(
            tmp_path,
            {
                "CENTRA_BASE_URL": simulator.centra_url,
                "CENTRA_TOKEN": TEST_TOKEN,
                "CENTRA_PLAN": "unlimited",
                "WHISTL_BASE_URL": simulator.whistl_url,
                "WHISTL_CLIENT_ID": "whistl-test-client",
                "WHISTL_CLIENT_SECRET": SECRET,
                "WHISTL_CLIENT_CODE": "ACME",
                "WHISTL_SITE": "SW",
                "WHISTL_REQUESTS_PER_MINUTE": "0",
                "CENTRA_WEBHOOK_SECRET": PUSH_SECRET,
                "STATE_DIR": str(tmp_path / "state"),
                "CONFIG_DIR": str(config),
            },
        )
        yield services
        services.stop()


@pytest.mark.timeout(400)
def test_the_services_started_together_on_a_fresh_home_carry_an_order(
    services: Services, world: World
) -> None:
    with world.lock:
        order = place_order(world, [(next(iter(world.items)), 2)])

    for service in SERVICES:
        services.start(service)

    services.wait_until(services.answers)
    services.wait_until(lambda: order.is_locked)
    assert len(world.whistl_orders_of(order)) == 1
    assert SECRET in services.environment_in_use("code-server")
    for service in ("webserver", "daemon", "hooks", "desk"):
        found = services.environment_in_use(service)
        assert SECRET not in found
        assert TEST_TOKEN not in found
        assert (PUSH_SECRET in found) is (service == "hooks")
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"http://127.0.0.1:{services.hooks}/centra", data=b"payload=", timeout=5)
