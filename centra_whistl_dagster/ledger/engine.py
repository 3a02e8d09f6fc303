"""Open the ledger and keep its transactions short, durable and one at a time.

Belongs here: connections, transactions, leases. Does not belong here: what the rows mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar, overload

import sqlalchemy as sa
from sqlalchemy.sql.selectable import TypedReturnsRows

import centra_whistl_dagster.ledger.plain_errors  # noqa: F401 - importing it hides values
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.ledger import sqlite
from centra_whistl_dagster.ledger.migrations import migrate
from centra_whistl_dagster.ledger.sealing import ContentsUnreadable, MasterKeys, check
from centra_whistl_dagster.ledger.tables import leases

Columns = TypeVar("Columns", bound=tuple[Any, ...])
Row = TypeVar("Row")

_ONE_WRITER = 7216
"""An arbitrary number that all our processes know the same lock by."""
READING = {"reads_only": True}
NO_KEYS = MasterKeys()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """An open transaction, as the row modules take it: connection, clock, who owns which kind."""

    connection: sa.Connection
    now: datetime
    """When it began, aware UTC. Everything written in one transaction happened at one moment."""
    responsibilities: Mapping[ExceptionKind, Responsibility]
    """Owner, severity and time limit of each kind of exception that may be raised."""
    keys: MasterKeys = field(default=NO_KEYS, repr=False)
    """What the contents of orders are encrypted with."""

    @overload
    def execute(
        self,
        statement: TypedReturnsRows[Columns],
        parameters: Sequence[Mapping[str, object]] | None = None,
    ) -> sa.CursorResult[Columns]: ...
    @overload
    def execute(
        self,
        statement: sa.Executable,
        parameters: Sequence[Mapping[str, object]] | None = None,
    ) -> sa.CursorResult[Any]: ...
    def execute(
        self,
        statement: sa.Executable,
        parameters: Sequence[Mapping[str, object]] | None = None,
    ) -> sa.CursorResult[Any]:
        """Run one statement."""
        return self.connection.execute(statement, parameters)

    def rows(self, row_type: type[Row], query: sa.Select[Any]) -> list[Row]:
        """Return what a query of a whole table finds, as `row_type`s."""
        return [row_type(**row) for row in self.execute(query).mappings()]

    def row(self, row_type: type[Row], query: sa.Select[Any]) -> Row | None:
        """Return the one row that a query of a whole table finds, or None."""
        found = self.execute(query).mappings().one_or_none()
        return None if found is None else row_type(**found)

    @contextmanager
    def one_record(self) -> Iterator[None]:
        """Keep all that the block writes, or none of it; the transaction goes on either way.

        Raises:
            RecordNotStored: anything but trouble with the database itself went wrong in the block.
        """
        try:
            with self.connection.begin_nested():
                yield
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError):
            raise
        except Exception as error:
            raise RecordNotStored(error) from error


class RecordNotStored(Exception):
    """One record could not be written; those written before and after it are not concerned."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(type(cause).__name__)
        self.cause = cause


class LedgerUnavailable(Exception):
    """The database of the ledger cannot be used just now; the text says why, and whom to ask."""


@contextmanager
def _in_plain_words(*kinds: type[sa.exc.DBAPIError]) -> Iterator[None]:
    try:
        yield
    except kinds as error:
        # The driver's own words hold neither a statement nor its parameters.
        why = " ".join(str(error.orig).split())
        raise LedgerUnavailable(
            f"The ledger's database cannot be used: {why}. Nothing was changed. Check that the "
            "database runs, that its disk has room, and LEDGER_URL."
        ) from error


class LeaseTaken(Exception):
    """Somebody else does this now. Try again later; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to be the only one doing something, for as long as it is renewed in time."""

    name: str
    holder: str
    seconds: float
    """How long it lasts from the last renewal."""

    def renew(self, tx: Transaction) -> None:
        """Hold it for its full time from now; what else `tx` writes is kept only if that succeeds.

        Raises:
            LeaseTaken: its time was up, so another may be doing this already.
        """
        is_still_ours = sa.and_(
            leases.c.name == self.name, leases.c.holder == self.holder, leases.c.until >= tx.now
        )
        renewed = tx.execute(
            sa.update(leases)
            .where(is_still_ours)
            .values(until=tx.now + timedelta(seconds=self.seconds))
        )
        if not renewed.rowcount:
            raise LeaseTaken(f"'{self.name}' took longer than its {self.seconds:.0f} seconds")


@lru_cache(maxsize=4)
def _engine(url: str) -> sa.Engine:
    """Return the engine of a database, with how each statement is put in its SQL.

    Shared by all ledgers of this process with this URL. Closing one closes the idle connections;
    those in use by another stay open.
    """
    # Parameters are customers' data; SQLAlchemy would quote them in the text of each error.
    engine = sa.create_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        sqlite.set_up(engine)
    return engine


