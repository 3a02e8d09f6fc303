"""Whether Centra's shipments say what the warehouse really sent: each is matched with one box."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from centra_whistl_dagster.simulator.world.world import (
    CentraOrder,
    CentraShipment,
    SentParcel,
    World,
)

EXAMPLES = 20


class WrongShipment(TypedDict):
    """One shipment in Centra that does not say what was sent."""

    shipment: str
    why: str


class ShipmentCounts(TypedDict):
    """How many shipments are right, how many boxes have left, and a few wrong ones."""

    right: int
    wrong: int
    wrong_examples: list[WrongShipment]
    parcels: int
    parcels_completed: int


@dataclass(slots=True)
class ShipmentsTruth:
    """What became of the boxes in Centra's books."""

    right: int = 0
    wrong: list[WrongShipment] = field(default_factory=list)
    parcels: int = 0
    parcels_completed: int = 0
    seconds_to_complete: list[float] = field(default_factory=list)
    """From a box leaving to its shipment being complete, real seconds."""

    def summary(self) -> ShipmentCounts:
        """Return the counts and a few examples."""
        return {
            "right": self.right,
            "wrong": len(self.wrong),
            "wrong_examples": self.wrong[:EXAMPLES],
            "parcels": self.parcels,
            "parcels_completed": self.parcels_completed,
        }


def shipments_truth(world: World) -> ShipmentsTruth:
    """Match every completed shipment with the box it stands for.

    A shipment is right when its carrier and tracking number are those of a box that left for that
    order, no other shipment has taken that box, and its units are that box's, less those that were
    cancelled in Centra; a shipment made before anybody knew of several boxes may stand for all of
    them.
    """
    sent: dict[str, list[SentParcel]] = defaultdict(list)
    for parcel in world.sent_parcels:
        sent[parcel.order_number].append(parcel)
    found = ShipmentsTruth(parcels=len(world.sent_parcels))
    for order in world.orders.values():
        shipped = [shipment for shipment in order.shipments if shipment.shipped_at is not None]
        if shipped:
            numbers = [held.order_number for held in world.whistl_orders_of(order)]
            boxes = [parcel for number in numbers for parcel in sent[number]]
            _judge(order, shipped, boxes, found)
    return found


def has_carrier_and_tracking(shipment: CentraShipment) -> bool:
    """Return whether the customer can follow it."""
    return bool(shipment.info.get("carrier") and shipment.info.get("trackingNumber"))


def _judge(
    order: CentraOrder,
    shipped: Sequence[CentraShipment],
    sent: Sequence[SentParcel],
    found: ShipmentsTruth,
) -> None:
    taken: list[SentParcel] = []
    for shipment in shipped:
        tracking = shipment.info.get("trackingNumber")
        parcel = next((p for p in sent if tracking in p.tracking_numbers), None)
        boxes, why = _boxes_of(order, shipment, parcel, sent)
        if any(box is other for box in boxes for other in taken):
            why = "stands for a box that another shipment stands for"
        taken.extend(boxes)
        if why:
            found.wrong.append({"shipment": shipment.number, "why": why})
            continue
        found.right += 1
        found.parcels_completed += len(boxes)
        found.seconds_to_complete.extend(
            (shipment.updated_at - box.despatched_at).total_seconds() for box in boxes
        )


def _boxes_of(
    order: CentraOrder,
    shipment: CentraShipment,
    parcel: SentParcel | None,
    sent: Sequence[SentParcel],
) -> tuple[Sequence[SentParcel], str]:
    """Return the boxes a shipment stands for and what is wrong with it, if anything."""
    if not has_carrier_and_tracking(shipment):
        return (), "carrier or tracking number is missing"
    if parcel is None:
        return (), "tracking number is on no box that left for this order"
    if shipment.info["carrier"] not in parcel.carrier_names:
        return (parcel,), "another carrier took the box"
    units = _units_by_sku(order, shipment)
    cancelled = Counter[str]()
    for line in order.lines:
        cancelled[line.sku] += line.cancelled
    for boxes in ((parcel,), sent):
        held = sum((Counter(box.skus) for box in boxes), Counter[str]())
        # Centra takes no unit that was cancelled there, although it left.
        if units <= held and held - units <= cancelled:
            return boxes, ""
    return (parcel,), "other units than the box holds"


def _units_by_sku(order: CentraOrder, shipment: CentraShipment) -> Counter[str]:
    skus = {line.line_id: line.sku for line in order.lines}
    units = Counter[str]()
    for line_id, quantity in shipment.lines.items():
        units[skus[line_id]] += quantity
    return units
