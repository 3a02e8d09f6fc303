"""The commands for stock: preview a change of its policy; list, show, release refused snapshots."""

from __future__ import annotations

import os

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from centra_whistl_dagster.cli.stock_preview import preview
from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.stock import quarantine as refused
from centra_whistl_dagster.workflows.stock.quarantine import NotInQuarantine
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile


@click.group()
def stock() -> None:
    """Preview a policy change; release refused snapshots."""


stock.add_command(preview)


@stock.group(invoke_without_command=True)
@click.pass_context
def quarantine(context: click.Context) -> None:
    """List refused stock snapshots, newest first."""
    if context.invoked_subcommand is not None:
        return
    with open_link(load_settings(os.environ)) as link:
        snapshots = refused.quarantined(link)
    table = Table("snapshot", "taken", "SKUs", "why it was refused")
    for snapshot in snapshots:
        taken = f"{snapshot.taken_at:%d %b %H:%M} UTC"
        cells = (snapshot.snapshot_id, taken, str(snapshot.row_count), snapshot.reason)
        # As Text: square brackets in Whistl's name of a snapshot would be read as colours.
        table.add_row(*(Text(visible(cell)) for cell in cells))
    Console().print(table if snapshots else "No snapshot is in quarantine.")


@quarantine.command()
@click.argument("snapshot_id")
def show(snapshot_id: str) -> None:
    """Show what a refused snapshot would change in Centra; changes nothing."""
    try:
        with open_link(load_settings(os.environ)) as link:
            would = refused.what_it_would_do(link, snapshot_id)
    except (NotInQuarantine, NothingToReconcile) as error:
        raise Refusal(str(error)) from error
    preview = would.preview
    click.echo(f"Refused because of: {would.reason}.")
    click.echo(
        f"{preview.rising} SKUs would go up by {preview.units_added} units in total, "
        f"{preview.falling} down by {preview.units_removed}; "
        f"{preview.emptied} of those would be sold out."
    )
    table = Table("SKU", "Centra has", "Centra would have", title="Largest changes")
    for changed in would.largest:
        table.add_row(Text(visible(changed.sku)), str(changed.before), str(changed.after))
    if would.largest:
        Console().print(table)


@quarantine.command()
@click.argument("snapshot_id")
def release(snapshot_id: str) -> None:
    """Let the next stock sync use a refused snapshot."""
    try:
        with open_link(load_settings(os.environ)) as link:
            refused.release(link, snapshot_id)
    except NotInQuarantine as error:
        raise Refusal(str(error)) from error
    click.echo(
        f"{visible(snapshot_id)} is released. The next stock sync uses it, unless a newer valid "
        "snapshot arrives first or it is too old. Later snapshots are compared with it."
    )
