"""Runs of the real code server are forks, and keep every promise that Dagster makes of a run."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import WorkerStatus
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import GrpcServerTarget

from centra_whistl_dagster.launching.code_server.__main__ import is_passed
from centra_whistl_dagster.launching.dagster_processes import LOOPBACK, free_port, wait_for
from centra_whistl_dagster.launching.processes import Processes
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind, FaultRule
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv, stock_world
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import CentraOrder, Settings, World
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.link import open_link

PROJECT = Path(__file__).resolve().parents[2]
LONGEST = 60.0
"""Seconds that anything may take, however slow the machine is."""


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LONGEST
    while not is_so():
        assert time.monotonic() < deadline, f"not within {LONGEST:.0f} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Installation:
    """A code server and what launches runs in it, beside the two simulated systems."""

    world: World
    instance: dg.DagsterInstance
    workspace: WorkspaceRequestContext

    def order(self) -> CentraOrder:
        with self.world.lock:
            return place_order(self.world, [(next(iter(self.world.items)), 2)])

    def slow_order(self, seconds: float) -> None:
        """Let Whistl take so long over the next order."""
        rule = FaultRule(
            system="whistl",
            operation="create_order",
            kind=FaultKind.SLOW,
            nth=1,
            seconds=seconds,
        )
        self.world.faults.put(rule)

    def launch(self) -> str:
        """Launch a relay of orders as a sensor does; return the run's id."""
        location = self.workspace.get_code_location("centra_whistl")
        (repository,) = location.get_repositories().values()
        job = repository.get_full_job("relay_orders")
        plan = location.get_execution_plan(
            job, {}, step_keys_to_execute=None, known_state=None, instance=self.instance
        )
        run = self.instance.create_run(
            job_name="relay_orders",
            run_id=None,
            run_config={},
            status=dg.DagsterRunStatus.NOT_STARTED,
            tags={},
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=plan.execution_plan_snapshot,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=job.parent_job_snapshot,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=repository.asset_graph,
        )
        self.instance.launch_run(run.run_id, self.workspace)
        return str(run.run_id)

    def run(self, run_id: str) -> dg.DagsterRun:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run

    def ended(self, run_id: str) -> dg.DagsterRunStatus:
        wait_until(lambda: self.run(run_id).is_finished, "the run ends")
        return self.run(run_id).status

    def process_of(self, run_id: str) -> int:
        """Return the process in which a run is executed, as its first event says."""

        def found() -> list[str]:
            words = [entry.message for entry in self.instance.all_logs(run_id)]
            return [text for text in words if "Started process for run" in text]

        wait_until(lambda: bool(found()), "the run's process starts")
        return int(found()[0].rpartition(" ")[2].strip(").") or 0)

    def wait_until_whistl_is_asked(self) -> None:
        faults = self.world.faults.fired
        before = sum(faults.values())
        wait_until(lambda: sum(faults.values()) > before, "the order is on its way")

    def wait_until_the_claim_is_over(self, order: CentraOrder) -> None:
        """Let the time pass for which a process that is gone still holds an order."""
        ledger = Ledger(os.environ["LEDGER_URL"], now=lambda: datetime.now(UTC))
        with closing(ledger), ledger.transaction() as tx:
            orders.update(tx, [order.order_id], due_at=tx.now)

    def relay_until_sent(self, order: CentraOrder) -> None:
        """Launch relays until Whistl has the order, as the sensor would."""
        given_up_at = time.monotonic() + 240
        while time.monotonic() < given_up_at:
            assert self.ended(self.launch()) is dg.DagsterRunStatus.SUCCESS
            if order.is_locked:
                return
            time.sleep(0.5)
        pytest.fail("the order was never sent")

    def at_whistl(self, order: CentraOrder) -> int:
        return len(self.world.whistl_orders_of(order))


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def is_alive(process: int) -> bool:
    """Say whether a process runs: neither ended nor a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("warm")
    world = World(
        Settings(
            seed=7,
            skus=20,
            centra_limits=None,
            switches={"whistl_requests_per_minute": None},
        )
    )
    stock_world(world)
    open_warehouse(world)
    shutil.copy(PROJECT / "dagster.yaml", home)
    shutil.copytree(PROJECT / "config", home / "config")
    (home / "config" / "shipping_services.csv").write_text(shipping_services_csv(world))
    port = free_port()
    with (
        RunningSimulator(world) as simulator,
        Processes(home / "logs") as processes,
        pytest.MonkeyPatch.context() as patch,
    ):
        environment = {
            "CENTRA_BASE_URL": simulator.centra_url,
            "CENTRA_TOKEN": TEST_TOKEN,
            "CENTRA_PLAN": "unlimited",
            "WHISTL_BASE_URL": simulator.whistl_url,
            "WHISTL_CLIENT_ID": "whistl-test-client",
            "WHISTL_CLIENT_SECRET": "whistl-test-secret",
            "WHISTL_CLIENT_CODE": "ACME",
            "WHISTL_SITE": "SW",
            "WHISTL_REQUESTS_PER_MINUTE": "0",
            "WHISTL_LOOK_UP_LAG_SECONDS": "1",
            "STATE_DIR": str(home / "state"),
            "LEDGER_URL": f"sqlite:///{home}/ledger.db",
            "CONFIG_DIR": str(home / "config"),
            "DAGSTER_HOME": str(home),
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        processes.start(
            "code_server",
            "centra_whistl_dagster.launching.code_server",
            *("-h", LOOPBACK, "-p", str(port)),
            *("-m", "centra_whistl_dagster.definitions", "--location-name", "centra_whistl"),
            env=os.environ,
        )
        target = GrpcServerTarget(
            host=LOOPBACK, port=port, socket=None, location_name="centra_whistl"
        )
        wait_for(processes, lambda: listens(port), "the code server")
        with (
            dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as instance,
            WorkspaceProcessContext(instance, target) as workspace,
        ):
            ended = threading.Event()
            sensors = threading.Thread(target=keep_alive_until, args=(ended,))
            sensors.start()
            yield Installation(world, instance, workspace.create_request_context())
            ended.set()
            sensors.join()


def keep_alive_until(ended: threading.Event) -> None:
    """Keep the ledger alive as sensors do: after two minutes of silence, orders would wait."""
    while not ended.wait(10):
        with open_link(load_settings(os.environ)) as link:
            keep_alive(link)


def nothing() -> None: ...


def listens(port: int) -> bool:
    return free_port(port) != port


def test_runs_are_forks_of_one_process_that_lives_on(installation: Installation) -> None:
    order = installation.order()
    installation.slow_order(1)

    first = installation.launch()
    template = parent_of(installation.process_of(first))
    ended = installation.ended(first)
    second = installation.launch()
    installation.process_of(second)
    installation.ended(second)

    assert ended is dg.DagsterRunStatus.SUCCESS
    assert installation.at_whistl(order) == 1
    assert "forkserver" in Path(f"/proc/{template}/cmdline").read_text()
    worker = installation.process_of(first)
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), "its process is gone, not a zombie")


@pytest.mark.timeout(420)
def test_a_worker_killed_while_an_order_is_on_its_way_repeats_nothing(
    installation: Installation,
) -> None:
    order = installation.order()
    installation.slow_order(2)
    run = installation.launch()
    installation.wait_until_whistl_is_asked()

    os.kill(installation.process_of(run), signal.SIGKILL)
    ended = installation.ended(run)
    installation.wait_until_the_claim_is_over(order)
    installation.relay_until_sent(order)

    assert ended is dg.DagsterRunStatus.FAILURE
    assert installation.at_whistl(order) == 1


@pytest.mark.timeout(420)
def test_a_template_killed_during_a_relay_loses_and_repeats_nothing(
    installation: Installation,
) -> None:
    order = installation.order()
    installation.slow_order(2)
    run = installation.launch()
    worker = installation.process_of(run)
    installation.wait_until_whistl_is_asked()
    template = parent_of(worker)

    os.kill(template, signal.SIGKILL)
    installation.ended(run)
    wait_until(lambda: not is_alive(worker), "the worker has done its work")
    installation.relay_until_sent(order)

    assert installation.at_whistl(order) == 1
    assert not is_alive(template)


def test_a_run_that_is_cancelled_in_the_page_ends(installation: Installation) -> None:
    order = installation.order()
    installation.slow_order(5)
    run = installation.launch()
    installation.wait_until_whistl_is_asked()
    launcher = installation.instance.run_launcher
    health = launcher.check_run_worker_health(installation.run(run)).status

    assert launcher.terminate(run)
    assert installation.ended(run) is dg.DagsterRunStatus.CANCELED
    installation.wait_until_the_claim_is_over(order)
    assert health is WorkerStatus.RUNNING
    assert launcher.check_run_worker_health(installation.run(run)).status is not health
    installation.relay_until_sent(order)
    assert installation.at_whistl(order) == 1


@pytest.mark.parametrize(
    ("case", "work", "is_fit"),
    [
        ("no threads", nothing, True),
        ("a library has started a thread", partial(sys.exit, "threads"), False),
        ("it cannot be imported", partial(int, "no number"), False),
    ],
)
def test_runs_start_cold_where_a_fork_is_not_safe(
    case: str, work: Callable[[], object], is_fit: bool
) -> None:
    trial = get_context("forkserver").Process(target=work)
    trial.start()

    assert is_passed(trial) is is_fit, case


def test_runs_start_cold_where_there_is_nothing_to_fork_from() -> None:
    assert not is_passed(None)


def test_dagster_still_starts_runs_with_what_is_replaced(installation: Installation) -> None:
    """A minor version that keeps the kind of its processes elsewhere would start runs cold."""
    import inspect  # noqa: PLC0415

    from dagster._grpc.server import DagsterApiServer  # noqa: PLC0415

    assert installation
    assert "self._mp_ctx.Process(" in inspect.getsource(DagsterApiServer.StartRun)
