"""The one truth that both simulated systems show a side of: goods, orders, stock, and a clock.

Belongs here: state, and the few rules that keep it consistent whoever changes it. Does not belong
here: how a system spells it over HTTP (`centra`, `whistl`), what people do (`people`, `warehouse`),
what goes wrong on the wire (`faults`), or the judgement of a run (`truth`).
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from centra_whistl_dagster.domain.reference import ServiceCode, WhistlProduct, WhistlService

WAREHOUSE_ID = 1
"""The Centra warehouse that stands for the Whistl site."""


@dataclass(slots=True, kw_only=True)
class Settings:
    """How busy and how awkward the world is. Durations are trading-day seconds, divided by `speed`."""

    seed: int = 7
    speed: float = 1.0
    """How much faster than life shoppers, pickers and customer service act. Timestamps stay real."""
    skus: int = 200
    orders_per_minute: float = 40.0
    """Real minutes: not scaled by `speed`."""
    unseen_orders_per_minute: float = 6.0
    """The second sales channel: takes Whistl stock, invisible to Centra."""
    goods_in_per_minute: float = 2.0
    spoiled_share: float = 0.15
    """Share of shoppers' orders that carry something the warehouse cannot accept."""
    never_corrected_share: float = 0.2
    """Of the spoiled ones, the share whose customer never answers."""
    correction_seconds: float = 1200.0
    allocate_seconds: float = 60.0
    pick_seconds: float = 900.0
    pack_seconds: float = 600.0
    hand_over_seconds: float = 600.0
    snapshot_seconds: float = 900.0
    several_parcels_share: float = 0.15
    cancelled_share: float = 0.03
    """Share of healthy orders that the customer cancels in Centra soon after placing them."""
    hold_share: float = 0.04
    """Share of orders that start on hold or unpaid and are released a little later."""
    switches: dict[str, Any] = field(default_factory=dict)
    """Behaviours the contracts leave open, by name; see `faults.SWITCHES` for all with their defaults."""


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
    is_active_in_centra: bool = True
    is_known_to_whistl: bool = True


@dataclass(slots=True, kw_only=True)
class Shelf:
    """The units of one SKU. `centra_physical` is what Centra believes; the rest is the building's truth."""

    on_hand: int = 0
    quarantined: int = 0
    unseen_allocated: int = 0
    """Allocated by Whistl for the second channel, not yet gone."""
    centra_physical: int = 0


@dataclass(slots=True, kw_only=True)
class CentraLine:
    """One line of a Centra order."""

    line_id: int
    sku: str
    quantity: int
    unit_price: Decimal
    cancelled: int = 0
    shipped: int = 0
    has_product_size: bool = True


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
    currency: str = "GBP"
    is_on_hold: bool = False
    is_locked: bool = False
    is_internal: bool = False
    is_waiting_for_payment: bool = False
    hold_reason: str | None = None
    other_comment: str = ""
    shipments: list[CentraShipment] = field(default_factory=list)
    # What only the simulator knows:
    spoilage: str | None = None
    """The kind of thing wrong with it now; None once corrected or never spoiled."""
    first_spoilage: str | None = None
    confirmed_at: datetime | None = None
    """When it became both confirmed and free to go: the moment the latency clock starts."""
    cancelled_at: datetime | None = None


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
    lines: dict[int, dict[str, Any]]
    """By line number: sku, ordered, allocated, picked, despatched, cancelled."""
    hold_reason: str | None = None
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """One immutable picture of Whistl's stock."""

    snapshot_id: str
    taken_at: datetime
    rows: list[dict[str, Any]]
    complete: bool = True
    unseen_mark: dict[str, int] = field(default_factory=dict)
    """Units the second channel had taken per SKU when the picture was taken; for the audit of stock writes."""


