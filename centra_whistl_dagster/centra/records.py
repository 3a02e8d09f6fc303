"""What the Centra client takes and returns besides orders and shipments, which are in `domain`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.transport import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStamp:
    """Just enough of an order to know whether it must be read again."""

    centra_id: str
    number: int
    status: str
    is_on_hold: bool = False
    is_waiting_for_payment: bool = False
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStamps:
    """The orders that may have changed, from a cheap poll."""

    open: tuple[OrderStamp, ...]
    """Confirmed or processing, and not locked."""
    cancelled: tuple[OrderStamp, ...]
    unreadable: int = 0
    """Orders that were listed without a readable stamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Centra's note that an order changed, which stays in its queue until it is confirmed."""

    event_id: int
    number: int
    """Centra's order number."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableOrder:
    """An order that does not match the schema. The others of its page are read nevertheless."""

    number: str
    """Centra's order number, else its id, as text."""
    field: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDraft:
    """One parcel that has left, to be sent to Centra."""

    centra_order_id: str
    lines: tuple[tuple[int, int], ...]
    """Pairs of Centra's order line id and units."""
    shipped_at: datetime
    carrier: str
    service: str
    tracking_number: str
    packages: int
    send_email: bool
    message: str = ""
    """For the customer, in the shipping mail."""
    allocates_demand: bool = False
    """Centra may allocate stock to units that have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentWritten:
    """A shipment as Centra confirmed it."""

    shipment_id: int
    number: str
    is_shipped: bool
    is_paid: bool
    """Captured, or marked as paid by somebody."""
    is_captured: bool
    warnings: tuple[Reason, ...] = ()
    """What Centra warned of while it did what it was asked."""

    @property
    def has_payment(self) -> bool:
        """The money for it has been taken."""
        return self.is_paid or self.is_captured


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraStockLevel:
    """The stock of one size in our warehouse, as Centra sees it."""

    sku: str
    """Blank where the size has none."""
    product_size_id: int
    physical: int
    allocated: int
    free: int
    is_active: bool
    demand: int = 0
    """Units sold that have no stock: pre-orders and back-orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableStockLevel:
    """A row of stock that does not match the schema. The others of its page are read."""

    name: str
    """The size's SKU, else `size` and its id."""
    field: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraProductSize:
    """One sellable size."""

    product_size_id: int
    sku: str
    """Blank where the size has none."""
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedStockLine:
    """A stock quantity that Centra refused."""

    sku: str
    quantity: int
    reason: str
    """Codes and fields in our own words; never Centra's sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockWriteResult:
    """What became of a batch of stock quantities."""

    written: tuple[tuple[str, int], ...]
    refused: tuple[RefusedStockLine, ...]
