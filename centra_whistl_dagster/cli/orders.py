"""Commands about one order: why it is blocked, and what a person decides about it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable

import click

from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem
from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.domain.orders.order import Permission
from centra_whistl_dagster.domain.orders.states import AT_WHISTL, OrderState
from centra_whistl_dagster.screening.screen import Cleared
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import Link, open_link
from centra_whistl_dagster.workflows.orders.by_hand import CannotDecide, accept_as_ours, retry_now
from centra_whistl_dagster.workflows.orders.replacement_by_hand import (
    CannotReplace,
    replace_by_hand,
)
from centra_whistl_dagster.workflows.orders.trial import CannotTry, Trial, try_order

NOT_RELEASED = (
    "not yet released in Centra (on hold, unpaid, locked, internal, or for another warehouse)"
)


@click.command()
@click.argument("order_number")
def screen(order_number: str) -> None:
    """Explain why an order is blocked.

    Reads the order from Centra as it is now, screens it, and prints each failed rule with what
    would pass. Changes nothing. ORDER_NUMBER is Centra's number, or the order's number at Whistl.
    """
    with open_link(load_settings(os.environ)) as link:
        try:
            trial = try_order(link, order_number)
        except CannotTry as error:
            raise Refusal(str(error)) from error
        _print_trial(link, trial)


@click.group()
def orders() -> None:
    """Decide about one order: accept it, retry it, or replace it.

    Each decision is kept with the order, with the name and the note.
    """


_NOTE = click.option("--note", required=True, help="Why. Kept with the order: no customer's data.")
_WHO = click.option(
    "--who", default=getpass.getuser, help="Who decides. Your user name if left out."
)


@orders.command()
@click.argument("order_number")
@_NOTE
@_WHO
def accept(order_number: str, note: str, who: str) -> None:
    """Accept the order that Whistl has under this number as ours.

    For an order in doubt whose number Whistl holds with other contents. Compare the two first: what
    Whistl has is what it ships. ORDER_NUMBER is Centra's number.
    """
    status = _decided(lambda link: accept_as_ours(link, order_number, note=note, who=who))
    click.echo(f"Order {visible(order_number)} is accepted; at Whistl it is {visible(status)}.")


@orders.command()
@click.argument("order_number")
@_NOTE
@_WHO
def retry(order_number: str, note: str, who: str) -> None:
    """Try a blocked or waiting order again in the next round.

    For an order that Whistl refused by its own mistake, and for one whose next try is far off.
    ORDER_NUMBER is Centra's number.
    """
    next_step = _decided(lambda link: retry_now(link, order_number, note=note, who=who))
    click.echo(f"Order {visible(order_number)}: {next_step} in the next round.")


def _decided(decide: Callable[[Link], str]) -> str:
    with open_link(load_settings(os.environ)) as link:
        try:
            return decide(link)
        except CannotDecide as error:
            raise Refusal(str(error)) from error


def _print_trial(link: Link, trial: Trial) -> None:
    verdict = trial.verdict
    numbers = f"Order {verdict.order.number}, {verdict.order_number} at Whistl"
    click.echo(f"{numbers}: {visible(_next_step(trial))}")
    problems = [] if isinstance(verdict, Cleared) else list(verdict.problems)
    for problem in problems:
        click.echo()
        _print_problem(link, problem, "Blocked by")
    for warning in verdict.warnings:
        click.echo()
        _print_problem(link, warning, "Warning, which blocks nothing:")


def _next_step(trial: Trial) -> str:
    if trial.permission is Permission.ENDED and trial.state not in AT_WHISTL:
        return "shipped or archived in Centra; it will not be sent."
    if trial.state in AT_WHISTL:
        return f"already at Whistl ({trial.state})."
    if trial.permission is Permission.CANCELLED:
        return "cancelled in Centra; it will not be sent."
    if isinstance(trial.verdict, Cleared):
        screened = f"passes screening, with service {trial.verdict.service}."
    else:
        count = len(trial.verdict.problems)
        screened = f"{count} {'rule fails' if count == 1 else 'rules fail'}."
    is_waiting = trial.permission is Permission.WAITING or trial.state is OrderState.WAITING
    return f"{NOT_RELEASED}; {screened}" if is_waiting else screened


def _print_problem(link: Link, problem: Problem, heading: str) -> None:
    responsibility = link.configuration.exception_kinds[ExceptionKind(problem.kind)]
    click.echo(f"{heading} {problem.kind} ({responsibility.title})")
    click.echo(f"  field:      {visible(problem.field)}")
    if problem.value:
        click.echo(f"  value:      {visible(problem.value)}")
    click.echo(f"  problem:    {visible(problem.message)}")
    click.echo(f"  what to do: {responsibility.instructions}")
    click.echo(f"  owner:      {responsibility.owner}")


@orders.command()
@click.argument("order_number", type=int)
def replace(order_number: int) -> None:
    """Stop an order at Whistl and send it again.

    Whistl is asked to stop the order. Once it has, the order is sent as it is in Centra, under its
    next number at Whistl, such as C100234-2. ORDER_NUMBER is Centra's number.
    """
    with open_link(load_settings(os.environ)) as link:
        try:
            click.echo(replace_by_hand(link, order_number))
        except CannotReplace as error:
            raise Refusal(str(error)) from error