class World:
    """Everything there is. Every reader and writer holds `lock`; nothing blocks while holding it."""

    def __init__(self, settings: Settings, *, now: Callable[[], datetime] | None = None) -> None:
        self.settings = settings
        self.now = now or (lambda: datetime.now(UTC))
        self.rng = random.Random(settings.seed)
        self.lock = threading.RLock()
        self.is_trading = False
        """False stops shoppers, the second channel and goods-in; the warehouse goes on working."""
        self.items: dict[str, Item] = {}
        self.shelves: dict[str, Shelf] = defaultdict(Shelf)
        self.services: dict[ServiceCode, WhistlService] = {}
        self.shipping_options: list[dict[str, Any]] = []
        self.orders: dict[str, CentraOrder] = {}
        self.orders_by_number: dict[int, CentraOrder] = {}
        self.whistl_orders: dict[str, WhistlOrder] = {}
        self.repeated_creates: list[WhistlOrder] = []
        """Orders stored under a number that was already taken: each would be shipped a second time."""
        self.despatches: list[dict[str, Any]] = []
        self.snapshots: dict[str, Snapshot] = {}
        self.latest_snapshot_id: str | None = None
        self.unseen_taken: dict[str, int] = defaultdict(int)
        self.goods_in: dict[str, int] = defaultdict(int)
        self.calls: dict[str, int] = defaultdict(int)
        """Requests served, by `system operation`; writes are counted where they took effect."""
        self.ids = itertools.count(1000)
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []

    def at(self, when: datetime, act: Callable[[], None]) -> None:
        """Let something happen at a moment; `run_due` makes it happen."""
        heapq.heappush(self._agenda, (when, next(self.ids), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen after that many trading-day seconds."""
        self.at(self.now() + timedelta(seconds=seconds / self.settings.speed), act)

    def run_due(self) -> int:
        """Do everything that is due, oldest first, and return how many things that was."""
        done = 0
        with self.lock:
            while self._agenda and self._agenda[0][0] <= self.now():
                heapq.heappop(self._agenda)[2]()
                done += 1
        return done

    # ---- Centra's arithmetic
    def centra_allocated(self, sku: str) -> int:
        """Units that Centra has allocated and not shipped."""
        return sum(
            line.quantity - line.shipped
            for order in self.orders.values()
            if order.status not in {"CANCELLED", "PENDING"}
            for line in order.lines
            if line.sku == sku
        )

    def centra_free(self, sku: str) -> int:
        """What a shopper can still buy: physical less allocated."""
        return self.shelves[sku].centra_physical - self.centra_allocated(sku)

    # ---- Whistl's arithmetic
    def whistl_allocated(self, sku: str) -> int:
        """Units reserved and still in the building, for everybody."""
        ours = sum(
            line["allocated"]
            for order in self.all_whistl_orders()
            for line in order.lines.values()
            if line["sku"] == sku
        )
        return ours + self.shelves[sku].unseen_allocated

    def whistl_available(self, sku: str) -> int:
        """`on_hand - allocated - quarantined`; may be negative."""
        shelf = self.shelves[sku]
        return shelf.on_hand - self.whistl_allocated(sku) - shelf.quarantined

    def all_whistl_orders(self) -> list[WhistlOrder]:
        """Every stored order, a repeated one as often as it was stored."""
        return [*self.whistl_orders.values(), *self.repeated_creates]

    def unsent_units(self, sku: str) -> int:
        """Units that Centra has allocated for orders Whistl has not allocated yet: sold, still on the shelf."""
        total = 0
        for order in self.orders.values():
            if order.status in {"CANCELLED", "PENDING"}:
                continue
            at_whistl = self.whistl_orders.get(self.whistl_number(order))
            for index, line in enumerate(order.lines, start=1):
                if line.sku != sku:
                    continue
                taken = at_whistl.lines.get(index) if at_whistl else None
                known = taken["allocated"] + taken["despatched"] if taken else 0
                total += max(0, line.quantity - known)
        return total

    def whistl_number(self, order: CentraOrder) -> str:
        """The number under which the product is asked to send an order: prefix and Centra's number."""
        return f"{self.settings.switches.get('order_number_prefix', 'C')}{order.number}"
