"""The command that runs the simulated Centra and Whistl by the wall clock."""

from __future__ import annotations

import json
from typing import Any

import click

from centra_whistl_dagster.simulator.wire.server import LOOPBACK, serve
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN, CentraToken
from centra_whistl_dagster.simulator.world.switches import SWITCHES
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import Settings, World

DEFAULTS = Settings()


def read_switches(
    _: click.Context, __: click.Parameter, given: tuple[str, ...]
) -> dict[str, object]:
    """Read `name=value` pairs; a value is JSON where it can be, else text."""
    switches = {}
    for pair in given:
        name, sign, text = pair.partition("=")
        if not sign or name not in SWITCHES:
            known = ", ".join(SWITCHES)
            raise click.BadParameter(f"{pair!r}: expected name=value with a name of: {known}")
        try:
            switches[name] = json.loads(text)
        except ValueError:
            switches[name] = text
    return switches


@click.command()
@click.option("--port", default=8801, show_default=True, help="Port on 127.0.0.1.")
@click.option("--seed", default=DEFAULTS.seed, show_default=True)
@click.option("--skus", default=DEFAULTS.skus, show_default=True)
@click.option("--speed", default=1.0, show_default=True, help="Trading-day seconds in a second.")
@click.option("--orders-per-minute", default=DEFAULTS.orders_per_minute, show_default=True)
@click.option("--spoiled-share", default=DEFAULTS.spoiled_share, show_default=True)
@click.option(
    "--centra-token", default=TEST_TOKEN, help="The token that the simulated Centra takes."
)
@click.option("--mark", default="", help="A word in each shopper's name, street and e-mail.")
@click.option("--closed", is_flag=True, help="Do not trade until POST /_sim/trading says so.")
@click.option(
    "--corrections-wait-for-report",
    is_flag=True,
    help="Correct a bad order only after POST /_sim/reported names it.",
)
@click.option("--pushes-to", default="", help="Where Centra pushes changes of orders.")
@click.option("--push-secret", default="", help="What it signs these pushes with.")
@click.option("--unlimited", is_flag=True, help="Lift the quotas of both systems.")
@click.option("--switch", "switches", multiple=True, callback=read_switches, metavar="NAME=VALUE")
def simulate(
    *,
    port: int,
    seed: int,
    skus: int,
    speed: float,
    orders_per_minute: float,
    spoiled_share: float,
    centra_token: str,
    mark: str,
    closed: bool,
    corrections_wait_for_report: bool,
    pushes_to: str,
    push_secret: str,
    unlimited: bool,
    switches: dict[str, Any],
) -> None:
    """Run a simulated Centra and a simulated Whistl on this machine."""
    settings = Settings(
        seed=seed,
        skus=skus,
        speed=speed,
        orders_per_minute=orders_per_minute,
        spoiled_share=spoiled_share,
        corrections_wait_for_report=corrections_wait_for_report,
        centra_tokens={centra_token: CentraToken()},
        pushes_to=pushes_to,
        push_secret=push_secret,
        centra_limits=None if unlimited else DEFAULTS.centra_limits,
        switches={"whistl_requests_per_minute": None} | switches if unlimited else switches,
        mark=mark,
    )
    world = World(settings)
    stock_world(world)
    open_warehouse(world)
    base = f"http://{LOOPBACK}:{port}"
    click.echo(f"Centra {base}/centra   Whistl {base}/whistl   truth {base}/_sim/truth")
    serve(world, port, trading=not closed)
