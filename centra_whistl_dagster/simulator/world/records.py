"""The records of the simulated world: goods on shelves, orders on both sides, stock snapshots.

Does not belong here: what happens to them (`world`, `warehouse`, `centra.rules`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypedDict

from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct

WAREHOUSE_ID = 1
"""The Centra warehouse that stands for the Whistl site."""

SHOP_WAREHOUSE_ID = 2
"""A second Centra warehouse, unknown to Whistl."""


@dataclass(slots=True, kw_only=True)
class Item:
    """One sellable size, as Centra's catalogue and Whistl's know it."""

    sku: str
    size_id: int
    product_number: str
    variant_number: str
    size_name: str
    name: str
    price: Decimal
    product: WhistlProduct
    popularity: float
    """Relative weight with which shoppers pick it."""
    updated_at: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    """When Centra's record of it last changed."""
    is_active_in_centra: bool = True
    is_known_to_whistl: bool = True
    shown_sku: str | None = None
    """The SKU that somebody typed in for it in Centra; None: its own."""


@dataclass(slots=True, kw_only=True)
class Shelf:
    """The units of one SKU. `centra_physical` is what Centra believes; the rest is the truth."""

    on_hand: int = 0
    quarantined: int = 0
    unseen_allocated: int = 0
    """Allocated by Whistl for the second channel, not yet gone."""
    on_order: int = 0
    """Announced, not arrived."""
    centra_physical: int = 0
    last_movement_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class CentraLine:
    """One line of a Centra order."""

    line_id: int
    sku: str
    quantity: int
    """What is still wanted, shipped or not: cancelled units are already off."""
    unit_price: Decimal
    cancelled: int = 0
    shipped: int = 0
    demand: int = 0
    """Of the quantity, the units allocated to no stock."""
    warehouse_id: int = WAREHOUSE_ID
    has_product_size: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """Something that happened to an order in Centra, as far as it is announced."""

    number: int
    action: str
    """`insert` or `update`."""
    at: datetime


@dataclass(slots=True, kw_only=True)
class CentraShipment:
    """One shipment inside Centra."""

    shipment_id: int
    number: str
    created_at: datetime
    updated_at: datetime
    lines: dict[int, int]
    """Units by order line id."""
    is_good_to_go: bool = False
    is_paid: bool = True
    is_captured: bool = False
    shipped_at: datetime | None = None
    info: dict[str, Any] = field(default_factory=dict)
    """carrier, service, trackingNumber, packagesNumber as the input spelled them."""
    send_email: bool = False
    additional_message: str | None = None


@dataclass(slots=True, kw_only=True)
class CentraOrder:
    """One order inside Centra. Address keys are Centra's own; any of them may be None."""

    order_id: str
    number: int
    status: str
    created_at: datetime
    updated_at: datetime
    address: dict[str, Any] | None
    customer: dict[str, Any] | None
    shipping_option: dict[str, Any] | None
    lines: list[CentraLine]
    shipping_price: Decimal = Decimal("3.95")
    discount: Decimal = Decimal(0)
    """Off the goods of the order as a whole; no line's price has it."""
    currency: str = "GBP"
    is_on_hold: bool = False
    is_locked: bool = False
    is_internal: bool = False
    is_waiting_for_payment: bool = False
    hold_reason: str | None = None
    other_comment: str = ""
    internal_comment: str | None = None
    external_id: str | None = None
    shipments: list[CentraShipment] = field(default_factory=list)
    # What only the simulator knows:
    spoilage: str | None = None
    """The kind of thing wrong with it now; None once corrected or never spoiled."""
    first_spoilage: str | None = None
    confirmed_at: datetime | None = None
    """When it became both confirmed and free to go: the moment the latency clock starts."""
    corrected_at: datetime | None = None
    """When customer service corrected what was wrong with it."""
    cancelled_at: datetime | None = None


class WhistlLine(TypedDict):
    """The units of one line of an order inside Whistl, by what became of them."""

    sku: str
    ordered: int
    allocated: int
    picked: int
    despatched: int
    cancelled: int


@dataclass(slots=True, kw_only=True)
class WhistlOrder:
    """One order inside Whistl."""

    order_number: str
    whistl_order_id: str
    body: dict[str, Any]
    payload_hash: str
    status: str
    status_version: int
    received_at: datetime
    history: list[tuple[str, datetime]]
    lines: dict[int, WhistlLine]
    """By line number."""
    hold_reason: str | None = None
    updated_at: datetime
    is_cancel_requested: bool = False


@dataclass(slots=True, kw_only=True)
class SentParcel:
    """One box that left the warehouse, whether or not its message is right."""

    order_number: str
    despatched_at: datetime
    carrier_names: frozenset[str]
    """The carrier's name and its code: Centra may be sent either."""
    units: dict[int, int]
    """Units by line number."""
    skus: dict[str, int]
    """Units by SKU."""
    tracking_numbers: set[str] = field(default_factory=set)
    """Both numbers of the label, and those of the labels it had before."""


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """One immutable snapshot of Whistl's stock."""

    snapshot_id: str
    taken_at: datetime
    rows: list[dict[str, Any]]
    item_count: int
    """The number of rows that the head of the snapshot states; a truncated one has fewer."""
    complete: bool = True
    unseen_mark: dict[str, int] = field(default_factory=dict)
    """`World.unseen_taken` at that moment; for the audit of stock writes."""


@dataclass(slots=True, kw_only=True)
class Audit:
    """What is recorded for `truth` as it happens, because the state does not show it later."""

    resurrected_units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Per SKU, units that a stock write offered for sale and that did not exist."""
    oversold_units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Per SKU, units of our orders that Whistl did not have when it came to allocate them."""
    spoiled_accepted: set[str] = field(default_factory=set)
    """Whistl numbers of orders that were still spoiled when Whistl took them."""
    stock_reads: Counter[str] = field(default_factory=Counter)
    """Per SKU, how often its stock in Centra was read."""
    read_snapshot_id: str | None = None
    """The snapshot whose rows were read last."""
