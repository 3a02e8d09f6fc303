"""Processes that start together on a fresh DAGSTER_HOME all come up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
HOMES = 6
# Imports once, then forks: three processes that import Dagster for seconds would seldom collide.
OPENED_BY_THREE = """
import os, signal, sys, time, traceback
from dagster._core.instance import DagsterInstance
from dagster._core.instance.ref import InstanceRef
import centra_whistl_dagster.launching.run_launcher

failed = 0
for home in sys.argv[1:]:
    os.environ["DAGSTER_HOME"] = home
    start = time.monotonic() + 0.1
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            while time.monotonic() < start:
                pass
            try:
                with DagsterInstance.from_ref(InstanceRef.from_dir(home)) as instance:
                    instance.get_runs_count()
                    instance.all_instigator_state()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    failed += sum(os.waitpid(child, 0)[1] != 0 for child in children)
print(failed, "failed")
"""


def test_three_processes_that_start_together_on_a_fresh_home_all_come_up(tmp_path: Path) -> None:
    homes = [tmp_path / str(number) for number in range(HOMES)]
    for home in homes:
        home.mkdir()
        (home / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())

    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", OPENED_BY_THREE, *map(str, homes)],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("0 failed\n", 0), done.stderr[-3000:]
