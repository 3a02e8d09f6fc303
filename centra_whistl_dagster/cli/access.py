"""The command for permissions that a system has refused: list them, say that one was granted."""

from __future__ import annotations

import os

import click

from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.access import CallGroup, allow_again, is_permitted
from centra_whistl_dagster.workflows.link import open_link

_NAMES = {group.name.lower(): group for group in CallGroup}


@click.command()
@click.option(
    "--granted",
    type=click.Choice(sorted(_NAMES)),
    help="Try these calls again with the same token: the permission was added to it.",
)
def access(*, granted: str | None) -> None:
    """List calls refused to our token, or allow them again.

    A refused kind of call is not repeated until the token is replaced.
    """
    with open_link(load_settings(os.environ)) as link, link.ledger.transaction() as tx:
        if granted is not None:
            allow_again(tx, _NAMES[granted])
            click.echo(f"{granted}: tried again by the next job.")
            return
        refused = [
            name for name, group in _NAMES.items() if not is_permitted(tx, link.settings, group)
        ]
    for name in refused:
        click.echo(f"{name}: not tried until the token is replaced, or: --granted {name}")
    if not refused:
        click.echo("No kind of call is refused.")
