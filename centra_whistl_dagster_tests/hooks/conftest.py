"""The receiver over real HTTP, with a ledger of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from centra_whistl_dagster.hooks.receiver import LOOPBACK, PATH, configured, create_app
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.simulator.world.clock import ManualClock

SECRET = "push-secret"


@contextmanager
def receiving(ledger: Ledger, secret: str = SECRET) -> Iterator[str]:
    """Serve a receiver from a thread, and yield the address that Centra would push to."""
    listening = socket.create_server((LOOPBACK, 0))
    server = uvicorn.Server(configured(create_app(ledger, secret), host=LOOPBACK, port=0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the receiver did not start"
        time.sleep(0.005)
    try:
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}{PATH}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", now=clock)
    yield opened
    opened.close()


@pytest.fixture
def address(ledger: Ledger) -> Iterator[str]:
    with receiving(ledger) as url:
        yield url
