"""Both simulated systems without a network: a request is answered in this process, well or badly.

A schedule of faults takes milliseconds this way. What the network itself does is tested over real
HTTP (`transport`), and a killed process too (`killing`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol
from unittest.mock import patch

import httpx
from starlette.types import ASGIApp, Message

from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind, FaultRule
from centra_whistl_dagster.simulator.wire.faults import damaged, instead, words_of
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster.transport import wire
from centra_whistl_dagster.workflows.link import Link

TIME_OUT_SECONDS = 3.0
LATE_SECONDS = 4.0


class Fault(StrEnum):
    """What goes wrong at one point. "After" means that the system did what was asked."""

    NOT_SENT = "cannot be sent"
    LOST_BEFORE = "lost on the way there"
    LOST_AFTER = "lost on the way back"
    LATE = "done after the caller has left"
    ERROR_500_AFTER = "done, answered with 500"
    EMPTY_AFTER = "done, answered with nothing"
    TRUNCATED_AFTER = "done, the answer cut in half"
    ERROR_503_BEFORE = "not done, answered with 503"
    RATE_LIMITED = "not done, answered with 429"
    HTML_BEFORE = "not done, answered with a web page"
    DIES_BEFORE = "dies before a transaction"
    DIES_AFTER = "dies after a transaction"
    DIES_DURING = "dies while its call is carried out"


ANSWERED_BADLY = {
    Fault.ERROR_500_AFTER: FaultKind.ERROR_500_AFTER,
    Fault.EMPTY_AFTER: FaultKind.EMPTY_200,
    Fault.TRUNCATED_AFTER: FaultKind.TRUNCATE,
    Fault.ERROR_503_BEFORE: FaultKind.ERROR_503_BEFORE,
    Fault.RATE_LIMITED: FaultKind.RATE_LIMITED,
    Fault.HTML_BEFORE: FaultKind.HTML_200,
}
DONE = {
    Fault.LOST_AFTER,
    Fault.ERROR_500_AFTER,
    Fault.EMPTY_AFTER,
    Fault.TRUNCATED_AFTER,
    Fault.DIES_DURING,
}


class Died(BaseException):
    """The process ended here. Nothing but the test may catch it, as nothing can catch a kill."""


class Call:
    """One request, as a schedule sees it."""

    def __init__(self, request: httpx.Request) -> None:
        self.method, self.path = request.method, request.url.path
        self.query, self.headers = request.url.query, request.headers.raw
        self.body = request.read()
        self.system = self.path.split("/")[1]
        self.correlation_id = request.headers.get("X-Correlation-Id", "")
        """The same for every try of one call."""
        self.operation = self._operation()

    def _operation(self) -> str:
        if self.system == "centra":
            return str(json.loads(self.body)["operationName"])
        return next(iter(words_of(self.system, self.method, self.path, self.body)))

    @property
    def is_write(self) -> bool:
        """Whether it may change something that matters."""
        if self.system == "centra":
            return str(json.loads(self.body)["query"]).lstrip().startswith("mutation")
        return self.method != "GET" and self.operation != "token"


class Fates(Protocol):
    """Decides what happens at each point."""

    def of_call(self, call: Call) -> Fault | None:
        """Return what goes wrong with a request, if anything."""

    def of_transaction(self) -> Fault | None:
        """Return whether the process dies before or after this transaction of the ledger."""


class Process:
    """One process of this project: once dead, it changes nothing any more."""

    def __init__(self, fates: Fates) -> None:
        self.fates = fates
        self.is_dead = False

    def die(self) -> None:
        """End here."""
        self.is_dead = True
        raise Died

    def check_alive(self) -> None:
        """Let nothing happen in a `finally` block that a killed process would not have reached."""
        if self.is_dead:
            raise Died


class DirectTransport(httpx.BaseTransport):
    """Answers requests by calling the simulators' application."""

    def __init__(self, app: ASGIApp, world: World, clock: ManualClock, process: Process) -> None:
        self._app, self._world, self._clock, self._process = app, world, clock, process

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, or fail as the fates say."""
        self._process.check_alive()
        call = Call(request)
        fault = self._process.fates.of_call(call)
        if fault is Fault.NOT_SENT:
            raise httpx.ConnectError("connection refused", request=request)
        if fault is Fault.LATE:
            # World.after would divide by the world's speed.
            arrives_at = self._world.now() + timedelta(seconds=LATE_SECONDS)
            self._world.at(arrives_at, lambda: self._arrive_late(call))
        if fault in {Fault.LOST_BEFORE, Fault.LATE}:
            self._clock.advance(TIME_OUT_SECONDS)
            raise httpx.ReadTimeout("silence", request=request)
        answered = self._answer(call) if fault is None or fault in DONE else httpx.Response(500)
        if fault is Fault.DIES_DURING:
            self._process.die()
        if fault is Fault.LOST_AFTER:
            raise httpx.RemoteProtocolError("cut off", request=request)
        if fault is not None and fault in ANSWERED_BADLY:
            return self._spoiled(call, fault, answered)
        return answered

    def _arrive_late(self, call: Call) -> None:
        self._answer(call)

    @staticmethod
    def _spoiled(call: Call, fault: Fault, answered: httpx.Response) -> httpx.Response:
        kind = ANSWERED_BADLY[fault]
        rule = FaultRule(system=call.system, operation=call.operation, kind=kind)
        made = instead(rule) if fault not in DONE else None
        made = made or damaged(rule, answered.status_code, answered.content)
        return httpx.Response(made.status_code, headers=made.raw_headers, content=bytes(made.body))

    def _answer(self, call: Call) -> httpx.Response:
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": call.method,
            "path": call.path,
            "raw_path": call.path.encode(),
            "query_string": call.query,
            "root_path": "",
            "scheme": "http",
            "headers": [(name.lower(), value) for name, value in call.headers],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        serving = self._app(scope, receive, send)
        try:
            # No event loop: the simulators wait for nothing unless a switch says so.
            serving.send(None)  # type: ignore[attr-defined]  # an Awaitable that is a coroutine
        except StopIteration:
            head, *parts = sent
            content = b"".join(part.get("body", b"") for part in parts)
            return httpx.Response(head["status"], headers=head["headers"], content=content)
        raise RuntimeError(f"{call.operation} waits for something; only real HTTP can do that")


@contextmanager
def without_network(transport: httpx.BaseTransport) -> Iterator[None]:
    """Let every connection made in this block be this transport."""
    with patch.object(wire, "_BoundedTransport", lambda *_, **__: transport):
        yield


def put_under(process: Process, link: Link) -> None:
    """Let the fates of a process decide about the transactions of a link's ledger, leases too."""
    begin = link.ledger.transaction

    @contextmanager
    def transaction() -> Iterator[Any]:
        process.check_alive()
        fault = process.fates.of_transaction()
        if fault is Fault.DIES_BEFORE:
            process.die()
        with begin() as tx:
            yield tx
        if fault is Fault.DIES_AFTER:
            process.die()

    vars(link.ledger)["transaction"] = transaction
    for client in (link.centra, link.whistl):
        # They are stored when a link is closed, which a process that was killed does not do.
        vars(client)["take_counts"] = list
