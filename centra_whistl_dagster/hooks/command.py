"""The command that receives what Centra pushes."""

from __future__ import annotations

import logging
import os
from contextlib import closing

import click

from centra_whistl_dagster.config_files.reader import ConfigError, ConfigFault
from centra_whistl_dagster.hooks.receiver import LOOPBACK, PATH, create_app, serve
from centra_whistl_dagster.settings import load_receiver_settings
from centra_whistl_dagster.workflows.exceptions.step_failures import open_ledger

_NOT_SET = (
    "CENTRA_WEBHOOK_SECRET is not set, so a push could come from anybody, and none is received. "
    "Set it to the secret of the Centra Webhook plugin"
)


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--port", default=8010, show_default=True)
def hooks(*, host: str, port: int) -> None:
    """Receive Centra's pushes, which make polling start at once.

    Listens on loopback unless told otherwise: put a proxy with TLS in front of it. Needs
    CENTRA_WEBHOOK_SECRET and what opens the ledger, and no other setting.
    """
    settings = load_receiver_settings(os.environ)
    if not settings.webhook_secret:
        raise ConfigError("environment", [ConfigFault(line=None, detail=_NOT_SET)])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with closing(open_ledger(settings)) as ledger:
        app = create_app(ledger, settings.webhook_secret)
        click.echo(f"Receiving pushes at http://{host}:{port}{PATH}   Ctrl-C ends it.")
        serve(app, host=host, port=port)
