"""A trading day through Dagster with marked people and secrets; then every byte is searched.

During the day people may be in the ledger alone, and secrets nowhere. Then everybody whose orders
are over is erased by the product's own command, and the people must be nowhere.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console

from centra_whistl_dagster.demo.day import Day
from centra_whistl_dagster.demo.run import run
from centra_whistl_dagster.launching.dagster_processes import free_port
from centra_whistl_dagster.ledger import erasure, orders, tables
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import Link, open_link
from centra_whistl_dagster.workflows.upkeep import personal_data
from centra_whistl_dagster_tests.canaries.searching import Found, find_bytes

PROJECT = Path(__file__).resolve().parents[2]
MARK = "Kanari"
TOKEN = "canary-token-of-centra-5f0e71"
SECRET = "canary-secret-of-whistl-9b3c24"
FEWEST_ERASED = 20
"""A day on which fewer orders ended has shown nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryDay(Day):
    """A demo's day on which everybody is marked."""

    @property
    def settings_file(self) -> Path:
        """The file for a person's shell has the secrets by design: it lies outside the home."""
        return self.state.with_name("for-a-shell.env")

    def simulator_arguments(self) -> list[str]:
        """Return the command line of simulators with marked people, which take our secrets."""
        return [
            *Day.simulator_arguments(self),
            *("--mark", MARK, "--centra-token", TOKEN),
            *("--switch", f"whistl_client_secret={SECRET}"),
        ]

    def product_settings(self) -> dict[str, str]:
        """Return the product's settings, with secrets that can be told from everything else."""
        return Day.product_settings(self) | {
            "CENTRA_TOKEN": TOKEN,
            "WHISTL_CLIENT_SECRET": SECRET,
        }


def play(home: Path, *, seconds: float, seed: int, console: Console) -> tuple[CanaryDay, list[str]]:
    """Play a day in a folder, and return it with what went wrong in its trade."""
    day = CanaryDay(
        seconds=seconds,
        seed=seed,
        orders_per_minute=60.0,
        state=home,
        webserver_port=free_port(),
        code_server_port=free_port(),
        simulator_port=free_port(),
        desk_port=free_port(),
        kill_after_seconds=seconds / 2,
        speed=120.0,
    )
    return day, run(day, PROJECT, console=console, report=None)


def misplaced(home: Path) -> list[Found]:
    """Return people outside the ledger, and secrets anywhere."""
    return [
        found
        for found in find_bytes(home, [MARK, TOKEN, SECRET])
        if found.needle != MARK or not found.path.name.startswith("ledger.db")
    ]


def erase_everybody(environment: Mapping[str, str]) -> personal_data.Erasure:
    """Erase whom the product erases; then take out of the ledger what open orders may keep."""
    with open_link(load_settings(environment)) as link:
        done = personal_data.erase(link, _all_orders(link))
        with link.ledger.transaction() as tx:
            for row in _all_orders(link):
                if row.number in done.still_open:
                    erasure.erase(tx, row)
        link.ledger.compact()
    return done


def _all_orders(link: Link) -> list[OrderRow]:
    with link.ledger.reading() as tx:
        ids = list(tx.execute(sa.select(tables.orders.c.centra_id)).scalars())
        return list(orders.find_all(tx, ids).values())


def _faults(home: Path, day: CanaryDay, traded: Iterable[str], console: Console) -> Iterator[str]:
    yield from traded
    files = sum(1 for path in home.rglob("*") if path.is_file())
    for found in misplaced(home):
        yield f"before erasing: {found.needle} in {found.path} ({found.how})"
    done = erase_everybody(day.product_settings())
    console.print(f"{len(done.erased)} orders erased, {len(done.still_open)} still open.")
    console.print(f"{files} files searched, before and after.")
    if len(done.erased) < FEWEST_ERASED:
        yield f"only {len(done.erased)} orders ended: the day has shown nothing"
    if not done.is_compacted:
        yield "the ledger could not be compacted"
    for found in find_bytes(home, [MARK]):
        yield f"after erasing: {found.needle} in {found.path} ({found.how})"


def main() -> None:
    """Play, search, erase, search again; end with status 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="How long the shop is open.")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="canaries-") as folder:
        home = Path(folder) / "home"
        day, traded = play(home, seconds=asked.seconds, seed=asked.seed, console=console)
        faults = list(_faults(home, day, traded, console))
    for fault in faults:
        console.print(fault, style="bold red", markup=False, soft_wrap=True)
    if faults:
        sys.exit(1)
    console.print("No person outside the ledger, nobody anywhere once erased, no secret anywhere.")


if __name__ == "__main__":
    main()
