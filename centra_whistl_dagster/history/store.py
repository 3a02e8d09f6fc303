"""Open the live history file: one process at a time, one transaction, closed whatever happens.

DuckDB lets one process in and refuses the others at once. Our own lock file beside the history
makes loaders queue instead. While the file is open, nothing else in this process may open, copy or
hash it: closing that second handle drops DuckDB's lock, another process then gets in, and the rows
of one of the two vanish.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from centra_whistl_dagster.history.errors import HistoryBusy, HistoryUnreadable
from centra_whistl_dagster.history.migrations import migrate
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.history.session import Session

_POLL_SECONDS = 0.05


class History:
    """The live history file.

    Args:
        path: the DuckDB file, made at first use.
        memory_limit: how much DuckDB may take, e.g. "1GB"; its own default is 80 % of the machine.
        threads: how many it may run; its own default is one for each core.
        now: the clock, aware UTC.
        sleep: waits for seconds.
        lock_wait_seconds: how long to queue behind another loader.
    """

    def __init__(
        self,
        path: Path,
        *,
        memory_limit: str,
        threads: int,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        lock_wait_seconds: float = 120.0,
    ) -> None:
        self.path = path
        self._config = connection_settings(memory_limit=memory_limit, threads=threads)
        self._now = now
        self._sleep = sleep
        self._tries = max(1, round(lock_wait_seconds / _POLL_SECONDS))
        self._con: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file once for all reading and writing of this object inside the block.

        Opening takes longer than a small load. Other loaders wait until the block ends.

        Raises as `writing` does.
        """
        if self._con is not None:
            yield self._con
            return
        with self.locked(), closing(self._connect()) as con:
            migrate(con, now=self._now)
            self._con = con
            try:
                yield con
            finally:
                self._con = None

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction: all of it is kept, or none when the block raises.

        Raises:
            HistoryBusy: another process kept the file for longer than `lock_wait_seconds`.
            HistoryUnreadable: the file or its log is damaged.
            SchemaDrift: the tables are not what this release says.
        """
        with self.opened() as con:
            con.begin()
            try:
                yield Session(con, now=self._now)
            except BaseException:
                con.rollback()
                raise
            con.commit()

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open the live file for reading, for the length of the block; loaders wait meanwhile.

        For the pipeline's own short queries. Analysts and reports use the published copy.
        Raises as `writing` does.
        """
        with self.opened() as con:
            yield Reader(con)

    def checkpoint(self) -> None:
        """Move everything from the log into the file, so that the file alone is the history.

        The caller holds the lock (`locked`).
        """
        with closing(self._connect()) as con:
            migrate(con, now=self._now)
            con.execute("CHECKPOINT")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait for the file, and keep every other loader out until the block ends."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
            for attempt in range(self._tries):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if attempt == self._tries - 1:
                        raise HistoryBusy(
                            f"Another load of '{self.path.name}' has not finished in "
                            f"{self._tries * _POLL_SECONDS:.0f} s. Nothing was changed; the next "
                            "run tries again."
                        ) from error
                    self._sleep(_POLL_SECONDS)
            yield  # closing the lock file lets the next loader in, whatever happened

    def _connect(self) -> duckdb.DuckDBPyConnection:
        for attempt in range(self._tries):
            try:
                return connect(self.path, self._config)
            except duckdb.IOException as error:
                if "Could not set lock" not in str(error):
                    raise _unreadable(self.path, error) from error
                if attempt == self._tries - 1:
                    raise HistoryBusy(
                        f"A program outside this project has '{self.path.name}' open: {error}. "
                        "Close it there, and open the published copy instead."
                    ) from error
                self._sleep(_POLL_SECONDS)
            except duckdb.Error as error:
                raise _unreadable(self.path, error) from error
        raise AssertionError("the loop above returns or raises at its last turn")


def connection_settings(*, memory_limit: str, threads: int) -> dict[str, str]:
    """Return DuckDB's settings: bounded, and no fetching of extensions from the internet."""
    return {
        "memory_limit": memory_limit,
        "threads": str(threads),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }


def connect(
    path: Path, settings: dict[str, str], *, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """Open a file in UTC, so that days and hours in views do not depend on the machine's zone."""
    con = duckdb.connect(path, read_only=read_only, config=dict(settings))
    con.execute("SET TimeZone = 'UTC'")
    return con


def _unreadable(path: Path, error: duckdb.Error) -> HistoryUnreadable:
    return HistoryUnreadable(
        f"The history '{path}' cannot be opened: {error}. Move the file and its '.wal' aside and "
        "load the history again from the ledger and the archived stock files."
    )
