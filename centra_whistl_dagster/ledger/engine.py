"""Open the ledger and keep its transactions short, durable and one at a time.

Belongs here: connections, transactions, leases. Does not belong here: what the rows mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.ledger.migrations import migrate
from centra_whistl_dagster.ledger.tables import leases

Transaction = sa.Connection
"""What the row modules take: an open transaction."""
Row = sa.Row[Any]
"""One row, its columns as attributes."""

_ONE_WRITER = 7216
"""An arbitrary number that all our processes know the same lock by."""
READING = {"reads_only": True}


class LeaseTaken(Exception):
    """Somebody else does this now. Try again later; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to be the only one doing something, for as long as it is renewed in time."""

    name: str
    holder: str
    seconds: float
    """How long it lasts from the last renewal."""
    now: Callable[[], datetime]

    def renew(self, tx: sa.Connection) -> None:
        """Hold it for its full time from now; what else `tx` writes is kept only if that succeeds.

        Raises:
            LeaseTaken: its time was up, so another may be doing this already.
        """
        now = self.now()
        renewed = tx.execute(
            sa.update(leases)
            .where(
                leases.c.name == self.name, leases.c.holder == self.holder, leases.c.until >= now
            )
            .values(until=now + timedelta(seconds=self.seconds))
        )
        if not renewed.rowcount:
            raise LeaseTaken(f"'{self.name}' took longer than its {self.seconds:.0f} seconds")


class Ledger:
    """A handle on the ledger database, safe to share between threads.

    Args:
        url: an SQLAlchemy address, e.g. `sqlite:///state/ledger.db` or `postgresql://…`.
        now: the clock, aware UTC.
    """

    def __init__(self, url: str, *, now: Callable[[], datetime]) -> None:
        self.now = now
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            _tame_sqlite(self._engine)
        migrate(self._engine, now=now)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Open a writing transaction: all of it is kept, or none; one is open at a time.

        The row modules look before they insert. SQLite lets one writer in by itself; PostgreSQL
        would let two look at once and both insert.
        """
        with self._engine.begin() as tx:
            if self._engine.dialect.name == "postgresql":
                tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_WRITER)))
            yield tx

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads and makes no writer wait."""
        with self._engine.connect().execution_options(**READING) as tx:
            yield tx

    @contextmanager
    def lease(self, name: str, *, holder: str, seconds: float) -> Iterator[Lease]:
        """Be the only one doing `name` until the block ends, or for `seconds` if this process dies.

        Work that may outlast `seconds` renews the lease before each step that must not overlap.

        Raises:
            LeaseTaken: another holder has it and its time is not up.
        """
        self._take_lease(name, holder, seconds)
        try:
            yield Lease(name=name, holder=holder, seconds=seconds, now=self.now)
        finally:
            with self.transaction() as tx:
                tx.execute(
                    sa.delete(leases).where(leases.c.name == name, leases.c.holder == holder)
                )

    def _take_lease(self, name: str, holder: str, seconds: float) -> None:
        now = self.now()
        values = {"holder": holder, "until": now + timedelta(seconds=seconds)}
        with self.transaction() as tx:
            is_expired = leases.c.until < now
            renewed = tx.execute(
                sa.update(leases).where(leases.c.name == name, is_expired).values(**values)
            )
            if renewed.rowcount:
                return
            try:
                tx.execute(sa.insert(leases).values(name=name, **values))
            except sa.exc.IntegrityError as error:
                raise LeaseTaken(f"'{name}' is being done by another process") from error

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def _tame_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling would begin late and defeat BEGIN IMMEDIATE below.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=30000",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A deferred transaction that reads first and writes later fails at once under a second
        # writer ("database is locked"), whatever the time-out.
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
