"""Commands for those who mend orders: what is wrong, and why an order does not go.

Belongs here: arguments and what is printed. Does not belong here: the work (`workflows`).
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from centra_whistl_dagster.alerts.messages import clock_time
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner
from centra_whistl_dagster.domain.orders.order import Permission
from centra_whistl_dagster.domain.orders.states import AT_WHISTL, OrderState
from centra_whistl_dagster.screening.screen import Cleared
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.exceptions.register import ListedException, list_exceptions
from centra_whistl_dagster.workflows.link import Link, open_link
from centra_whistl_dagster.workflows.orders.trial import CannotTry, Trial, try_order

FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With the full-width forms, which some spreadsheets read as the plain ones."""

_OWN = tuple(each.name for each in fields(ListedException) if each.name != "stake")
COLUMNS = (*_OWN, "orders", "orders_blocked", "worth")
"""Of CSV and JSON."""


HELD = "Centra does not let it go yet (on hold, unpaid, locked, internal, or another warehouse's)"


@click.command()
@click.option(
    "--owner",
    type=click.Choice([owner.value for owner in Owner]),
    help="Only what this team mends.",
)
@click.option("--open/--all", "only_open", default=True, help="Without or with resolved ones.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table")
def exceptions(*, owner: str | None, only_open: bool, form: str) -> None:
    """List what is wrong, the most overdue first; CSV and JSON say what to do about it."""
    with open_link(load_settings(os.environ)) as link:
        listed = list_exceptions(link, owner=owner, only_open=only_open)
    if form == "table":
        _print_table(listed)
        return
    rows = [_flat(each) for each in listed]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows([safe_cell(row[name]) for name in COLUMNS] for row in rows)


@click.command()
@click.argument("order_number")
def screen(order_number: str) -> None:
    """Say why an order is blocked and what would pass. Reads Centra; changes nothing."""
    with open_link(load_settings(os.environ)) as link:
        try:
            trial = try_order(link, order_number)
        except CannotTry as error:
            raise click.ClickException(str(error)) from error
        _print_trial(link, trial)


def safe_cell(value: object) -> str:
    """Return text that no spreadsheet takes for a formula.

    A shop's text that begins with a formula's sign would be worked out, and could fetch and send
    data, when somebody opens the file. The apostrophe is OWASP's advice on CSV injection.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_BEGINNINGS) else text


def _print_table(listed: Sequence[ListedException]) -> None:
    console = Console()
    if not listed:
        console.print("Nothing is open.")
        return
    table = Table("owner", "kind", "about", "what is wrong", "orders", "worth", "due")
    for each in listed:
        late = "overdue since " if each.is_overdue else ""
        due = f"{late}{clock_time(each.due_at)}" if each.resolved_at is None else "resolved"
        cells = (
            each.owner,
            each.kind,
            each.about,
            each.message,
            str(len(each.stake.order_numbers)),
            each.stake.value_in_words,
            due,
        )
        # As Text: square brackets in a shop's words would be read as colours.
        table.add_row(*map(Text, cells))
    console.print(table)


def _flat(each: ListedException) -> dict[str, Any]:
    own = {name: getattr(each, name) for name in _OWN}
    row = own | {
        "orders": len(each.stake.order_numbers),
        "orders_blocked": each.stake.blocked,
        "worth": each.stake.value_in_words,
    }
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _print_trial(link: Link, trial: Trial) -> None:
    verdict = trial.verdict
    click.echo(f"Order {verdict.order.number}, at Whistl {verdict.order_number}: {_fate(trial)}")
    problems = [] if isinstance(verdict, Cleared) else list(verdict.problems)
    for problem in problems:
        click.echo()
        _print_problem(link, problem, "Blocked by")
    for warning in verdict.warnings:
        click.echo()
        _print_problem(link, warning, "Advice, which blocks nothing:")


def _fate(trial: Trial) -> str:
    if trial.state in AT_WHISTL:
        return f"Whistl has it already ({trial.state})."
    if trial.permission is Permission.CANCELLED:
        return "it is cancelled in Centra and will not be sent."
    is_held = trial.permission is Permission.WAITING or trial.state is OrderState.WAITING
    held = HELD if is_held else ""
    if isinstance(trial.verdict, Cleared):
        passes = f"it passes, and goes by {trial.verdict.service}."
        return f"{held}. Screened, {passes}" if held else passes
    count = len(trial.verdict.problems)
    blocked = f"{count} {'rule keeps' if count == 1 else 'rules keep'} it from going."
    return f"{held}, and {blocked}" if held else blocked


def _print_problem(link: Link, problem: Problem, opening: str) -> None:
    responsibility = link.configuration.exception_kinds[ExceptionKind(problem.kind)]
    click.echo(f"{opening} {problem.kind} ({responsibility.title})")
    click.echo(f"  field:      {problem.field}")
    if problem.value:
        click.echo(f"  value:      {problem.value}")
    click.echo(f"  wrong:      {problem.message}")
    click.echo(f"  would pass: {responsibility.instructions}")
    click.echo(f"  whose:      {responsibility.owner}")
