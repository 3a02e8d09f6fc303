"""Whether something happens to an order, a message or a SKU, decided by the seed and its name.

A shared random generator would not do: the order in which requests arrive would change every later
draw.
"""

from __future__ import annotations

import hashlib

from centra_whistl_dagster.simulator.world.world import World


def happens_to(world: World, switch: str, thing: str) -> bool:
    """Return whether the behaviour with that switch for its share happens to one thing."""
    share: float = world.switch(switch)
    return draw(world, switch, thing) < share


def draw(world: World, name: str, thing: str) -> float:
    """Return a number in [0, 1) that is always the same for one thing in one world."""
    digest = hashlib.sha256(f"{world.settings.seed}/{name}/{thing}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
