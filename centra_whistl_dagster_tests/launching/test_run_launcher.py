"""A run whose process has died is noticed, so that it holds no place in the queue."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import serialize_value

from centra_whistl_dagster.launching.run_launcher import WatchingRunLauncher

PROJECT = Path(__file__).resolve().parents[2]
RUN = dg.DagsterRun(job_name="publish_history", run_id="00000000-0000-4000-8000-000000000001")


class CodeServer:
    """Knows the processes of the runs that it started."""

    def __init__(self, *, alive: set[str], answers: bool = True) -> None:
        self._alive = alive
        self._answers = answers

    def can_cancel_execution(self, request: CanCancelExecutionRequest, timeout: int) -> str:
        if not self._answers:
            raise DagsterUserCodeUnreachableError("no answer")
        return serialize_value(CanCancelExecutionResult(can_cancel=request.run_id in self._alive))


def status(monkeypatch: pytest.MonkeyPatch, server: CodeServer | None) -> WorkerStatus:
    launcher = WatchingRunLauncher()
    monkeypatch.setattr(launcher, "_get_grpc_client_for_termination", lambda _run_id: server)
    return launcher.check_run_worker_health(RUN).status


def test_a_run_lives_while_its_code_server_has_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert status(monkeypatch, CodeServer(alive={RUN.run_id})) is WorkerStatus.RUNNING


def test_a_run_that_a_restarted_code_server_does_not_know_is_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert status(monkeypatch, CodeServer(alive=set())) is WorkerStatus.NOT_FOUND
    assert status(monkeypatch, None) is WorkerStatus.NOT_FOUND


def test_a_code_server_that_does_not_answer_condemns_no_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = CodeServer(alive=set(), answers=False)

    assert status(monkeypatch, server) is WorkerStatus.RUNNING


def test_the_project_s_instance_asks_often_and_frees_the_places_of_dead_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert isinstance(instance.run_launcher, WatchingRunLauncher)
        assert instance.run_launcher.supports_check_run_worker_health
        assert instance.run_monitoring_poll_interval_seconds <= 30
        assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] > 0
