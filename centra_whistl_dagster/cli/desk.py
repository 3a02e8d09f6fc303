"""The command that serves the desk's pages."""

from __future__ import annotations

import os
from pathlib import Path

import click

from centra_whistl_dagster.desk.serving import LOOPBACK, serve


@click.command()
@click.option("--port", default=3001, show_default=True)
@click.option("--host", default=LOOPBACK, show_default=True, help="Others need DESK_PROXY_SECRET.")
@click.option(
    "--socket",
    "socket_path",
    type=click.Path(path_type=Path),
    help="A Unix socket to listen on instead, for a proxy on this machine.",
)
def desk(*, port: int, host: str, socket_path: Path | None) -> None:
    """Serve pages for people without a shell.

    Worklist, orders, health, SKUs, refused feeds, briefs. Read-only unless a proxy in front
    says who is there and DESK_ROLES gives that person a role. Needs no token of Centra or Whistl.
    """
    if socket_path is None:
        click.echo(f"Desk: http://{host}:{port}   Ctrl-C ends it.")
    else:
        click.echo(f"Desk: {socket_path}   Ctrl-C ends it.")
    serve(os.environ, host=host, port=port, socket_path=socket_path)
