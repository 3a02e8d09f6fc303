"""The input objects of Centra's operations: their field names and formats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from centra_whistl_dagster.centra.records import ShipmentDraft
from centra_whistl_dagster.domain.orders.order import CANCELLED, CONFIRMED, PROCESSING


def all_open_orders(placed_before: datetime | None) -> dict[str, object]:
    """Return the filter of confirmed and processing orders, locked ones too."""
    placed = {"orderDate": {"to": placed_before.isoformat()}} if placed_before else {}
    return {**_orders([CONFIRMED, PROCESSING], None), **placed}


def open_orders(since: datetime | None) -> dict[str, object]:
    """Return the filter of open orders that nobody has locked, changed since a moment."""
    return {**_orders([CONFIRMED, PROCESSING], since), "isLocked": False}


def cancelled_orders(since: datetime | None) -> dict[str, object]:
    """Return the filter of orders cancelled since a moment."""
    return _orders([CANCELLED], since)


def changed_orders(since: datetime) -> dict[str, object]:
    """Return the filter of orders that changed since a moment, whatever their status or lock."""
    return {"storeType": "DIRECT_TO_CONSUMER", "updatedAt": {"from": iso_utc(since)}}


def new_shipment(
    draft: ShipmentDraft, *, captures_payment: bool, marks_paid: bool, now: datetime
) -> dict[str, object]:
    """Return a shipment that is created when the parcel has already left.

    One whose payment Centra captures is created without its departure: a refused capture does not
    stop Centra from shipping it and sending the mail, so that is asked for once the money is there.
    """
    # isPaid is for money taken elsewhere; Centra ignores it together with capture.
    rest = {"capture": True} if captures_payment else {"isPaid": marks_paid}
    rest |= {"allocateDemand": True} if draft.allocates_demand else {}
    return {
        "order": {"id": draft.centra_order_id},
        "lines": [
            {"orderLine": {"id": line_id}, "quantity": units} for line_id, units in draft.lines
        ],
        "isGoodToGo": True,
        **rest,
        **({} if captures_payment else departure(draft, now=now)),
    }


def released(*, marks_paid: bool) -> dict[str, object]:
    """Return the change that lets a shipment be completed."""
    return {"isGoodToGo": True, **({"isPaid": True} if marks_paid else {})}


def departure(draft: ShipmentDraft, *, now: datetime) -> dict[str, object]:
    """Return how and when a parcel left; no later than now, because Centra refuses the future."""
    info = {
        "carrier": draft.carrier,
        "service": draft.service,
        "packagesNumber": draft.packages,
        "trackingNumber": draft.tracking_number,
    }
    departed: dict[str, object] = {
        "shippedAt": iso_utc(min(draft.shipped_at, now)),
        "shipmentInfo": {name: value for name, value in info.items() if value},
        # Always sent: what Centra does without it is not documented.
        "sendEmail": draft.send_email,
    }
    return {**departed, "additionalMessage": draft.message} if draft.message else departed


def physical_stock(
    levels: Sequence[tuple[str, int]], *, warehouse_id: int, description: str
) -> dict[str, object]:
    """Return physical quantities to be set by SKU."""
    return {
        "warehouse": {"id": warehouse_id},
        "description": description,
        "stockQuantityType": "PHYSICAL",
        "productSizes": [
            {"productSize": {"SKU": sku}, "quantity": quantity} for sku, quantity in levels
        ],
    }


def physical_stock_of_sizes(
    levels: Sequence[tuple[int, int]], *, warehouse_id: int, description: str
) -> dict[str, object]:
    """Return physical quantities to be set by size, where a SKU names several of them."""
    by_sku = physical_stock([], warehouse_id=warehouse_id, description=description)
    sizes = [{"productSize": {"id": size_id}, "quantity": units} for size_id, units in levels]
    return {**by_sku, "productSizes": sizes}


def iso_utc(at: datetime) -> str:
    """Return a moment with its offset: Centra reads a bare one in its own time zone."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _orders(statuses: list[str], since: datetime | None) -> dict[str, object]:
    where: dict[str, object] = {"status": statuses, "storeType": "DIRECT_TO_CONSUMER"}
    return {**where, "updatedAt": {"from": iso_utc(since)}} if since else where
