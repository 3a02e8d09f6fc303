"""A world of three SKUs with an installation beside it, made in a few milliseconds.

The folder of configuration and a ledger that knows the catalogues are made once for a process;
each history begins with a copy of that ledger.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from centra_whistl_dagster.simulator.people.behaviour import People
from centra_whistl_dagster.simulator.wire.server import create_app
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import Settings, World
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference
from centra_whistl_dagster_tests.faults.installation import (
    FORGIVES_NOTHING,
    AllWell,
    Installation,
    empty_state,
    environment_of,
    state_folder,
)
from centra_whistl_dagster_tests.faults.wire import Fates

FIRST_STOCK = (3, 5, 2)
STANDS_STILL = 1e-6
"""The world's own agenda: an order moves on when a step says so, and not by itself."""
POLICY = {"cap_units": "0", "least_rows_share": "0.1", "least_known_share": "0.1"}
"""No buffer, which would hide a unit too many; guards that a world of three SKUs can pass."""


@contextmanager
def small_world(fates: Fates) -> Iterator[Installation]:
    """Make a world and an installation beside it, whose ledger knows both catalogues."""
    informed = _informed_ledger()
    state = empty_state()
    shutil.copy(informed, state / "ledger.db")
    with _made(fates, state) as desk:
        yield desk


@contextmanager
def _made(fates: Fates, state: Path) -> Iterator[Installation]:
    clock = ManualClock()
    settings = Settings(
        skus=len(FIRST_STOCK),
        speed=STANDS_STILL,
        several_parcels_share=0.5,
        centra_limits=None,
        switches=dict(FORGIVES_NOTHING),
    )
    world = World(settings, now=clock)
    stock_world(world)
    for sku in [sku for sku, item in world.items.items() if not item.is_known_to_whistl]:
        del world.items[sku], world.shelves[sku]
    for sku, units in zip(world.whistl_skus(), FIRST_STOCK, strict=True):
        world.shelves[sku].on_hand = world.shelves[sku].centra_physical = units
    with ExitStack() as stack:
        desk = Installation(
            world=world,
            clock=clock,
            environment={**_environment(), "STATE_DIR": str(state)},
            link=None,  # type: ignore[arg-type]  # opened in the next lines
            _open=stack,
            skus=world.whistl_skus(),
            app=create_app(world, people=People(world)),
            fates=fates,
            page_size=2,
        )
        desk.reopen()
        yield desk


@cache
def _environment() -> dict[str, str]:
    """Return what `.env` holds for every history; its folder of configuration stays as it is."""
    config = Path(tempfile.mkdtemp(dir=state_folder()))
    world = World(Settings(skus=1))
    stock_world(world)
    environment = environment_of(world, "http://127.0.0.1:1", config, state_folder())
    path = config / "policy.toml"
    text = path.read_text()
    for name, value in POLICY.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        if not count:
            raise ValueError(f"config/policy.toml has no {name}")
    path.write_text(text)
    return {**environment, "WHISTL_PARALLEL_CALLS": "1"}


@cache
def _informed_ledger() -> Path:
    """Return a ledger that has read both catalogues and nothing else."""
    state = empty_state()
    with _made(AllWell(), state) as desk:
        refresh_reference(desk.link)
        desk.link.ledger.close()
    path = state_folder() / "informed.db"
    shutil.copy(state / "ledger.db", path)
    return path
