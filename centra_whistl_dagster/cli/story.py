"""The command that tells one order's story."""

from __future__ import annotations

import os

import click

from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.orders.story import NoSuchOrder, OrderStory, tell_story


@click.command()
@click.argument("order_number")
@click.option("--offline", is_flag=True, help="Ask neither system; show what is known here.")
def order(*, order_number: str, offline: bool) -> None:
    """Show what happened to one order, and what comes next.

    Reads Centra and Whistl as they are now; changes nothing. Personal values are masked. Times are
    London time. ORDER_NUMBER is Centra's number, or the order's number at Whistl.
    """
    with open_link(load_settings(os.environ)) as link:
        try:
            story = tell_story(link, order_number, is_offline=offline)
        except NoSuchOrder as error:
            raise Refusal(str(error)) from error
    _print(story)


def _print(story: OrderStory) -> None:
    at_whistl = f" ({', '.join(story.whistl_numbers)} at Whistl)" if story.whistl_numbers else ""
    click.echo(f"Order {story.number}{visible(at_whistl)}")
    for line in (*story.now, *story.not_read):
        click.echo(f"  {visible(line)}")
    click.echo("\nWhat happened:")
    for moment in story.moments:
        at = f"{moment.at.astimezone(LONDON):%d %b %Y %H:%M:%S}"
        click.echo(f"  {at}  {moment.side:<10}  {visible(moment.text)}")
    click.echo("\nWhat comes next:")
    for step in story.next:
        click.echo(f"  {visible(step)}")
