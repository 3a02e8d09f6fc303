"""Whether what the shop offers exists, judged from the building and from Centra's own books.

Nothing here knows how the product works out what to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TypedDict

from centra_whistl_dagster.simulator.world.world import World

CANCELLATION_GRACE = timedelta(seconds=60)
"""A cancellation in Centra younger than this (real time) need not be known to who writes stock."""


class Disagreement(TypedDict):
    """One SKU whose figure in Centra is not what it should be, in units."""

    sku: str
    centra_free: int
    expected: int
    whistl_available: int
    sold_not_allocated: int
    buffer: int


class StockTruth(TypedDict):
    """The two systems' stock compared, and the harm done by stock writes so far."""

    skus: int
    agreeing: int
    unexplained: list[Disagreement]
    reads: dict[str, int]
    """How often the stock of each SKU was read from Centra."""
    oversold_units: int
    oversold_skus: list[str]
    resurrected_units: int
    resurrected_skus: list[str]


def stock_truth(world: World, buffers: Mapping[str, int]) -> StockTruth:
    """Return, over every SKU that both systems have, how far what Centra offers is right.

    Right is `max(0, available at Whistl - sold in Centra and not allocated at Whistl - buffer)`.
    """
    skus = [
        sku
        for sku, item in world.items.items()
        if item.is_known_to_whistl and item.is_active_in_centra
    ]
    unexplained: list[Disagreement] = []
    for sku in skus:
        available, unsent = world.whistl_available(sku), world.unsent_units(sku)
        buffer, free = buffers.get(sku, 0), world.centra_free(sku)
        expected = max(0, available - unsent - buffer)
        if free != expected:
            unexplained.append(
                {
                    "sku": sku,
                    "centra_free": free,
                    "expected": expected,
                    "whistl_available": available,
                    "sold_not_allocated": unsent,
                    "buffer": buffer,
                }
            )
    return {
        "skus": len(skus),
        "agreeing": len(skus) - len(unexplained),
        "unexplained": unexplained,
        "reads": dict(world.audit.stock_reads),
        "oversold_units": sum(world.audit.oversold_units.values()),
        "oversold_skus": sorted(world.audit.oversold_units),
        "resurrected_units": sum(world.audit.resurrected_units.values()),
        "resurrected_skus": sorted(world.audit.resurrected_units),
    }


def audit_stock_write(world: World, sku: str, new_physical: int) -> int:
    """Judge one stock write and return the units it offers for sale that do not exist.

    What exists is what Whistl has available less what Centra sold and Whistl has not allocated yet.
    Whoever writes cannot know what left since the snapshot it read last was taken: units lost to
    others since, and orders of ours cancelled since, are not held against it.
    """
    offered = new_physical - world.centra_allocated(sku)
    exists = world.whistl_available(sku) - world.unsent_units(sku)
    unknowable = _lost_since_read(world, sku) + _cancelled_lately(world, sku)
    resurrected = max(0, offered - max(0, exists + unknowable))
    if resurrected:
        world.audit.resurrected_units[sku] += resurrected
    return resurrected


def _lost_since_read(world: World, sku: str) -> int:
    snapshot = world.snapshots.get(world.audit.read_snapshot_id or "")
    mark = snapshot.unseen_mark.get(sku, 0) if snapshot else 0
    return world.unseen_taken[sku] - mark if snapshot else 0


def _cancelled_lately(world: World, sku: str) -> int:
    """Units freed in Centra by a cancellation that Whistl, still holding them, may not know of."""
    snapshot = world.snapshots.get(world.audit.read_snapshot_id or "")
    since = world.now() - CANCELLATION_GRACE
    since = min(since, snapshot.taken_at) if snapshot else since
    total = 0
    for order in world.centra_orders_with(sku):
        if order.cancelled_at is None or order.cancelled_at < since:
            continue
        at_whistl = world.whistl_order_of(order)
        lines = at_whistl.lines.values() if at_whistl else ()
        total += sum(line["allocated"] for line in lines if line["sku"] == sku)
    return total
