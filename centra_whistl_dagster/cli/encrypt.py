"""The command for a first key, and for a change of keys."""

from __future__ import annotations

import os

import click

from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.upkeep.encryption import NoKey, encrypt_everything


@click.command()
def encrypt() -> None:
    """Encrypt all order contents with LEDGER_KEY.

    Also what is in clear, or was encrypted with LEDGER_FORMER_KEY. To change keys: stop the
    processes, move the key to LEDGER_FORMER_KEY, set a new LEDGER_KEY, run this command, remove
    LEDGER_FORMER_KEY, start the processes. It can be interrupted and run again. Ends with status 1
    while the ledger's log still holds contents in clear.
    """
    with open_link(load_settings(os.environ)) as link:
        try:
            done = encrypt_everything(link)
        except NoKey as error:
            raise Refusal(str(error)) from error
    click.echo(
        f"Orders that were in clear: {done.newly}. "
        f"Orders that were under the former key: {done.rewrapped}."
    )
    if not done.is_compacted:
        raise Refusal(
            "The ledger's log still holds contents in clear, because another process is reading "
            "it. Run this command again."
        )
    click.echo("The contents of all orders are now encrypted with LEDGER_KEY.")
