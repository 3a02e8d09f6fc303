"""The one truth of which both simulated systems show a side: goods, orders, stock, and a clock.

Does not belong here: the shape of its records (`records`), how a system shows it over HTTP
(`centra`, `whistl`), what people do (`people`, `warehouse`), faults of the network (`wire`), or the
judgement of a run (`truth`).
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)
from centra_whistl_dagster.simulator.wire.fault_rules import Faults
from centra_whistl_dagster.simulator.world.line_index import LineIndex
from centra_whistl_dagster.simulator.world.records import (
    SHOP_WAREHOUSE_ID,
    WAREHOUSE_ID,
    Audit,
    CentraLine,
    CentraOrder,
    CentraShipment,
    Item,
    OrderChange,
    SentParcel,
    Shelf,
    Snapshot,
    WhistlOrder,
)
from centra_whistl_dagster.simulator.world.settings import CentraLimits, CentraToken, Settings
from centra_whistl_dagster.simulator.world.switches import SWITCHES

__all__ = [
    "SHOP_WAREHOUSE_ID",
    "WAREHOUSE_ID",
    "Audit",
    "CentraLimits",
    "CentraLine",
    "CentraOrder",
    "CentraShipment",
    "CentraToken",
    "Item",
    "OrderChange",
    "SentParcel",
    "Settings",
    "Shelf",
    "Snapshot",
    "WhistlOrder",
    "World",
]

NOT_ALLOCATING = frozenset({"CANCELLED", "PENDING"})
"""Centra's statuses in which an order holds no stock."""


