"""The scoreboard of a run, from the simulated systems' own state and nothing of the product's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from centra_whistl_dagster.simulator.truth.bad_orders import (
    BadOrder,
    counts_by_kind,
    last_bad_orders,
)
from centra_whistl_dagster.simulator.truth.durations import Spread, spread
from centra_whistl_dagster.simulator.truth.shipments import (
    ShipmentCounts,
    has_carrier_and_tracking,
    shipments_truth,
)
from centra_whistl_dagster.simulator.truth.stock import StockTruth, stock_truth
from centra_whistl_dagster.simulator.world.world import CentraOrder, WhistlOrder, World

SENDABLE = frozenset({"CONFIRMED", "PROCESSING"})

COUNTED = (
    "confirmed",
    "submitted",
    "blocked",
    "cancelled",
    "despatched",
    "completed",
    "healthy_unsent",
    "late",
)
"""The counts of orders; one order can be in several."""


class Truth(TypedDict):
    """What really happened in a run so far."""

    orders: dict[str, int]
    spoiled: dict[str, dict[str, int]]
    """By kind of fault: seen, corrected, sent after correction."""
    bad_orders: list[BadOrder]
    """The last ones placed, oldest first."""
    shipments: ShipmentCounts
    latency_seconds: dict[str, Spread]
    stock: StockTruth
    calls: dict[str, int]
    writes: dict[str, int]
    faults: dict[str, int]
    unreported: int
    """Bad orders that have not been reported to customer service yet."""
    is_drained: bool


def truth(
    world: World, *, buffers: Mapping[str, int] | None = None, late_after_seconds: float = 30.0
) -> Truth:
    """Judge a run.

    Args:
        world: what to judge.
        buffers: units per SKU that the product holds back on purpose.
        late_after_seconds: real seconds after which a healthy order that has not reached Whistl
            counts as late. Only the end of a run shows whether a late order is lost.
    """
    with world.lock:
        shipments = shipments_truth(world)
        return {
            "orders": {
                **_orders(world, late_after_seconds),
                "shipments_wrong": len(shipments.wrong),
            },
            "spoiled": counts_by_kind(world),
            "bad_orders": last_bad_orders(world),
            "shipments": shipments.summary(),
            "latency_seconds": {
                "confirmed_to_accepted": spread(_seconds_to_accept(world)),
                "despatched_to_completed": spread(shipments.seconds_to_complete),
            },
            "stock": stock_truth(world, buffers or {}),
            "calls": {name: n for name, n in sorted(world.calls.items()) if not _is_write(name)},
            "writes": {name: n for name, n in sorted(world.calls.items()) if _is_write(name)},
            "faults": dict(sorted(world.faults.fired.items())),
            "unreported": len(world.unreported),
            "is_drained": is_drained(world),
        }


def is_drained(world: World) -> bool:
    """Return whether nobody will move an order any more."""
    return world.pending_moves() == 0 and not world.unreported


def _orders(world: World, late_after_seconds: float) -> dict[str, int]:
    late_before = world.now() - timedelta(seconds=late_after_seconds)
    counts = dict.fromkeys(COUNTED, 0)
    for order in world.orders.values():
        for name in _standing(world, order, late_before):
            counts[name] += 1
    return {
        **counts,
        "duplicated": len(world.repeated_creates) + _may_leave_twice(world),
        "strangers": len(_strangers(world)),
        "spoiled_but_sent": len(world.audit.spoiled_accepted),
    }


def _standing(world: World, order: CentraOrder, late_before: datetime) -> Iterator[str]:
    """Name every count that an order belongs to."""
    if order.confirmed_at is not None:
        yield "confirmed"
    if (at_whistl := world.whistl_order_of(order)) is not None:
        yield "submitted"
        if at_whistl.status == "DESPATCHED":
            yield "despatched"
    if order.status == "CANCELLED":
        yield "cancelled"
        return
    if _is_completed(order):
        yield "completed"
    if at_whistl is not None:
        return
    if order.spoilage is not None:
        yield "blocked"
    elif (free_since := _free_since(order)) is not None:
        yield "healthy_unsent"
        if free_since < late_before:
            yield "late"


def _free_since(order: CentraOrder) -> datetime | None:
    """Return since when an order may go as it is now, or None if it may not."""
    is_stopped = order.is_on_hold or order.is_waiting_for_payment or order.is_internal
    if order.confirmed_at is None or order.status not in SENDABLE or is_stopped:
        return None
    return max(order.confirmed_at, order.corrected_at or order.confirmed_at)


def _is_completed(order: CentraOrder) -> bool:
    """Every unit still wanted is shipped, and each shipment can be followed."""
    wanted = [line for line in order.lines if line.quantity > 0]
    shipped = [shipment for shipment in order.shipments if shipment.shipped_at is not None]
    return (
        bool(wanted)
        and all(line.shipped >= line.quantity for line in wanted)
        and all(has_carrier_and_tracking(shipment) for shipment in shipped)
    )


def _may_leave_twice(world: World) -> int:
    """Count orders of which more than one number left, or was not stopped before the next."""
    return sum(
        sum(held.status not in {"CANCELLED", "REJECTED"} for held in world.whistl_orders_of(order))
        > 1
        for order in world.orders.values()
    )


def _strangers(world: World) -> list[WhistlOrder]:
    """Orders at Whistl that no order in Centra asked for under that number."""
    asked_for = {
        held.order_number
        for order in world.orders.values()
        for held in world.whistl_orders_of(order)
    }
    return [order for number, order in world.whistl_orders.items() if number not in asked_for]


def _seconds_to_accept(world: World) -> list[float]:
    """How long orders that were good from the start took from confirmed and free to accepted."""
    seconds = []
    for order in world.orders.values():
        at_whistl = world.whistl_order_of(order)
        if at_whistl and order.confirmed_at and order.first_spoilage is None:
            seconds.append((at_whistl.received_at - order.confirmed_at).total_seconds())
    return seconds


def _is_write(name: str) -> bool:
    """`World.calls` names a request in two words, `whistl create_order`, and an effect in more."""
    return name.count(" ") > 1
