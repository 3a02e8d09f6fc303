"""The commands that decide what Centra puts into its queue of events."""

from __future__ import annotations

import os

import click

from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link


@click.group()
def events() -> None:
    """Ask Centra for events of orders, or for no more.

    Events are read only where CENTRA_EVENTS=yes. Nothing but these commands changes what Centra
    puts into the queue.
    """


@events.command()
def listen() -> None:
    """Ask Centra to note in its queue which orders are new or changed."""
    with open_link(load_settings(os.environ)) as link:
        link.centra.listen_to_orders()
        reads = link.settings.reads_events
    click.echo("Centra notes new and changed orders in its queue of events.")
    if not reads:
        click.echo("They are not read yet: set CENTRA_EVENTS=yes, and restart the code server.")


@events.command()
@click.confirmation_option(prompt="Centra deletes the events that are in the queue. Go on?")
def stop() -> None:
    """Ask Centra for no more events of orders; those in the queue are deleted."""
    with open_link(load_settings(os.environ)) as link:
        link.centra.stop_listening_to_orders()
    click.echo("Centra notes orders no longer. Polling finds them as before.")