class World:
    """Everything there is. Readers and writers hold `lock`; nothing blocks while holding it."""

    def __init__(self, settings: Settings, *, now: Callable[[], datetime] | None = None) -> None:
        if unknown := set(settings.switches) - set(SWITCHES):
            raise ValueError(f"unknown switch: {', '.join(sorted(unknown))}")
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
        self.unreported: dict[int, Callable[[], None]] = {}
        """By order number, corrections that customer service makes once the order is reported."""
        self.repeated_creates: list[WhistlOrder] = []
        """Orders stored under a number already taken: each would be shipped a second time."""
        self.despatches: list[dict[str, Any]] = []
        """The messages, as sent; `sent_parcels` is what really left."""
        self.next_despatch_sequence = 1
        self.sent_parcels: list[SentParcel] = []
        self.snapshots: dict[str, Snapshot] = {}
        self.latest_snapshot_id: str | None = None
        self.whistl_only_products: dict[str, WhistlProduct] = {}
        """Products that Whistl knows and Centra's catalogue does not."""
        self.unseen_taken: dict[str, int] = defaultdict(int)
        """Units per SKU that stopped being sellable for a cause Centra cannot see: the second
        channel, quarantine, a loss found at picking."""
        self.goods_in: dict[str, int] = defaultdict(int)
        self.calls: dict[str, int] = defaultdict(int)
        """Requests served, by `system operation`; writes are counted where they took effect.

        Centra's requests: `centra query`, `centra mutation` and one `centra <root field>` each.
        Its effects: `centra shipments created`, `centra shipments completed`, `centra stock lines
        written`, `centra orders locked`, `centra orders updated`, `centra mails sent`.
        """
        self.audit = Audit()
        self.faults = Faults(seed=settings.seed)
        self.ids = itertools.count(1000)
        self.changes_to_push: deque[OrderChange] = deque()
        """What Centra will push; kept only where there is an address to push to."""
        self.changes_for_events: deque[OrderChange] = deque()
        """What will be in Centra's queue of events if somebody listens; kept where it is on."""
        self.events: dict[int, dict[str, Any]] = {}
        """Centra's queue of events that are not confirmed, by id."""
        self.listened_changes: set[str] = set()
        self._agenda: list[tuple[datetime, int, Callable[[], None], bool]] = []
        self._centra_lines = LineIndex(
            self.orders.values, lambda order: (line.sku for line in order.lines)
        )
        self._whistl_lines = LineIndex(self.whistl_orders.values, _whistl_skus)
        self._repeated_lines = LineIndex(lambda: self.repeated_creates, _whistl_skus)

    def switch(self, name: str) -> Any:
        """Return how this world behaves in one respect, by its name in `SWITCHES`."""
        return self.settings.switches.get(name, SWITCHES[name])

    # ---- the clock
    def centra_clock(self) -> datetime:
        """Return what Centra's own clock shows."""
        return self.now() - timedelta(seconds=self.switch("centra_clock_behind_seconds"))

    def at(self, when: datetime, act: Callable[[], None], *, moves_orders: bool = True) -> None:
        """Schedule something for a moment; `run_due` makes it happen.

        `moves_orders=False` is for what recurs for ever (shoppers, snapshots): a run is drained
        once nothing else is left.
        """
        heapq.heappush(self._agenda, (when, next(self.ids), act, moves_orders))

    def after(self, seconds: float, act: Callable[[], None], *, moves_orders: bool = True) -> None:
        """Schedule something for that many trading-day seconds from now."""
        when = self.now() + timedelta(seconds=seconds / self.settings.speed)
        self.at(when, act, moves_orders=moves_orders)

    def pending_moves(self) -> int:
        """Return how many things on the agenda will still move an order."""
        with self.lock:
            return sum(moves_orders for *_, moves_orders in self._agenda)

    def next_due_at(self) -> datetime | None:
        """Return when the next thing is to happen, if anything is."""
        with self.lock:
            return self._agenda[0][0] if self._agenda else None

    def run_due(self) -> int:
        """Do everything that is due, oldest first, and return how many things that was."""
        done = 0
        with self.lock:
            while self._agenda and self._agenda[0][0] <= self.now():
                heapq.heappop(self._agenda)[2]()
                done += 1
        return done

    # ---- Centra's orders and arithmetic
    def add_order(self, order: CentraOrder) -> None:
        """Add an order to Centra."""
        self.orders[order.order_id] = order
        self.orders_by_number[order.number] = order
        self.announce(order, "insert")

    def announce(self, order: CentraOrder, action: str) -> None:
        """Note a change of an order for whoever is notified of it: `insert` or `update`."""
        change = OrderChange(number=order.number, action=action, at=self.now())
        if self.settings.pushes_to:
            self.changes_to_push.append(change)
        if self.switch("centra_events_enabled"):
            self.changes_for_events.append(change)

    def add_line(self, order: CentraOrder, line: CentraLine) -> None:
        """Add a line to an order that Centra already has."""
        order.lines.append(line)
        self._centra_lines.include(order, line.sku)

    def centra_orders_with(self, sku: str) -> list[CentraOrder]:
        """Return every order, whatever its status, that has or had a line of this SKU."""
        return self._centra_lines.with_sku(sku)

    def centra_unshipped(self, sku: str, warehouse_id: int = WAREHOUSE_ID) -> int:
        """Units ordered and in no shipment that has left, allocated or not."""
        return sum(
            line.quantity - line.shipped
            for order in self.centra_orders_with(sku)
            if order.status not in NOT_ALLOCATING
            for line in order.lines
            if line.sku == sku and line.warehouse_id == warehouse_id
        )

    def centra_demand(self, sku: str, warehouse_id: int = WAREHOUSE_ID) -> int:
        """Units ordered that Centra has allocated to no stock."""
        return sum(
            line.demand
            for order in self.centra_orders_with(sku)
            if order.status not in NOT_ALLOCATING
            for line in order.lines
            if line.sku == sku and line.warehouse_id == warehouse_id
        )

    def centra_allocated(self, sku: str) -> int:
        """Units that Centra has allocated and not shipped."""
        return self.centra_unshipped(sku) - self.centra_demand(sku)

    def centra_free(self, sku: str) -> int:
        """What a shopper can still buy: physical less allocated."""
        return self.shelves[sku].centra_physical - self.centra_allocated(sku)

    # ---- Whistl's products and arithmetic
    def whistl_product(self, sku: str) -> WhistlProduct | None:
        """Return the product Whistl has under exactly this SKU."""
        item = self.items.get(sku)
        if item is not None and item.is_known_to_whistl:
            return item.product
        return self.whistl_only_products.get(sku)

    def whistl_skus(self) -> list[str]:
        """Return every SKU that Whistl knows, sorted."""
        known = {sku for sku, item in self.items.items() if item.is_known_to_whistl}
        return sorted(known | self.whistl_only_products.keys())

    def whistl_allocated(self, sku: str) -> int:
        """Units reserved and still in the building, for everybody."""
        holders = [*self._whistl_lines.with_sku(sku), *self._repeated_lines.with_sku(sku)]
        ours: int = sum(
            line["allocated"]
            for order in holders
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
        """Units that Centra has sold and Whistl not set aside: on the shelf, or still to come."""
        total = 0
        for order in self.centra_orders_with(sku):
            if order.status in NOT_ALLOCATING:
                continue
            ours = [
                line
                for line in order.lines
                if line.sku == sku and line.warehouse_id == WAREHOUSE_ID
            ]
            wanted = sum(line.quantity for line in ours)
            shipped = sum(line.shipped for line in ours)
            at_whistl = self.whistl_order_of(order)
            lines = at_whistl.lines.values() if at_whistl else ()
            known = sum(
                line["allocated"] + line["despatched"] for line in lines if line["sku"] == sku
            )
            total += max(0, wanted - max(known, shipped))
        return total

    def whistl_order_of(self, order: CentraOrder) -> WhistlOrder | None:
        """The order that Whistl was asked last to send for an order of Centra's."""
        return next(reversed(self.whistl_orders_of(order)), None)

    def whistl_orders_of(self, order: CentraOrder) -> list[WhistlOrder]:
        """All that Whistl was asked to send for an order: under its number, then `-2`, `-3`."""
        first = self.whistl_number(order)
        numbers = itertools.chain([first], (f"{first}-{n}" for n in itertools.count(2)))
        known = map(self.whistl_orders.get, numbers)
        return [held for held in itertools.takewhile(bool, known) if held is not None]

    def whistl_number(self, order: CentraOrder) -> str:
        """The number under which the product is asked to send an order first."""
        return f"{self.switch('order_number_prefix')}{order.number}"


def _whistl_skus(order: WhistlOrder) -> list[str]:
    return [line["sku"] for line in order.lines.values()]
