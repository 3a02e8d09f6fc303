"""Snapshots of the stock, correct or with a fault, and how long they can be read."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Any

from centra_whistl_dagster.simulator.whistl.times import spelled
from centra_whistl_dagster.simulator.world.chance import happens_to
from centra_whistl_dagster.simulator.world.world import Snapshot, World

READABLE_SECONDS = 86_400.0
"""Trading-day seconds for which a snapshot can be read."""

_NOTHING = dict.fromkeys(("on_hand", "allocated", "quarantined", "available"), 0)


class SnapshotFault(StrEnum):
    """How a feed can be wrong although every answer is complete."""

    STALE = "stale"  # no new snapshot is published
    OLD_AFTER_NEW = "old_after_new"  # the latest is one that was replaced long ago
    INCOMPLETE = "incomplete"  # half the rows, and it says so
    TRUNCATED = "truncated"  # half the rows, the pages end as if that were all
    SHORTENED = "shortened"  # half the rows, and its head announces no more than those
    HALF_TWICE = "half_twice"  # the first half of the rows again, in place of the other half
    EMPTY = "empty"  # complete, with no row
    ZEROED = "zeroed"  # every figure is 0
    NEGATIVE = "negative"  # some units on hand are below 0
    ONE_NEGATIVE = "one_negative"  # of one SKU
    ARITHMETIC = "arithmetic"  # available is not on hand less allocated less quarantined
    DUPLICATE_SKU = "duplicate_sku"  # one SKU twice, the second time with nothing
    NO_NUMBER = "no_number"  # a figure is null
    NOT_A_NUMBER = "not_a_number"  # a figure is NaN, which JSON does not have


_ONE_IN = {SnapshotFault.ZEROED: 1, SnapshotFault.NEGATIVE: 10, SnapshotFault.ARITHMETIC: 10}
"""How many rows a fault of rows hits; the others hit the first one only."""


def take_snapshot(world: World) -> Snapshot | None:
    """Take and publish a snapshot with the fault that `snapshot_fault` names.

    Returns None where that fault is that no snapshot is taken.
    """
    _forget_expired(world)
    fault = world.switch("snapshot_fault")
    fault = SnapshotFault(fault) if fault else None
    if fault is SnapshotFault.STALE and world.snapshots:
        return None
    if fault is SnapshotFault.OLD_AFTER_NEW and world.snapshots:
        world.latest_snapshot_id = next(iter(world.snapshots))
        return None
    rows = [
        row for row in _true_rows(world) if not happens_to(world, "vanishing_sku_share", row["sku"])
    ]
    seen = _spoiled(rows, fault)
    snapshot = Snapshot(
        snapshot_id=f"S-{len(world.snapshots) + 1:06d}",
        taken_at=world.now(),
        rows=seen,
        item_count=len(rows) if fault is SnapshotFault.TRUNCATED else len(seen),
        complete=fault is not SnapshotFault.INCOMPLETE,
        unseen_mark=dict(world.unseen_taken),
    )
    world.snapshots[snapshot.snapshot_id] = snapshot
    world.latest_snapshot_id = snapshot.snapshot_id
    return snapshot


def is_expired(world: World, snapshot: Snapshot) -> bool:
    """Return whether a snapshot can no longer be read."""
    lifetime = timedelta(seconds=READABLE_SECONDS / world.settings.speed)
    return world.now() - snapshot.taken_at > lifetime


def _forget_expired(world: World) -> None:
    """Drop the rows of old snapshots: a simulator that runs for days must not fill the memory."""
    for snapshot in world.snapshots.values():
        if snapshot.rows and is_expired(world, snapshot):
            snapshot.rows = []


def _true_rows(world: World) -> list[dict[str, Any]]:
    waiting = Counter[str]()
    for order in world.all_whistl_orders():
        if order.status == "BACKORDERED":
            for line in order.lines.values():
                waiting[line["sku"]] += line["ordered"]
    return [_row(world, sku, waiting[sku]) for sku in world.whistl_skus()]


def _row(world: World, sku: str, backordered: int) -> dict[str, object]:
    shelf = world.shelves[sku]
    allocated = world.whistl_allocated(sku)
    moved_at = shelf.last_movement_at
    return {
        "sku": sku,
        "on_hand": shelf.on_hand,
        "allocated": allocated,
        "quarantined": shelf.quarantined,
        "available": shelf.on_hand - allocated - shelf.quarantined,
        "on_order": shelf.on_order,
        "backordered": backordered,
        "last_movement_at": spelled(moved_at) if moved_at else None,
    }


def _spoiled(rows: list[dict[str, Any]], fault: SnapshotFault | None) -> list[dict[str, Any]]:
    half = len(rows) // 2
    match fault:
        case None:
            return rows
        case SnapshotFault.INCOMPLETE | SnapshotFault.TRUNCATED | SnapshotFault.SHORTENED:
            return rows[:half]
        case SnapshotFault.HALF_TWICE:
            return [*rows[: len(rows) - half], *rows[:half]]
        case SnapshotFault.EMPTY:
            return []
        case SnapshotFault.DUPLICATE_SKU:
            return [*rows, *({**row, **_NOTHING} for row in rows[:1])]
    hit = range(0, len(rows), _ONE_IN.get(fault, len(rows) or 1))
    return [_spoiled_row(row, fault) if at in hit else row for at, row in enumerate(rows)]


def _spoiled_row(row: dict[str, Any], fault: SnapshotFault) -> dict[str, object]:
    match fault:
        case SnapshotFault.ZEROED:
            return {**row, **_NOTHING}
        case SnapshotFault.NEGATIVE | SnapshotFault.ONE_NEGATIVE:
            available = -5 - row["allocated"] - row["quarantined"]
            return {**row, "on_hand": -5, "available": available}
        case SnapshotFault.ARITHMETIC:
            return {**row, "available": row["available"] + 7}
        case SnapshotFault.NO_NUMBER:
            return {**row, "on_hand": None}
        case SnapshotFault.NOT_A_NUMBER:
            return {**row, "on_hand": math.nan}
    return row
