"""Dagster's webserver behind a check of who asks.

It takes what `dagster-webserver` takes, and `--allow-host NAME` for each name under which a proxy
serves it; without one it answers only to names of this machine.

Dagster's own answers to any host name. A page on a name that its owner has pointed at 127.0.0.1
(DNS rebinding) could then read orders and runs through the browser of an operator who visits it,
and a page of any other site could send commands.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from dagster_webserver import cli
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

import centra_whistl_dagster.ledger.plain_errors  # noqa: F401 - importing it hides values

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class OwnPagesOnly:
    """Refuses what the page of another site asks for; following a link to a page is allowed."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts
        """Names under which a proxy in front serves the page; it may change the Host header."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "lifespan" and self._is_foreign(scope):
            refusal = PlainTextResponse("Requests of other sites are refused.", status_code=403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None:
            url = urlsplit(origin)
            return url.netloc != headers.get("host") and url.hostname not in self._hosts
        # A plain GET names no origin, and Dagster takes commands by GET. Browsers say this instead.
        is_page_of_ours = headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
        return scope["path"].endswith("/graphql") and not is_page_of_ours


def guard(app: Starlette, hosts: Collection[str]) -> Starlette:
    """Return a webserver that answers only to names of this machine and to `hosts`."""
    app.add_middleware(OwnPagesOnly, hosts=frozenset(hosts))
    # Added last, so asked first.
    allowed = [*LOOPBACK_NAMES, *hosts]
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed, www_redirect=False)
    return app


def _host_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
        raise argparse.ArgumentTypeError("a host name without a port, such as dagster.example.com")
    return text.lower()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser("webserver", add_help=False, allow_abbrev=False)
    parser.add_argument("--allow-host", action="append", default=[], type=_host_name)
    ours, dagsters = parser.parse_known_args()
    create = cli.create_app_from_workspace_process_context  # type: ignore[attr-defined]  # not listed

    def create_guarded(*arguments: object, **options: object) -> Starlette:
        app = create(*arguments, **options)  # type: ignore[arg-type]  # passed on as they are
        return guard(app, ours.allow_host)

    cli.create_app_from_workspace_process_context = create_guarded  # type: ignore[attr-defined]
    cli.cli.main(dagsters, prog_name="webserver", auto_envvar_prefix="DAGSTER_WEBSERVER")


if __name__ == "__main__":
    main()
