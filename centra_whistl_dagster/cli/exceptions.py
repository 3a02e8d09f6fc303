"""The commands that list exceptions, as a table, as CSV and as JSON, and close one by hand."""

from __future__ import annotations

import csv
import getpass
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from centra_whistl_dagster.alerts.messages import clock_time
from centra_whistl_dagster.cli.terminal import Refusal, safe_cell
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner
from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.exceptions.closing import CannotClose, close_by_hand
from centra_whistl_dagster.workflows.exceptions.register import ListedException, list_exceptions
from centra_whistl_dagster.workflows.link import open_link

_FIELDS = tuple(field.name for field in fields(ListedException) if field.name != "stake")
COLUMNS = (*_FIELDS, "orders", "orders_blocked", "worth")
"""Of CSV and JSON."""


@click.group(invoke_without_command=True)
@click.option(
    "--owner",
    type=click.Choice([owner.value for owner in Owner]),
    help="Only the exceptions of this team.",
)
@click.option("--open/--all", "only_open", default=True, help="Leave out or include resolved ones.")
@click.option(
    "--format", "output_format", type=click.Choice(["table", "csv", "json"]), default="table"
)
@click.pass_context
def exceptions(
    context: click.Context, *, owner: str | None, only_open: bool, output_format: str
) -> None:
    """List open exceptions, the most overdue first.

    CSV and JSON also say what to do about each.
    """
    if context.invoked_subcommand is not None:
        return
    with open_link(load_settings(os.environ)) as link:
        listed = list_exceptions(link, owner=owner, only_open=only_open)
    if output_format == "table":
        _print_table(listed)
        return
    rows = [_record(exception) for exception in listed]
    if output_format == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows([safe_cell(row[column]) for column in COLUMNS] for row in rows)


@exceptions.command()
@click.argument("number", type=int)
@click.option(
    "--note",
    required=True,
    help="What was done about it, without names of customers. It is kept, and shown in the list.",
)
@click.option("--by", "who", default=getpass.getuser, help="Who closes it; you by default.")
def close(*, number: int, note: str, who: str) -> None:
    """Close an exception that only a person can know to be over.

    NUMBER is in the list's first column. The exception opens again only if its cause changes.
    """
    with open_link(load_settings(os.environ)) as link:
        try:
            about = close_by_hand(link.ledger, number, who=who, note=note)
        except CannotClose as error:
            raise Refusal(str(error)) from error
    click.echo(f"Exception {number} is closed: {visible(about)}.")


def _print_table(listed: Sequence[ListedException]) -> None:
    console = Console()
    if not listed:
        console.print("No open exceptions.")
        return
    table = Table("number", "owner", "kind", "about", "what is wrong", "orders", "worth", "due")
    for exception in listed:
        cells = (
            str(exception.id),
            exception.owner,
            exception.kind,
            exception.about,
            exception.message,
            str(len(exception.stake.order_numbers)),
            exception.stake.value_in_words,
            _due(exception),
        )
        # As Text: square brackets from the shop would be read as colours.
        table.add_row(*(Text(visible(cell)) for cell in cells))
    console.print(table)


def _due(exception: ListedException) -> str:
    if exception.resolved_at is not None:
        return f"closed by {exception.closed_by}" if exception.closed_by else "resolved"
    return f"{'overdue since ' if exception.is_overdue else ''}{clock_time(exception.due_at)}"


def _record(exception: ListedException) -> dict[str, object]:
    record: dict[str, object] = {name: getattr(exception, name) for name in _FIELDS}
    record |= {
        "orders": len(exception.stake.order_numbers),
        "orders_blocked": exception.stake.blocked,
        "worth": exception.stake.value_in_words,
    }
    return {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in record.items()
    }
