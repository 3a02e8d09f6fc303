"""Time relays of orders that find nothing to do: what a run costs before it does any work."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from rich.console import Console

from centra_whistl_dagster.bench.usage import RUNS, usage
from centra_whistl_dagster.demo.day import Day
from centra_whistl_dagster.demo.run import Demo, running
from centra_whistl_dagster.launching.dagster_processes import LOOPBACK, wait_for

_JOB = "relay_orders"
_LAUNCH = """
mutation Launch($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: {}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_RUN = """
query Run($id: ID!) {
  runOrError(runId: $id) {
    ... on Run {
      status
      stats { ... on RunStatsSnapshot { launchTime endTime } }
      stepStats { startTime }
    }
  }
}
"""
_SELECTOR = {
    "repositoryLocationName": "centra_whistl",
    "repositoryName": "__repository__",
    "jobName": _JOB,
}
_SETTLE_SECONDS = 3.0
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyRun:
    """What one run took."""

    cpu_s: float
    """Of its process, from its start to its end."""
    to_first_step_s: float
    wall_s: float
    """From its launch to its end."""


def empty_runs(day: Day, project: Path, *, console: Console, runs: int) -> list[EmptyRun]:
    """Launch one relay after the other in an installation in which nothing runs by itself.

    Raises:
        RuntimeError: a run was not launched, or did not succeed.
    """
    with running(day, project, console=console) as demo:
        wait_for(demo.processes, lambda: _is_up(day.webserver_port), "the webserver")
        # Not counted: it finds a ledger with nothing in it, and helpers that Python starts stay.
        _launched_and_ended(demo, day.webserver_port)
        time.sleep(_SETTLE_SECONDS)
        return list(_one_after_the_other(demo, runs))


def _one_after_the_other(demo: Demo, runs: int) -> Iterator[EmptyRun]:
    started, port = demo.processes.started(), demo.day.webserver_port
    for _ in range(runs):
        before = usage(started)
        run = _launched_and_ended(demo, port)
        # Its CPU seconds are counted whole once its parent has noticed its end.
        wait_for(demo.processes, lambda: usage(started).count <= before.count, "a run's end")  # noqa: B023 - called within the turn
        launched_at = run["stats"]["launchTime"]
        yield EmptyRun(
            cpu_s=usage(started).since(before)[RUNS],
            to_first_step_s=min(step["startTime"] for step in run["stepStats"]) - launched_at,
            wall_s=run["stats"]["endTime"] - launched_at,
        )


def _launched_and_ended(demo: Demo, port: int) -> dict[str, Any]:
    launched = _ask(port, _LAUNCH, {"selector": _SELECTOR})["launchRun"]
    if "run" not in launched:
        raise RuntimeError(f"{_JOB} was not launched: {launched}")
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(_ask(port, _RUN, {"id": launched["run"]["runId"]})["runOrError"])
        return found["status"] in _ENDED

    wait_for(demo.processes, has_ended, "the end of a run")
    if found["status"] != "SUCCESS":
        raise RuntimeError(f"{_JOB} ended as {found['status']}; see {demo.day.state}")
    return found


def _is_up(port: int) -> bool:
    try:
        _ask(port, "{ version }", {})
    except OSError:
        return False
    return True


def _ask(port: int, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    connection = HTTPConnection(LOOPBACK, port, timeout=60)
    try:
        body = json.dumps({"query": query, "variables": variables})
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if "errors" in answer:
        raise RuntimeError(f"Dagster's webserver: {answer['errors']}")
    data: dict[str, Any] = answer["data"]
    return data
