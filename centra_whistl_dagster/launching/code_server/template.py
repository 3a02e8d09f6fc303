"""The process that runs are forked from: what each needs before its work begins is done here, once.

Importing this module does it. A fork shares what is open, so nothing may be left open: no thread,
connection or file.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import dagster as dg
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.instance.ref import InstanceRef

from centra_whistl_dagster import definitions
from centra_whistl_dagster.transport.wire import tls_context

_THREADS = Path("/proc/self/task")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job(executor_def=dg.in_process_executor, config=_QUIET)
def rehearsal() -> None:
    """Run once, so that Dagster imports what a run imports."""
    nothing()


def warm_up() -> int:
    """Import, build and cache what is the same for every run; return how many threads there are.

    A fork has one thread. It might wait for ever for a lock that another one held.
    """
    _read_revisions_once()
    definitions.defs().get_repository_def()
    tls_context()
    no_telemetry = {"telemetry": {"enabled": False}}
    with tempfile.TemporaryDirectory() as folder:
        ref = InstanceRef.from_dir(folder, overrides=no_telemetry)
        with dg.DagsterInstance.from_ref(ref) as instance:
            rehearsal.execute_in_process(instance=instance)
    return len(list(_THREADS.iterdir())) if _THREADS.exists() else threading.active_count()


def _read_revisions_once() -> None:
    """Keep what alembic reads of Dagster's migrations.

    Each run opens four databases, and compares the revision of each with the newest script. To find
    that, alembic executes every script anew: 0.35 CPU seconds a run.
    """
    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def read_once(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = read(config)
        return known[place]

    ScriptDirectory.from_config = read_once  # type: ignore[method-assign]


THREADS = warm_up()
"""In the process that runs are forked from."""
