"""What became of the orders that were placed with a fault."""

from __future__ import annotations

from collections import Counter
from typing import TypedDict

from centra_whistl_dagster.simulator.world.world import CentraOrder, World

LISTED = 20


class BadOrder(TypedDict):
    """One order that was placed with a fault."""

    number: int
    kind: str
    """One of `SPOILAGE_KINDS`."""
    standing: str
    """blocked, corrected, sent, sent although bad, cancelled."""


def counts_by_kind(world: World) -> dict[str, dict[str, int]]:
    """Return, by kind of fault, how many orders had it, were corrected, and were then sent."""
    kinds: dict[str, Counter[str]] = {}
    for order in world.orders.values():
        if order.first_spoilage is None:
            continue
        is_corrected = order.spoilage is None
        is_sent = world.whistl_number(order) in world.whistl_orders
        kinds.setdefault(order.first_spoilage, Counter()).update(
            {
                "seen": 1,
                "corrected": int(is_corrected),
                "sent_after_correction": int(is_corrected and is_sent),
            }
        )
    return {kind: dict(counts) for kind, counts in sorted(kinds.items())}


def last_bad_orders(world: World) -> list[BadOrder]:
    """Return the bad orders placed last, oldest first."""
    bad = [order for order in world.orders.values() if order.first_spoilage is not None]
    return [
        {
            "number": order.number,
            "kind": order.first_spoilage or "",
            "standing": _standing(world, order),
        }
        for order in bad[-LISTED:]
    ]


def _standing(world: World, order: CentraOrder) -> str:
    number = world.whistl_number(order)
    if number in world.audit.spoiled_accepted:
        return "sent although bad"
    if number in world.whistl_orders:
        return "sent"
    if order.status == "CANCELLED":
        return "cancelled"
    return "blocked" if order.spoilage else "corrected"
