"""What a history is made of: a seed decides the steps, and the steps alone decide what happens.

A step that is left out changes none of the others, so that a failing history can be cut down.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import NamedTuple

LENGTHS = (8, 12, 18, 26, 36, 50)
MEANWHILE_SHARE = 0.25
"""Of the steps, those that happen in the middle of the product's next run."""
LATEST_CALL = 12

PRODUCT: dict[str, int] = {
    "orders relayed": 6,
    "despatches relayed": 4,
    "stock synced": 7,
    "part of stock synced": 2,
    "Centra swept": 1,
}
"""Runs of the product's own jobs, and how often each is drawn."""

PEOPLE: dict[str, int] = {
    "ordered": 14,
    "ordered, on hold": 2,
    "ordered, address wrong": 1,
    "pre-ordered": 3,
    "shipped by hand in Centra": 4,
    "held in Centra": 3,
    "resumed in Centra": 4,
    "units cancelled in Centra": 2,
    "cancelled in Centra": 2,
    "unlocked in Centra": 1,
    "address edited in Centra": 3,
    "stock edited in Centra": 2,
    "SKU renamed": 1,
}
"""What shoppers, customer service and ecommerce do in Centra."""

WAREHOUSE: dict[str, int] = {
    "worked on": 16,
    "held at Whistl, stock given back": 3,
    "released at Whistl": 4,
    "unit not found": 2,
    "ended by Whistl": 2,
    "rest ended by Whistl": 2,
    "sold elsewhere": 3,
    "left elsewhere": 4,
    "quarantined": 2,
    "written off": 1,
    "goods came": 3,
    "snapshot taken": 9,
    "row missing from snapshots": 1,
    "snapshots change while read": 1,
}
"""What happens in the building and in Whistl's own systems."""

TROUBLE: dict[str, int] = {
    "killed": 2,
    "killed at a transaction": 2,
    "statuses lag": 2,
    "despatches lag": 2,
    "time passes": 3,
}
"""What goes wrong around the systems, and the clock."""

ACTS: dict[str, int] = {**PRODUCT, **PEOPLE, **WAREHOUSE, **TROUBLE}
ONLY_MEANWHILE = frozenset({"killed", "killed at a transaction"})
UNSEEN = frozenset({"sold elsewhere", "quarantined", "written off", "unit not found"})
"""Demand that Centra cannot see."""


class Step(NamedTuple):
    """One thing that happens."""

    act: str
    which: int
    """Chooses among the SKUs or orders that the act fits; one that fits none does nothing."""
    much: int
    """How many units, how far, how long."""
    at: int | None = None
    """Just before this request of the product's next run, or at its end; None: now. Of a run of
    the product itself: in a second process."""


History = tuple[Step, ...]


def history(seed: int, *, without: Collection[str] = ()) -> History:
    """Return the history of one seed.

    Args:
        seed: decides everything.
        without: acts that do not happen.
    """
    dice = random.Random(f"{seed} stock history")  # noqa: S311 - decides a scenario
    # Fewer kinds at once reach deeper into the ones there are.
    kinds = [act for act in ACTS if act not in without]
    always = {"ordered", "orders relayed", "stock synced", "worked on", "snapshot taken"}
    kinds = [act for act in kinds if act in always or dice.random() < 0.5]
    weights = [ACTS[act] for act in kinds]
    chosen = dice.choices(kinds, weights, k=dice.choice(LENGTHS))
    return tuple(_step(dice, act) for act in chosen)


def _step(dice: random.Random, act: str) -> Step:
    is_meanwhile = act in ONLY_MEANWHILE or dice.random() < MEANWHILE_SHARE
    at = dice.randrange(LATEST_CALL) if is_meanwhile else None
    return Step(act, dice.randrange(12), dice.randrange(12), at)
