"""The commands for requests of data protection: what is kept about a person, and erasing it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click
from pydantic_core import to_json

from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import Link, open_link
from centra_whistl_dagster.workflows.upkeep import personal_data

_CUSTOMER = click.option("--customer", metavar="EMAIL", help="Everything under this e-mail.")
_ORDER = click.option("--order", "number", type=int, help="One order, by Centra's number.")


def _of_whom(command: Callable[..., None]) -> Callable[..., None]:
    return _CUSTOMER(_ORDER(command))


@click.command()
@_of_whom
def subject_access(*, customer: str | None, number: int | None) -> None:
    """Print all that is kept about a customer or an order, as JSON.

    It contains personal data in clear. Changes nothing.
    """
    with open_link(load_settings(os.environ)) as link:
        kept = personal_data.everything_about(link, _orders(link, customer, number))
    click.echo(to_json(kept, indent=2))


@click.command()
@_of_whom
def erase(*, customer: str | None, number: int | None) -> None:
    """Erase what identifies a customer, of orders that are over.

    An order that is still open is not erased: the command says what is due first, and ends with
    status 1. Ask Centra, Whistl and whoever receives alerts to erase their own copies.
    """
    with open_link(load_settings(os.environ)) as link:
        done = personal_data.erase(link, _orders(link, customer, number))
    for erased in done.erased:
        click.echo(f"Order {erased} is erased.")
    for still_open, due in done.still_open.items():
        click.echo(f"Order {still_open} is still open and was not erased. Due first:", err=True)
        for step in due:
            click.echo(f"  {visible(step)}", err=True)
    if not done.is_compacted:
        click.echo(
            "The erased bytes may still be in the ledger's files: another process uses it, or the "
            "disk has no room for a copy. Run the same command again.",
            err=True,
        )
    for path in done.other_copies:
        click.echo(
            f"Delete {path} as well: a restore moved it aside with everybody in it.", err=True
        )
    if done.still_open or done.other_copies or not done.is_compacted:
        sys.exit(1)


def _orders(link: Link, customer: str | None, number: int | None) -> list[OrderRow]:
    if (customer is None) == (number is None):
        raise click.UsageError("Give either --customer EMAIL or --order NUMBER.")
    try:
        return personal_data.orders_of(link, customer=customer, number=number)
    except personal_data.NobodyFound as error:
        raise Refusal(str(error)) from error
