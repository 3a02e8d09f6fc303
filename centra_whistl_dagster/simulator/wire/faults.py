"""Network faults between a caller and a simulated system, and the address that sets their rules.

Does not belong here: which request meets which fault (`fault_rules`), or what a system does wrong
by itself (`world.switches`).
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from centra_whistl_dagster.simulator.wire.fault_rules import SYSTEMS, FaultKind, FaultRule, Faults


class FaultMiddleware:
    """Applies the rules between the server and everything else.

    It must be the outermost application, the one that uvicorn is given: only there can it close the
    connection without an answer.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, well or badly."""
        system = scope["path"].split("/")[1] if scope["type"] == "http" else ""
        if system not in SYSTEMS or not self._faults.rules():
            await self._app(scope, receive, send)
            return
        body = await _whole_body(receive)
        rule = self._faults.strike(system, words_of(system, scope["method"], scope["path"], body))
        if rule is None:
            await self._app(scope, _replay(body, receive), send)
            return
        await self._apply(rule, scope, body, receive, send)

    async def _apply(
        self, rule: FaultRule, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> None:
        match rule.kind:
            case FaultKind.SLOW:
                await self._faults.wait(rule.seconds)
                await self._app(scope, _replay(body, receive), send)
            case FaultKind.HANG:
                await _left_or_waited(receive, rule.seconds)
                await _hang_up(receive, send)
            case FaultKind.LOSE_ANSWER_AFTER:
                await self._answer(scope, body, receive)
                await _hang_up(receive, send)
            case FaultKind.ERROR_500_AFTER | FaultKind.EMPTY_200 | FaultKind.TRUNCATE:
                status, answered = await self._answer(scope, body, receive)
                await damaged(rule, status, answered)(scope, receive, send)
            case (
                FaultKind.ERROR_503_BEFORE
                | FaultKind.RATE_LIMITED
                | FaultKind.REFUSED_400
                | FaultKind.HTML_200
            ):
                await instead(rule)(scope, receive, send)

    async def _answer(self, scope: Scope, body: bytes, receive: Receive) -> tuple[int, bytes]:
        """Let the system do what was asked, and keep its answer from the caller."""
        status, parts = 0, []

        async def keep(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))

        await self._app(scope, _replay(body, receive), keep)
        return status, b"".join(parts)


def fault_routes(faults: Faults) -> list[Route]:
    """Return `/faults`, to be mounted under `/_sim`.

    POST `{"clear": true, "rules": [{"system", "operation", "kind", ...}]}` puts and clears; both it
    and GET answer with the rules in force and the counts.
    """

    async def endpoint(request: Request) -> Response:
        if request.method == "POST":
            wanted = await request.json()
            try:
                rules = [FaultRule(**rule) for rule in wanted.get("rules", [])]
            except (TypeError, ValueError) as wrong:
                return JSONResponse({"error": str(wrong)}, status_code=400)
            if wanted.get("clear"):
                faults.clear()
            faults.put(*rules)
        answer = {"rules": [asdict(rule) for rule in faults.rules()], "fired": dict(faults.fired)}
        return JSONResponse(answer)

    return [Route("/faults", endpoint, methods=["GET", "POST"])]


_WHISTL_OPERATIONS = {
    ("POST", r"/whistl/oauth/token"): "token",
    ("POST", r"/whistl/v2/orders"): "create_order",
    ("GET", r"/whistl/v2/orders"): "list_orders",
    ("GET", r"/whistl/v2/orders/[^/]+"): "read_order",
    ("POST", r"/whistl/v2/orders/[^/]+/cancel"): "cancel_order",
    ("GET", r"/whistl/v2/despatches"): "list_despatches",
    ("GET", r"/whistl/v2/stock/snapshots/latest"): "latest_snapshot",
    ("GET", r"/whistl/v2/stock/snapshots/[^/]+/items"): "snapshot_items",
    ("GET", r"/whistl/v2/services"): "list_services",
    ("GET", r"/whistl/v2/products"): "list_products",
    ("PUT", r"/whistl/v2/products/.+"): "put_product",
    ("GET", r"/whistl/v2/capabilities"): "read_capabilities",
}


def words_of(system: str, method: str, path: str, body: bytes) -> frozenset[str]:
    """Return the words by which a rule may name a request; for Whistl that is its operation."""
    if system == "centra":
        return frozenset(re.findall(r"\w+", body.decode("utf-8", "replace")))
    return frozenset(
        name
        for (verb, pattern), name in _WHISTL_OPERATIONS.items()
        if verb == method and re.fullmatch(pattern, path)
    )


async def _whole_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return the body once more, then what the connection sends next."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _left_or_waited(receive: Receive, seconds: float) -> None:
    """Wait, but not for a caller who has left: a test server must be able to stop."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without a byte, as a broken network does.

    ASGI has no word for this; uvicorn's `send` is a method of the object that holds the transport.
    """
    transport: asyncio.Transport | None = getattr(
        getattr(send, "__self__", None), "transport", None
    )
    if transport is None:
        raise RuntimeError("FaultMiddleware must be the outermost application, run by uvicorn")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass  # uvicorn answers 500 for an application that returns before it saw the connection go


def damaged(rule: FaultRule, status: int, answered: bytes) -> Response:
    """Return what is left of the answer to a request that was carried out."""
    if rule.kind is FaultKind.EMPTY_200:
        return Response(b"", 200, media_type="application/json")
    if rule.kind is FaultKind.TRUNCATE:
        return Response(answered[: len(answered) // 2], status, media_type="application/json")
    return JSONResponse(_error(rule.system, "internal_error", retryable=True), 500)


def instead(rule: FaultRule) -> Response:
    """Return the answer to a request that was not carried out."""
    if rule.kind is FaultKind.HTML_200:
        return HTMLResponse("<html><body><h1>Sign in to the guest network</h1></body></html>")
    if rule.kind is FaultKind.REFUSED_400:
        return JSONResponse(_error(rule.system, "unknown_member", retryable=False), 400)
    headers = {"Retry-After": str(math.ceil(rule.seconds))} if rule.seconds else None
    if rule.kind is FaultKind.RATE_LIMITED:
        return JSONResponse(_error(rule.system, "rate_limited", retryable=True), 429, headers)
    return JSONResponse(_error(rule.system, "maintenance", retryable=True), 503, headers)


def _error(system: str, code: str, *, retryable: bool) -> Mapping[str, Any]:
    if system == "centra":
        return {"errors": [{"message": code.replace("_", " "), "extensions": {"code": code}}]}
    return {
        "error": {
            "code": code,
            "message": code.replace("_", " "),
            "request_id": "fault",
            "retryable": retryable,
            "details": [],
        }
    }
