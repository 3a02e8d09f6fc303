"""A Centra order as the warehouse needs it, and whether Centra lets it go to the warehouse."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

CONFIRMED = "CONFIRMED"
PROCESSING = "PROCESSING"
CANCELLED = "CANCELLED"
SHIPPED = "SHIPPED"
ARCHIVED = "ARCHIVED"

SENDABLE_STATUSES = frozenset({CONFIRMED, PROCESSING})
"""PROCESSING too: a "Direct to Shipment" store makes the shipment before anybody reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A delivery address as Centra holds it. Blank means absent: Centra answers null for either."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    attention: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    county: str = ""
    postcode: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2."""
    phone: str = ""
    """The first of Centra's cellPhoneNumber and phoneNumber that is not blank."""
    other_phone: str = ""
    """The second, where both are there and differ: the one to use if the first is invalid."""
    email: str = ""
    """The address's own e-mail, else the customer's."""

    @property
    def name(self) -> str:
        """First and last name, one space between, none around."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One product line. `quantity` is what is still wanted: ordered less cancelled."""

    line_id: int
    sku: str
    """Blank when Centra's line has no product size behind it, which blocks the order."""
    quantity: int
    unit_price: Decimal
    """Gross, in the order's currency."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingOption:
    """What the shopper chose. It is the nearest that a Centra order has to a shipping method."""

    option_id: int
    name: str
    uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraShipmentLine:
    """Units of one order line inside a Centra shipment."""

    line_id: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraShipment:
    """A shipment that Centra already has for an order, whoever made it."""

    shipment_id: int
    number: str
    is_shipped: bool
    shipped_at: datetime | None = None
    tracking_number: str = ""
    carrier: str = ""
    lines: tuple[CentraShipmentLine, ...] = ()
    is_good_to_go: bool = False
    """Packed, as Centra calls it; without it a shipment cannot be completed."""
    is_paid: bool = False
    """Captured, or marked as paid by somebody."""
    is_captured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One direct-to-consumer order, read whole from Centra."""

    centra_id: str
    number: int
    status: str
    """As Centra sent it: the list is not published, and a new status must not crash a read."""
    is_on_hold: bool
    is_locked: bool
    is_internal: bool
    is_waiting_for_payment: bool
    ordered_at: datetime
    updated_at: datetime
    currency: str
    grand_total: Decimal
    """Gross."""
    shipping_total: Decimal
    tax_total: Decimal
    delivery: Address | None
    shipping_option: ShippingOption | None
    lines: tuple[OrderLine, ...]
    shipments: tuple[CentraShipment, ...] = ()
    warehouse_ids: frozenset[int] = field(default_factory=frozenset)
    """The Centra warehouses whose stock its lines are allocated to."""
    other_comment: str = ""


class Permission(StrEnum):
    """Whether Centra lets an order go to the warehouse now."""

    MAY_BE_SENT = "may_be_sent"
    WAITING = "waiting"  # on hold, locked by somebody else, unpaid, or in an unknown status
    CANCELLED = "cancelled"  # will never go
    ENDED = "ended"  # shipped, or put away, without the warehouse


def permission(order: Order, *, locked_by_us: bool = False) -> Permission:
    """Say whether an order may be handed over.

    A confirmed order can be on hold or unpaid: its status alone is no permission to pick. A lock
    that we set ourselves at acceptance does not make an order wait.
    """
    if order.status == CANCELLED:
        return Permission.CANCELLED
    if order.status in {SHIPPED, ARCHIVED}:
        return Permission.ENDED
    is_free = not (
        order.is_on_hold
        or order.is_waiting_for_payment
        or order.is_internal
        or (order.is_locked and not locked_by_us)
    )
    if order.status in SENDABLE_STATUSES and is_free:
        return Permission.MAY_BE_SENT
    return Permission.WAITING


NO_CONTENTS_HASH = "not known"
"""Stands for the `content_hash` of what Whistl has where nothing shows what that is: contents that
no order in Centra has.
"""


def content_hash(order: Order) -> str:
    """Return a fingerprint of everything about an order that the warehouse acts upon.

    Two reads with the same fingerprint need no second screening; a difference after sending is an
    edit that the warehouse does not know about. Timestamps, flags and shipments are left out: they
    change without changing what is picked and where it goes.
    """
    content = {
        "delivery": _fingerprinted(order.delivery) if order.delivery else None,
        "lines": sorted(
            [line.line_id, line.sku, line.quantity, str(line.unit_price)] for line in order.lines
        ),
        "option": order.shipping_option.uri or order.shipping_option.name
        if order.shipping_option
        else None,
        "currency": order.currency,
        "grand_total": str(order.grand_total),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _fingerprinted(address: Address) -> dict[str, str]:
    """Return an address for the fingerprint: without a second phone it stays what it was."""
    return {
        name: value for name, value in asdict(address).items() if value or name != "other_phone"
    }