class Ledger:
    """A handle on the ledger database, safe to share between threads.

    Args:
        url: an SQLAlchemy address, e.g. `sqlite:///state/ledger.db` or `postgresql://…`.
        now: the clock, aware UTC.
        responsibilities: who owns each kind of exception; a ledger that is only read needs none.
        keys: what the contents of orders are encrypted with; without any they are kept in clear.
        reads_contents: False for a process that needs no contents, and so is given no keys.

    Raises:
        LedgerUnavailable: the database cannot be used, which its methods raise too; or it needs a
            key that is not given.
        LedgerTooNew: a later release has written it.
    """

    def __init__(
        self,
        url: str,
        *,
        now: Callable[[], datetime],
        responsibilities: Mapping[ExceptionKind, Responsibility] = MappingProxyType({}),
        keys: MasterKeys = NO_KEYS,
        reads_contents: bool = True,
    ) -> None:
        self.now = now
        self._keys = keys
        self._responsibilities = responsibilities
        try:
            self._engine = _engine(url)
        except ImportError as error:
            raise LedgerUnavailable(
                "The ledger's database cannot be used: PostgreSQL's driver is not installed. "
                "Run pip install 'centra-whistl-dagster[postgres]'."
            ) from error
        try:
            # Not only OperationalError: SQLite says by DatabaseError that a file is no database.
            with _in_plain_words(sa.exc.DatabaseError):
                migrate(self._engine, now=now)
            if reads_contents:
                with self.reading() as tx:
                    check(tx.connection, keys)
        except ContentsUnreadable as error:
            self.close()
            raise LedgerUnavailable(str(error)) from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a writing transaction: all of it is kept, or none; one is open at a time.

        The row modules look before they insert. SQLite lets one writer in by itself; PostgreSQL
        would let two look at once and both insert.
        """
        with _in_plain_words(sa.exc.OperationalError), self._engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_WRITER)))
            yield self._opened(connection)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that only reads and makes no writer wait."""
        with (
            _in_plain_words(sa.exc.OperationalError),
            self._engine.connect().execution_options(**READING) as connection,
        ):
            yield self._opened(connection)

    def _opened(self, connection: sa.Connection) -> Transaction:
        # The clock is read once the lock is held: a wait for another writer is behind us.
        return Transaction(
            connection=connection,
            now=self.now(),
            responsibilities=self._responsibilities,
            keys=self._keys,
        )

    @contextmanager
    def lease(self, name: str, *, holder: str, seconds: float) -> Iterator[Lease]:
        """Be the only one doing `name` until the block ends, or for `seconds` if this process dies.

        Work that may outlast `seconds` renews the lease before each step that must not overlap.

        Raises:
            LeaseTaken: another holder has it and its time is not up.
        """
        self._take_lease(name, holder, seconds)
        try:
            yield Lease(name=name, holder=holder, seconds=seconds)
        finally:
            with self.transaction() as tx:
                tx.execute(
                    sa.delete(leases).where(leases.c.name == name, leases.c.holder == holder)
                )

    def _take_lease(self, name: str, holder: str, seconds: float) -> None:
        with self.transaction() as tx:
            values = {"holder": holder, "until": tx.now + timedelta(seconds=seconds)}
            is_expired = leases.c.until < tx.now
            renewed = tx.execute(
                sa.update(leases).where(leases.c.name == name, is_expired).values(**values)
            )
            if renewed.rowcount:
                return
            try:
                tx.execute(sa.insert(leases).values(name=name, **values))
            except sa.exc.IntegrityError as error:
                raise LeaseTaken(f"'{name}' is being done by another process") from error

    def empty_log(self) -> bool:
        """Remove deleted bytes from SQLite's write-ahead log; return False while it is in use.

        PostgreSQL recycles its own log.
        """
        if self._engine.dialect.name != "sqlite":
            return True
        with self._outside_transactions() as connection:
            # It would wait for readers as long as a writer does; the caller tries again instead.
            connection.exec_driver_sql("PRAGMA busy_timeout=200")
            (is_in_use, *_) = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            connection.exec_driver_sql(sqlite.PATIENCE)
        return not is_in_use

    def compact(self) -> bool:
        """Rewrite the database without what was deleted; return False while its log is in use.

        Takes as long as copying the database, and nobody writes meanwhile.
        """
        with (
            _in_plain_words(sa.exc.OperationalError),
            self._outside_transactions() as connection,
        ):
            connection.exec_driver_sql("VACUUM")
        return self.empty_log()

    @contextmanager
    def _outside_transactions(self) -> Iterator[sa.Connection]:
        """Open a connection on which each statement stands alone, as maintenance needs."""
        if self._engine.dialect.name != "sqlite":
            with self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            ) as connection:
                yield connection
            return
        with self._engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            yield connection
            connection.exec_driver_sql("BEGIN")

    def close(self) -> None:
        """Close every idle connection."""
        self._engine.dispose()
