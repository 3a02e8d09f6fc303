"""The command that runs Dagster against the systems in `.env`."""

from __future__ import annotations

import click

from centra_whistl_dagster.cli import PROJECT
from centra_whistl_dagster.launching.dev import run_until_interrupted


@click.command()
@click.option("--port", default=3000, show_default=True, help="Dagster's web page, on 127.0.0.1.")
@click.option("--may-write", is_flag=True, help="Let the web page launch runs and change things.")
def dev(*, port: int, may_write: bool) -> None:
    """Run Dagster against the systems in .env.

    Starts the code server, the webserver, the daemon and the desk, and stops them on Ctrl-C.
    """
    try:
        run_until_interrupted(PROJECT, port=port, may_write=may_write)
    except KeyboardInterrupt:
        click.echo("\nStopped. Every process that was started has ended.")
