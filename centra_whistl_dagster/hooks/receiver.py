"""Answers Centra's pushes over HTTP: checks the signature, keeps order numbers, and nothing else.

Source: https://centra.dev/fundamentals/webhooks. Centra waits 5 s for an answer, may send a push
again up to three times, and promises neither delivery nor order.
"""

from __future__ import annotations

import asyncio
import logging

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from centra_whistl_dagster.domain.orders.pushes import MOST_BYTES, PushRefused, PushUnreadable
from centra_whistl_dagster.ledger.engine import Ledger, LedgerUnavailable
from centra_whistl_dagster.workflows.orders.announcements import take_push

LOOPBACK = "127.0.0.1"
PATH = "/centra"
_BODY_SECONDS = 5.0
"""Centra itself gives up after that; a sender that trickles must not hold a place for longer."""
_MOST_AT_ONCE = 32
_SHUTDOWN_SECONDS = 5

_logger = logging.getLogger("centra_whistl_dagster.hooks")


class BodyTooLarge(Exception):
    """More came than any push of Centra's holds."""


def create_app(ledger: Ledger, secret: str) -> Starlette:
    """Return the receiver of one shop's pushes.

    Args:
        ledger: where hints are kept.
        secret: what Centra signs its pushes with.

    Raises:
        ValueError: there is no secret, so anybody could push.
    """
    if not secret:
        raise ValueError("pushes are received only with a secret that Centra signs them with")

    async def push(request: Request) -> PlainTextResponse:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body_of(request)
        except BodyTooLarge:
            return _refused(413, f"a push has at most {MOST_BYTES} bytes")
        except (TimeoutError, ClientDisconnect):
            return _refused(408, "the body did not arrive in time")
        signature = request.headers.get("X-Centra-Signature", "")
        try:
            # In a thread: a write may have to wait for another process's.
            orders = await run_in_threadpool(take_push, ledger, secret, signature, body)
        except PushRefused as error:
            return _refused(401, str(error))
        except PushUnreadable as error:
            return _refused(400, str(error))
        except LedgerUnavailable as error:
            return _refused(503, str(error))
        _logger.info("orders announced by a push: %d", orders)
        return PlainTextResponse("ok")

    return Starlette(routes=[Route(PATH, push, methods=["POST"])])


async def _body_of(request: Request) -> bytes:
    """Return the body, of which no more is read than a push can have.

    Raises:
        BodyTooLarge: there is more.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise BodyTooLarge
    return bytes(body)


def _refused(status: int, reason: str) -> PlainTextResponse:
    """Log why a push was refused, in our own words, and tell the sender nothing."""
    _logger.warning("a push was refused with HTTP %d: %s", status, reason)
    return PlainTextResponse("refused", status_code=status)


def serve(app: Starlette, *, host: str, port: int) -> None:
    """Serve a receiver until it is interrupted."""
    uvicorn.Server(configured(app, host=host, port=port)).run()


def configured(app: Starlette, *, host: str, port: int) -> uvicorn.Config:
    """Return how a receiver is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=_MOST_AT_ONCE,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        log_config=None,
    )
