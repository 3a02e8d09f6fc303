"""Commands for those who look after stock: what waits in quarantine, and how a policy would fare.

Belongs here: arguments and what is printed. Does not belong here: the work (`workflows`, `stock`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from centra_whistl_dagster.backtest.demand import read_demand
from centra_whistl_dagster.backtest.frontier import (
    as_picture,
    as_records,
    as_table,
    compare,
    frontier,
)
from centra_whistl_dagster.backtest.replay import WorldSettings
from centra_whistl_dagster.backtest.strategies import RIVALS, Strategy
from centra_whistl_dagster.config_files.policy import load_stock_policy
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.stock import quarantine as shelf
from centra_whistl_dagster.workflows.stock.quarantine import NotInQuarantine
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile


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


@click.command()
@click.argument("orders", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("config/policy.toml"),
    show_default=True,
    help="Whose [stock] tables are tried.",
)
@click.option(
    "--compare",
    "rivals",
    multiple=True,
    type=click.Choice(sorted(RIVALS)),
    help="Ways of others to live through the same orders with; may be given again.",
)
@click.option("--frontier", "with_frontier", is_flag=True, help="Also the policy at other risks.")
@click.option("--unseen-share", default=0.1, show_default=True, help="Orders the shop never sees.")
@click.option("--seed", default=7, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes to share the work among.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="A PNG.")
def backtest(
    *,
    orders: Path,
    policy_file: Path,
    rivals: Sequence[str],
    with_frontier: bool,
    unseen_share: float,
    seed: int,
    workers: int,
    json_file: Path | None,
    picture: Path | None,
) -> None:
    """Replay real orders through the code that runs in production, and count what it costs.

    ORDERS is a Parquet file with the columns of the UCI Online Retail data.
    """
    policy = load_stock_policy(policy_file.read_text(encoding="utf-8"), policy_file.name)
    strategies = [Strategy(name="this policy", policy=policy), *(RIVALS[each] for each in rivals)]
    if with_frontier:
        strategies += frontier(policy)
    demand = read_demand(pd.read_parquet(orders), unseen_share=unseen_share, seed=seed)
    outcomes = compare(demand, strategies, WorldSettings(seed=seed), workers=workers)
    click.echo(as_table(outcomes).to_string(index=False))
    if json_file is not None:
        json_file.write_text(json.dumps(as_records(outcomes), indent=2), encoding="utf-8")
    if picture is not None:
        picture.write_bytes(as_picture(outcomes))
