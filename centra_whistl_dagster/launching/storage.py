"""Dagster's SQLite storage, made by one process at a time.

The webserver, the daemon and the code server start together. Dagster lets each of them create the
tables of a fresh DAGSTER_HOME, and all but one may then fail on each other's half-done migrations.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, SqliteStorageConfig
from dagster._serdes import ConfigurableClassData


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's own storage, whose tables are made and migrated behind a lock.

    Args:
        base_dir: DAGSTER_HOME.
        inst_data: Dagster's record of what was configured.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        with (Path(base_dir) / ".storage.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(  # type: ignore[override]  # as Dagster's own does
        cls, inst_data: ConfigurableClassData, config_value: SqliteStorageConfig
    ) -> SqliteStorage:
        """Return what `dagster.yaml` asks for; the inherited method returns the unlocked one."""
        return cls.from_local(config_value["base_dir"], inst_data=inst_data)
