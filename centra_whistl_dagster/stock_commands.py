"""Commands for those who look after stock: what waits in quarantine, and how a policy would fare.

Belongs here: arguments and what is printed. Does not belong here: the work (`workflows`, `stock`).
"""

from __future__ import annotations

import os

import click
from rich.console import Console
from rich.table import Table

from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows import quarantine as shelf
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.quarantine import NotInQuarantine
from centra_whistl_dagster.workflows.stock_reconciliation import NothingToReconcile


@click.group()
def stock() -> None:
    """Look after the stock feed."""


@stock.group(invoke_without_command=True)
@click.pass_context
def quarantine(context: click.Context) -> None:
    """List the stock snapshots that were refused, newest first."""
    if context.invoked_subcommand is not None:
        return
    with open_link(load_settings(os.environ)) as link:
        waiting = shelf.quarantined(link)
    table = Table("snapshot", "taken", "SKUs", "why it was refused")
    for each in waiting:
        taken = f"{each.taken_at:%d %b %H:%M} UTC"
        table.add_row(each.snapshot_id, taken, str(each.row_count), each.reason)
    Console().print(table if waiting else "Nothing is in quarantine.")


@quarantine.command()
@click.argument("snapshot_id")
def show(snapshot_id: str) -> None:
    """Say what using a refused snapshot would change in Centra. Changes nothing."""
    try:
        with open_link(load_settings(os.environ)) as link:
            would = shelf.what_it_would_do(link, snapshot_id)
    except (NotInQuarantine, NothingToReconcile) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"{would.rising} SKUs would show more ({would.units_added} units), {would.falling} less "
        f"({would.units_removed} units); {would.emptied} of those would be sold out."
    )


@quarantine.command()
@click.argument("snapshot_id")
def release(snapshot_id: str) -> None:
    """Let a refused snapshot be used by the next pass."""
    try:
        with open_link(load_settings(os.environ)) as link:
            shelf.release(link, snapshot_id)
    except NotInQuarantine as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{snapshot_id} is released; the next pass uses it unless a newer good one comes.")
