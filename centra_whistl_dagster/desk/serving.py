"""Serve the desk on loopback, on a Unix socket, or behind a proxy that knows the secret."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from centra_whistl_dagster.config_files.reader import ConfigError, ConfigFault
from centra_whistl_dagster.desk.app import create_app
from centra_whistl_dagster.desk.settings import load_desk_settings

LOOPBACK = "127.0.0.1"
_FOR_OWNER_AND_GROUP = 0o660


def serve(
    environment: Mapping[str, str], *, host: str, port: int, socket_path: Path | None = None
) -> None:
    """Serve until interrupted.

    Args:
        environment: the variables with the settings.
        host: where to listen; only loopback without a proxy.
        port: on which port.
        socket_path: listen on this Unix socket instead. Its user and group alone can open it: put
            the proxy into that group, and nobody else.

    Raises:
        ConfigError: a setting cannot be used, or nobody would be kept out.
    """
    over_socket = socket_path is not None
    settings = load_desk_settings(environment, over_socket=over_socket)
    if not over_socket and host != LOOPBACK and not settings.proxy_secret:
        detail = (
            "DESK_PROXY_SECRET is not set: without a proxy in front the desk listens on "
            f"{LOOPBACK} alone, not on {host}"
        )
        raise ConfigError("environment", [ConfigFault(line=None, detail=detail)])
    settings.load_configuration()
    server = server_of(create_app(settings, over_socket=over_socket), host=host, port=port)
    if socket_path is None:
        server.run()
        return
    with _listening(socket_path) as listening:
        server.run(sockets=[listening])


def server_of(app: ASGIApp, *, host: str = LOOPBACK, port: int = 0) -> uvicorn.Server:
    """Return the server of the desk, which says nothing of itself and keeps no line of requests."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        # The line of a request would hold what somebody looked for.
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
    return uvicorn.Server(config)


def _listening(path: Path) -> socket.socket:
    """Return a Unix socket that its user and group alone can open; uvicorn's own is for everybody.

    A socket that an earlier process left behind is replaced.
    """
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~_FOR_OWNER_AND_GROUP)
    try:
        made.bind(str(path))
    finally:
        os.umask(before)
    made.listen(128)
    return made
