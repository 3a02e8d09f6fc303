"""A PostgreSQL server of the tests' own, on loopback, in a temporary folder.

Belongs here: where PostgreSQL is installed, starting and ending one server, a new database for each
test. Does not belong here: what a test does with a database.
"""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

from centra_whistl_dagster.launching.dagster_processes import free_port

SERVER_USER = "postgres"
"""Whom root starts the server as: PostgreSQL refuses root. Debian's package adds this user."""
DEBIAN_FOLDERS = "/usr/lib/postgresql"
STARTING_SECONDS = 60.0
# Nothing here outlives the tests, so nothing has to wait for a disk.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "jit": "off",
}


class PostgresqlMissing(Exception):
    """No PostgreSQL can be started here; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server that runs, and the databases made on it."""

    port: int
    password: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str) -> str:
        """Return what LEDGER_URL would hold."""
        return f"postgresql://{SERVER_USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """Yield the name of a new database, dropped afterwards.

        Args:
            template: a database that nobody is connected to; the new one begins as its copy.
        """
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            # A test that failed, or a process that it killed, may have left a connection.
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Run a statement that no transaction may hold."""
        engine = sa.create_engine(
            self.url("postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


def installed_programs() -> Path:
    """Return the folder that holds `initdb` and `postgres`, the newest where there are several.

    Raises:
        PostgresqlMissing: there is none, or no driver for it.
    """
    if not find_spec("psycopg2"):
        raise PostgresqlMissing("PostgreSQL's driver is not installed (the extra `postgres`)")
    debian = sorted(
        Path(DEBIAN_FOLDERS).glob("*/bin/initdb"), key=lambda program: int(program.parts[-3])
    )
    on_path = shutil.which("initdb")
    if found := debian[-1:] or ([Path(on_path)] if on_path else []):
        return found[0].resolve().parent
    raise PostgresqlMissing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a server, and end it afterwards.

    Raises:
        PostgresqlMissing: nothing to start, or nobody to start it as.
        TimeoutError: it did not come up.
    """
    programs = installed_programs()
    prefix = _as_its_own_user()
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        password = _initialised(folder, programs, prefix)
        # Another process may take the port before the server does.
        server, cluster = _first_success(lambda: _started(folder, programs, prefix, password))
        try:
            yield cluster
        finally:
            # SIGTERM would wait until every client has gone; SIGINT sends them away.
            server.send_signal(signal.SIGINT)
            server.wait(timeout=STARTING_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_its_own_user() -> list[str]:
    """Return what a command begins with, so that it does not run as root nor outlives us."""
    setpriv = shutil.which("setpriv")
    outlived = [setpriv, "--pdeathsig", "INT"] if setpriv else []
    if os.getuid() != 0:
        return outlived
    if not setpriv:
        raise PostgresqlMissing("PostgreSQL refuses to run as root, and there is no setpriv")
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError as error:
        raise PostgresqlMissing(
            f"PostgreSQL refuses to run as root, and there is no user {SERVER_USER}"
        ) from error
    as_server = ("--reuid", SERVER_USER, "--regid", SERVER_USER, "--init-groups", "--no-new-privs")
    return [*outlived, *as_server]


def _initialised(folder: Path, programs: Path, prefix: list[str]) -> str:
    """Make the server's files in a folder, and return the password of its owner."""
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.write_text(password)
    if os.getuid() == 0:
        shutil.chown(password_file, SERVER_USER)
        shutil.chown(folder, SERVER_USER)
    options = ["--username", SERVER_USER, "--pwfile", str(password_file), "--auth", "scram-sha-256"]
    words = ["--encoding", "UTF8", "--locale", "C", "--no-sync", "--wal-segsize", "1"]
    command = [
        *prefix,
        str(programs / "initdb"),
        *options,
        *words,
        "--pgdata",
        str(folder / "data"),
    ]
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr}")
    return password


def _started(
    folder: Path, programs: Path, prefix: list[str], password: str
) -> tuple[subprocess.Popen[bytes], Cluster]:
    cluster = Cluster(port=free_port(), password=password)
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603 - our own command
            [
                *prefix,
                str(programs / "postgres"),
                *("-D", str(folder / "data"), "-p", str(cluster.port)),
                *settings,
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    until = time.monotonic() + STARTING_SECONDS
    while not _answers(cluster):
        if server.poll() is not None:
            raise ConnectionError(f"PostgreSQL ended at once: {log.read_text()}")
        if time.monotonic() > until:
            server.kill()
            server.wait()
            raise TimeoutError(f"PostgreSQL did not come up: {log.read_text()}")
        time.sleep(0.05)
    return server, cluster


def _answers(cluster: Cluster) -> bool:
    try:
        cluster.run("SELECT 1")
    except sa.exc.OperationalError:
        return False
    return True


def _first_success(
    start: Callable[[], tuple[subprocess.Popen[bytes], Cluster]],
) -> tuple[subprocess.Popen[bytes], Cluster]:
    for _ in range(2):
        try:
            return start()
        except ConnectionError:
            continue
    return start()
