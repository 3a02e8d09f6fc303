"""What each fault of a real connection leaves certain, for a create and for a read.

The faults of a wire cannot be had from a well-behaved server: half bodies, resets, drips.
"""

from __future__ import annotations

import gzip
import random
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from centra_whistl_dagster.transport import (
    CallKind,
    ContractBroken,
    IntegrationError,
    Judge,
    NotSent,
    OutcomeUnknown,
    Pacer,
    Transport,
    Wire,
)

Behaviour = Callable[[socket.socket, threading.Event], None]

DRIP_SECONDS = 0.05


def head_of(status: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answers(content: bytes, *headers: str, status: str = "200 OK") -> Behaviour:
    """A whole and proper answer."""
    return sends(head_of(status, f"Content-Length: {len(content)}", *headers) + content)


def sends(data: bytes) -> Behaviour:
    """These bytes, and the end of the connection."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(data)

    return behave


def closes(connection: socket.socket, stop: threading.Event) -> None:
    """Nothing, and the end of the connection."""


def resets(connection: socket.socket, stop: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def drips_body(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(head_of("200 OK", "Content-Length: 100000"))
    _drip(connection, stop)


def drips_headers(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(connection, stop)


ends_short = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + b'{"data": [1, 2, 3')
cuts_a_chunk = sends(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n9\r\n1')
zips_badly = answers(b"\x1f\x8b\x08 this is not gzip", "Content-Encoding: gzip")
shows_a_page = answers(b"<html><body>We are down for maintenance</body></html>")
says_nothing = answers(b"")
says_nan = answers(b'{"quantity": NaN}')
says_a_key_twice = answers(b'{"quantity": 5, "quantity": 0}')
speaks_latin = answers('{"city": "Málaga"}'.encode("latin-1"))
nests_deeply = answers(b"[" * 100_000 + b"]" * 100_000)
is_huge = answers(b'{"data": "' + b"x" * 3_000_000 + b'"}')
is_a_bomb = answers(gzip.compress(b" " * 30_000_000), "Content-Encoding: gzip")
sends_us_away = answers(b"{}", "Location: http://127.0.0.1:1/else", status="302 Found")


class FaultServer:
    """Behaves once in each of the given ways, in order, then for ever in the last."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.requests: list[bytes] = []
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

        self._start(self._accept)

    def stop(self) -> None:
        self._stop.set()
        # Closing alone does not wake a thread that is waiting in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            self.requests.append(_read_request(connection))
            behave = self._behaviours[0]
            if len(self._behaviours) > 1:
                self._behaviours.pop(0)
            try:
                behave(connection, self._stop)
            except OSError:
                return  # the client has gone, which is what some tests are about


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _drip(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(DRIP_SECONDS):
        connection.sendall(b" ")


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line[15:])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while lengths and len(body) < lengths[0]:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> Iterator[Callable[..., FaultServer]]:
    running: list[FaultServer] = []

    def start(*behaviours: Behaviour) -> FaultServer:
        running.append(FaultServer(*behaviours))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def call(
    base_url: str,
    kind: CallKind,
    *,
    try_seconds: float = 10.0,
    deadline_seconds: float = 20.0,
) -> object:
    """Call once over a real connection, waiting nothing between tries; return the parsed body."""
    transport = Transport(
        "Testland",
        Wire(base_url),
        Judge("Testland", lambda *_: None, access_advice="", now=lambda: datetime.now(UTC)),
        auth=None,
        pacer=Pacer({}, system="Testland", share=1.0, now=lambda: datetime.now(UTC)),
        sleep=lambda _: None,
        rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
        deadline_seconds=deadline_seconds,
        try_seconds=try_seconds,
    )
    try:
        return transport.request(kind, "op", "POST", "things", json={"a": 1}).body
    finally:
        transport.close()


BROKEN = [
    ("closed without an answer", closes, OutcomeUnknown),
    ("reset", resets, OutcomeUnknown),
    ("body shorter than announced", ends_short, OutcomeUnknown),
    ("cut inside a chunk", cuts_a_chunk, OutcomeUnknown),
    ("broken compression", zips_badly, ContractBroken),
    ("an HTML page", shows_a_page, ContractBroken),
    ("an empty body", says_nothing, ContractBroken),
    ("NaN", says_nan, ContractBroken),
    ("the same key twice", says_a_key_twice, ContractBroken),
    ("not UTF-8", speaks_latin, ContractBroken),
    ("nested beyond reason", nests_deeply, ContractBroken),
    ("larger than allowed", is_huge, ContractBroken),
    ("a compression bomb", is_a_bomb, ContractBroken),
    ("a redirect", sends_us_away, ContractBroken),
    (
        "a header that is none",
        sends(b"HTTP/1.1 200 OK\r\nAda: O'Brien\r\n\xff\x00\r\n"),
        OutcomeUnknown,
    ),
]


@pytest.mark.parametrize(("behaviour"), [case[1] for case in BROKEN], ids=[c[0] for c in BROKEN])
def test_a_create_without_a_readable_answer_is_in_doubt_and_not_sent_again(
    serve: Callable[..., FaultServer], behaviour: Behaviour
) -> None:
    server = serve(behaviour)

    with pytest.raises(OutcomeUnknown):
        call(server.base_url, CallKind.CREATE)

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "error"), [case[1:] for case in BROKEN], ids=[c[0] for c in BROKEN]
)
def test_a_read_is_asked_again_before_it_fails(
    serve: Callable[..., FaultServer], behaviour: Behaviour, error: type[IntegrationError]
) -> None:
    server = serve(behaviour)

    with pytest.raises(error):
        call(server.base_url, CallKind.READ)

    # What cannot be understood is asked for once more, what did not come until the tries are over.
    assert len(server.requests) == (2 if error is ContractBroken else 6)


@pytest.mark.parametrize("behaviour", [case[1] for case in BROKEN], ids=[c[0] for c in BROKEN])
def test_a_read_survives_one_fault(serve: Callable[..., FaultServer], behaviour: Behaviour) -> None:
    server = serve(behaviour, answers(b'{"fine": 1.50}'))

    assert call(server.base_url, CallKind.READ) == {"fine": Decimal("1.50")}


@pytest.mark.parametrize("kind", CallKind)
def test_a_refused_connection_is_provably_unsent(kind: CallKind) -> None:
    with pytest.raises(NotSent):
        call(f"http://127.0.0.1:{free_port()}", kind)


@pytest.mark.parametrize("behaviour", [hangs, drips_body, drips_headers])
def test_no_server_holds_a_call_beyond_its_time(
    serve: Callable[..., FaultServer], behaviour: Behaviour
) -> None:
    server = serve(behaviour)

    with pytest.raises(OutcomeUnknown, match="no whole answer"):
        call(server.base_url, CallKind.CREATE, try_seconds=0.3)

    assert len(server.requests) == 1


def test_a_read_that_hangs_is_given_up_when_the_deadline_of_all_its_tries_is_over(
    serve: Callable[..., FaultServer],
) -> None:
    server = serve(hangs)

    with pytest.raises(IntegrationError):
        call(server.base_url, CallKind.READ, try_seconds=0.3, deadline_seconds=0.7)

    assert len(server.requests) in {2, 3}


def test_bytes_that_make_no_sense_are_not_quoted(serve: Callable[..., FaultServer]) -> None:
    server = serve(sends(b"Ada O'Brien, 12 High Street\r\n\r\n"))

    with pytest.raises(OutcomeUnknown) as caught:
        call(server.base_url, CallKind.CREATE)

    assert "Brien" not in "".join(traceback.format_exception(caught.value))
