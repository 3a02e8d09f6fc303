"""The commands that measure: the benchmarks, and the backtest of a stock policy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

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
from centra_whistl_dagster.bench.run import run as run_benchmarks
from centra_whistl_dagster.cli import PROJECT
from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.extras import require_extra
from centra_whistl_dagster.history.publish import open_published

_FILE = click.Path(dir_okay=False, path_type=Path)
_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


LOADS, INSTALLATION = "loads", "installation"


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("docs"), show_default=True)
@click.option("--quick", is_flag=True, help="A tenth of each load, and each figure once.")
@click.option(
    "--only",
    type=click.Choice([LOADS, INSTALLATION]),
    help="Leave the other part, and its file, as they are.",
)
def bench(*, folder: Path, quick: bool, only: str | None) -> None:
    """Run the benchmarks.

    Measures the loads a large brand would notice, and writes benchmarks.md. Measures a whole
    installation with simulated systems for about 50 minutes, and writes benchmarks-installation.md.
    """
    if only != LOADS:  # before anything is timed, which takes minutes
        require_extra("demo", "aiosmtpd", needed_for="Measuring an installation")
    if only != INSTALLATION:
        for timing in run_benchmarks(folder / "benchmarks.md", quick=quick):
            click.echo(f"{timing.median_s:8.3f} s  {timing.name}")
    if only != LOADS:
        # Here only: it needs the extra.
        from centra_whistl_dagster.bench import installation, installation_report  # noqa: PLC0415

        figures = installation_report.run(
            folder / "benchmarks-installation.md",
            project=PROJECT,
            lengths=installation.QUICK if quick else installation.Lengths(),
            say=lambda what: click.echo(f"Measuring {what} …"),
        )
        for figure in figures:
            click.echo(f"{figure.median:8.3g} {figure.unit}  {figure.name}")


@click.command()
@click.argument("orders", type=_EXISTING_FILE)
@click.option(
    "--policy",
    "policy_file",
    type=_EXISTING_FILE,
    default=Path("config/policy.toml"),
    show_default=True,
    help="The file with the [stock] tables to try.",
)
@click.option(
    "--compare",
    "rivals",
    multiple=True,
    type=click.Choice(sorted(RIVALS)),
    help="Also run the same orders with this policy; may be given several times.",
)
@click.option("--frontier", "with_frontier", is_flag=True, help="Also at other buffer risks.")
@click.option("--unseen-share", default=0.1, show_default=True, help="Orders Centra never sees.")
@click.option("--seed", default=7, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Number of processes.")
@click.option("--json", "json_file", type=_FILE, help="Write every figure to this file.")
@click.option("--picture", type=_FILE, help="Write a PNG; needs the extra 'plots'.")
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
    """Replay past orders against a stock policy.

    Runs the code that runs in production and counts the units oversold and withheld. ORDERS is the
    published history (`.duckdb`), or a Parquet file with the columns of the UCI Online Retail data.
    """
    if picture is not None:  # before the replay, which takes minutes
        require_extra("plots", "matplotlib", needed_for="--picture")
    policy = load_policy(policy_file.read_text(encoding="utf-8"), policy_file.name).stock
    strategies = [Strategy(name="this policy", policy=policy), *(RIVALS[name] for name in rivals)]
    if with_frontier:
        strategies += frontier(policy)
    demand = read_demand(_lines_of(orders), unseen_share=unseen_share, seed=seed)
    outcomes = compare(demand, strategies, WorldSettings(seed=seed), workers=workers)
    click.echo(as_table(outcomes).to_string(index=False))
    if json_file is not None:
        json_file.write_text(json.dumps(as_records(outcomes), indent=2), encoding="utf-8")
    if picture is not None:
        picture.write_bytes(as_picture(outcomes))


def _lines_of(orders: Path) -> pd.DataFrame:
    if orders.suffix != ".duckdb":
        return pd.read_parquet(orders)
    with open_published(orders) as reader:
        return reader.lines_ordered()
