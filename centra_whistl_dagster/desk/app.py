"""The desk as one ASGI application: its addresses, its error pages, its headers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import centra_whistl_dagster.ledger.plain_errors  # noqa: F401 - importing it hides values
from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.desk import briefs, feeds, health, orders, skus, worklist
from centra_whistl_dagster.desk.access import FormTokens
from centra_whistl_dagster.desk.settings import DeskSettings
from centra_whistl_dagster.desk.visits import Desk, action, page
from centra_whistl_dagster.ledger.engine import LedgerUnavailable
from centra_whistl_dagster.ledger.migrations import LedgerTooNew
from centra_whistl_dagster.workflows.exceptions.working import CannotAct

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_STYLE = files("centra_whistl_dagster.desk").joinpath("desk.css").read_text(encoding="utf-8")
_HEADERS = {
    # No script at all, no style but ours, and no page of another site around ours.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: a browser then sends a form's origin as null, and forms are refused.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_logger = logging.getLogger("centra_whistl_dagster.desk")


class _WithHeaders:
    """Adds the security headers to every answer, also to those of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def create_app(
    settings: DeskSettings,
    *,
    over_socket: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ASGIApp:
    """Return the desk.

    Args:
        settings: the desk's settings.
        over_socket: it is reached only by a Unix socket that nobody but the proxy may open.
        now: the clock, aware UTC.
    """
    desk = Desk(settings=settings, now=now, over_socket=over_socket, tokens=FormTokens(now=now))
    routes = [
        Route("/", page(desk, worklist.worklist)),
        Route("/exceptions/{id}", page(desk, worklist.exception)),
        Route("/exceptions/{id}/{action}", action(desk, worklist.act), methods=["POST"]),
        Route("/orders/{number}", page(desk, orders.order)),
        Route("/find", page(desk, orders.find)),
        Route("/health", page(desk, health.health)),
        Route("/skus/{sku:path}", page(desk, skus.sku)),
        Route("/feeds", page(desk, feeds.feeds)),
        # The name of a feed is Whistl's, and may hold a slash.
        Route("/feeds/{id:path}/{action}", action(desk, feeds.act), methods=["POST"]),
        Route("/feeds/{id:path}", page(desk, feeds.feed)),
        Route("/briefs", page(desk, briefs.briefs)),
        Route("/briefs/{name}", page(desk, briefs.brief)),
        Route("/desk.css", _style),
    ]
    errors = _Errors(desk)
    own_name = urlsplit(settings.desk_url).hostname
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(
                TrustedHostMiddleware,
                allowed_hosts=[*LOOPBACK_NAMES, *([own_name] if own_name else [])],
                www_redirect=False,
            )
        ],
        exception_handlers={
            HTTPException: errors.refused,
            CannotAct: errors.cannot_act,
            LedgerUnavailable: errors.unavailable,
            LedgerTooNew: errors.unavailable,
            ConfigError: errors.unavailable,
            Exception: errors.failed,
        },
    )
    return _WithHeaders(app)


async def _style(_request: Request) -> Response:
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})


class _Errors:
    """A page with a sentence for everything that goes wrong."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def refused(self, _request: Request, error: Exception) -> Response:
        """Answer what is not there, or not allowed."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        sentence = error.detail if isinstance(error, HTTPException) else ""
        usual = {404: "There is no such page.", 405: "This page is not for that."}
        if status in usual and sentence in {"Not Found", "Method Not Allowed"}:
            sentence = usual[status]
        return self._page(status, sentence)

    def cannot_act(self, _request: Request, error: Exception) -> Response:
        """Answer an action that does not fit how things are."""
        return self._page(409, f"{error} Nothing was changed.")

    def unavailable(self, _request: Request, error: Exception) -> Response:
        """Answer while the ledger or the configuration cannot be used."""
        return self._page(503, str(error))

    def failed(self, request: Request, error: Exception) -> Response:
        """Answer a fault of our own, which the log describes."""
        _logger.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
        return self._page(
            500, "This page could not be made. The desk's log says why: ask the data team."
        )

    def _page(self, status: int, sentence: str) -> Response:
        return self._desk.render("error.html", {"sentence": sentence}, status=status)
