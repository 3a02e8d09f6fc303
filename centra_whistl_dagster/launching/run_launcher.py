"""Dagster's run launcher of one machine, made to notice a run whose process has died.

Dagster's own does not: a run that was killed with its code server counted as running until its
longest permitted runtime was over. Until then it held its place in the queue and in its pool, so
that no history was published and no stock was synced.
"""

from __future__ import annotations

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

import centra_whistl_dagster.ledger.plain_errors  # noqa: F401 - `dagster.yaml` loads it everywhere


class WatchingRunLauncher(DefaultRunLauncher):
    """Asks the code server that started a run whether the run's process is alive.

    Dagster's run monitoring asks every `poll_interval_seconds`, fails a run that is dead, and its
    retry policy then starts the run anew.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Let run monitoring ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a started run is alive."""
        client: DagsterGrpcClient | None = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "No code server is known for it.")
        request = CanCancelExecutionRequest(run_id=run.run_id)
        try:
            answer = deserialize_value(
                client.can_cancel_execution(request, timeout=10), CanCancelExecutionResult
            )
        except DagsterUserCodeUnreachableError:
            # The run may outlive a code server that is slow to answer. The longest runtime applies.
            return CheckRunHealthResult(WorkerStatus.RUNNING, "The code server does not answer.")
        if answer.can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "The process of the run has died.")
