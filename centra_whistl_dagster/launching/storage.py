"""Dagster's SQLite storage, made by one process at a time, and asked without starting anew.

The webserver, the daemon and the code server start together. Dagster lets each of them create the
tables of a fresh DAGSTER_HOME, and all but one may then fail on each other's half-done migrations.

Dagster also makes an SQLAlchemy engine for every question, and with it forgets each time how the
question is put in SQL. That was a third of the daemon's CPU time in an idle installation.
"""

from __future__ import annotations

import fcntl
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, SqliteStorageConfig
from dagster._serdes import ConfigurableClassData

Engine = TypeVar("Engine")

MAKERS_OF_ENGINES = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)
_MOST_KEPT = 64
"""Engines; each run has a file of its own, and so one."""


class EngineOfFile(Generic[Engine]):
    """Returns one engine for each file, which `make` makes at first.

    Such an engine keeps no connection open: Dagster asks for a pool without any (`NullPool`). What
    it keeps is the text of each statement.
    """

    def __init__(self, make: Callable[..., Engine]) -> None:
        self._make = make
        self._kept: OrderedDict[str, Engine] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, address: str, **options: object) -> Engine:
        """Return the engine of a file; all callers give the same options for it."""
        with self._lock:
            engine = self._kept.pop(address, None) or self._make(address, **options)
            self._kept[address] = engine
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return engine

    @property
    def addresses(self) -> Sequence[str]:
        """The files whose engines are kept."""
        return list(self._kept)


def keep_engines() -> None:
    """Let Dagster's storage use one engine for each file, from now on, in this process."""
    for module in MAKERS_OF_ENGINES:
        make = module.create_engine
        if not isinstance(make, EngineOfFile):
            module.create_engine = EngineOfFile(make)  # type: ignore[attr-defined]


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's own storage, whose tables are made and migrated behind a lock.

    Args:
        base_dir: DAGSTER_HOME.
        inst_data: Dagster's record of what was configured.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        keep_engines()
        with (Path(base_dir) / ".storage.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(  # type: ignore[override]  # as Dagster's own does
        cls, inst_data: ConfigurableClassData, config_value: SqliteStorageConfig
    ) -> SqliteStorage:
        """Return what `dagster.yaml` asks for; the inherited method returns the unlocked one."""
        return cls.from_local(config_value["base_dir"], inst_data=inst_data)
