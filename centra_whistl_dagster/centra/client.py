"""Centra as the rest of the project knows it: orders to read, shipments and stock to write.

One method for each request. Does not belong here: sending (`graphql`), paging (`pages`, `stamps`),
reading of fields (`reading`), and any decision (`workflows`).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from centra_whistl_dagster.centra import events, inputs, reading, shipments
from centra_whistl_dagster.centra.connection import CentraConfig, connect
from centra_whistl_dagster.centra.graphql import PLANS
from centra_whistl_dagster.centra.pages import order_pages, pages, readable, rows_of, size_id_of
from centra_whistl_dagster.centra.quotas import QuotaWindow, quota_windows, quotas_of
from centra_whistl_dagster.centra.records import (
    CentraProductSize,
    CentraStockLevel,
    OrderEvent,
    OrderStamp,
    OrderStamps,
    RefusedStockLine,
    ShipmentDraft,
    ShipmentWritten,
    StockWriteResult,
    UnreadableOrder,
    UnreadableStockLevel,
)
from centra_whistl_dagster.centra.stamps import list_that_meets, order_stamps, stamps_that_meet
from centra_whistl_dagster.centra.stock_writing import write_apart
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.shipping import ShippingOrder, UnreadableShippingOrder
from centra_whistl_dagster.domain.stock.cadence import Quota
from centra_whistl_dagster.transport import CallKind, HourOfCalls, Json, Lane, Wire
from centra_whistl_dagster.transport.calls import LANE_PATIENCE_SECONDS
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields

__all__ = [
    "CentraClient",
    "CentraConfig",
    "CentraProductSize",
    "CentraStockLevel",
    "OrderEvent",
    "OrderStamp",
    "OrderStamps",
    "QuotaWindow",
    "RefusedStockLine",
    "ShipmentDraft",
    "ShipmentWritten",
    "StockWriteResult",
    "UnreadableOrder",
    "UnreadableStockLevel",
]

T = TypeVar("T")

WHOLE_ORDERS_PER_PAGE = 100
"""A whole order costs some hundreds of complexity; 200 at once would come near what half of the
Growth plan's quota allows in ten seconds."""

_QUOTAS_WITHIN_SECONDS = 10.0
_ONE_WINDOW_SECONDS = 3600.0
"""A page of a list that must be read whole waits for the longest window of any plan: given up for
want of quota it would be begun again, and never end."""

_logger = logging.getLogger("centra_whistl_dagster.centra")


class CentraClient:
    """Calls to one Centra environment. Safe to use from several threads.

    Every method raises the `IntegrationError`s that the docstring of `transport` lists.
    """

    def __init__(
        self,
        config: CentraConfig,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        rng: random.Random,
        monotonic: Callable[[], float] = time.monotonic,
        wire: Wire | None = None,
    ) -> None:
        """Prepare a client; nothing is sent. `wire` stands in for the network in tests.

        Raises:
            ValueError: naming what in the configuration cannot be used.
        """
        self._config = config
        self._now = now
        self._graphql = connect(
            config, now=now, sleep=sleep, rng=rng, monotonic=monotonic, wire=wire
        )

    def close(self) -> None:
        """Close connections and shared files."""
        self._graphql.close()

    # ---- quotas
    def quota_windows(self) -> list[QuotaWindow]:
        """Read what Centra allows this environment; empty where it counts nothing.

        One request, which is not repeated for long: the quotas known last serve as well.
        """
        data = self._graphql.run(
            CallKind.READ, "RateLimits", {}, within_seconds=_QUOTAS_WITHIN_SECONDS
        )
        try:
            return quota_windows(rows_of(self._graphql, "RateLimits", data, "rateLimits"))
        except BrokenRecord as broken:
            raise self._graphql.broken(CallKind.READ, "RateLimits", str(broken)) from broken

    def allow(self, windows: Sequence[QuotaWindow]) -> None:
        """Go by what Centra said from now on; by the plan for what it did not say.

        Raises:
            OSError: the file that counts our calls cannot be used.
        """
        self._graphql.allow(quotas_of(PLANS[self._config.plan], windows))

    def quota_left(self) -> Quota | None:
        """Return what is left of the longest quota, for all calls and for stock; None: no limit."""
        requests, mutations = self._graphql.left("requests"), self._graphql.left("mutations")
        if not requests or not mutations:
            return None
        return Quota(
            requests_left=requests[-1][1],
            requests_left_for_stock=self._graphql.left("requests", Lane.STOCK)[-1][1],
            mutations_left=mutations[-1][1],
            mutations_left_for_stock=self._graphql.left("mutations", Lane.STOCK)[-1][1],
        )

    @property
    def page_size(self) -> int:
        """Records of a page."""
        return self._config.page_size

    def stock_requests_an_hour(self) -> int | None:
        """Return the stock lane's share of the longest quota; None without a limit."""
        rates = self._graphql.left("requests", Lane.STOCK)
        return rates[-1][0] if rates else None

    def take_counts(self) -> list[HourOfCalls]:
        """Return the calls counted since the last time."""
        return self._graphql.take_counts()

    # ---- orders
    def open_order_stamps(self, since: datetime | None) -> OrderStamps:
        """Poll cheaply for the orders that changed since a moment; None reads every open one.

        One request as long as neither list is longer than a page. Cancelled orders are read only
        with a moment: without one, Centra would list all there ever were.
        """
        return order_stamps(self._graphql, since, page_size=self._config.page_size)

    def orders(self, ids: Sequence[str]) -> list[Order]:
        """Read whole orders by Centra's id.

        An order that Centra does not show is left out. So is one that cannot be read: it is logged
        here, and `orders_with_ids` returns it as `UnreadableOrder`.
        """
        orders: list[Order] = []
        for record in self.orders_with_ids(ids):
            if isinstance(record, Order):
                orders.append(record)
            else:
                _logger.warning("order %s is left out: %s", record.number, record.field)
        return orders

    def orders_with_ids(self, ids: Sequence[str]) -> Iterator[Order | UnreadableOrder]:
        """Read whole orders by Centra's id; one that Centra does not show is left out."""
        for chunk in _chunks(ids, min(WHOLE_ORDERS_PER_PAGE, self._config.page_size)):
            # One more than there can be: after a full page the next one would be requested.
            yield from self._whole_orders({"id": chunk}, limit=len(chunk) + 1)

    def stamps_with_ids(self, ids: Sequence[str]) -> list[OrderStamp]:
        """Read the stamps of orders by Centra's id, whatever their status or lock."""
        size = self._config.page_size
        return [
            stamp
            # As above: no page is ever full.
            for chunk in _chunks(ids, max(size - 1, 1))
            for stamp in stamps_that_meet(self._graphql, {"id": chunk}, page_size=size)
        ]

    def changed_order_stamps(self, since: datetime) -> tuple[OrderStamp, ...]:
        """Read the stamps of orders that changed since a moment, whatever their status or lock."""
        where = inputs.changed_orders(since)
        return stamps_that_meet(self._graphql, where, page_size=self._config.page_size)

    def all_open_order_stamps(self, placed_before: datetime) -> OrderStamps:
        """Read the stamps of every confirmed or processing order placed until then, locked or not.

        One request for each page of them.
        """
        where = inputs.all_open_orders(placed_before)
        return list_that_meets(self._graphql, where, page_size=self._config.page_size)

    def order_numbered(self, number: int) -> Order | UnreadableOrder | None:
        """Read one order by Centra's number, whatever its status; None when there is none."""
        return next(self._whole_orders({"number": [number]}, limit=2), None)

    def orders_changed_since(self, since: datetime | None) -> Iterator[Order | UnreadableOrder]:
        """Read the whole orders that changed since a moment, cancelled ones last.

        None reads every open order, and no cancelled one.
        """
        limit = min(WHOLE_ORDERS_PER_PAGE, self._config.page_size)
        yield from self._whole_orders(inputs.open_orders(since), limit=limit)
        if since is not None:
            yield from self._whole_orders(inputs.cancelled_orders(since), limit=limit)

    def count_open_orders(self, placed_before: datetime | None = None) -> int:
        """Count the confirmed and processing orders, locked ones too; None: placed at any time."""
        where = {"where": inputs.all_open_orders(placed_before)}
        data = self._graphql.run(CallKind.READ, "CountOrders", where)
        try:
            return Fields(data).required_child("counters").whole("orders")
        except BrokenRecord as broken:
            raise self._graphql.broken(CallKind.READ, "CountOrders", str(broken)) from broken

    def lock_orders(self, ids: Sequence[str], *, is_locked: bool = True) -> None:
        """Keep people from editing orders, or let them again. Doing it twice does no harm."""
        for chunk in _chunks(ids, self._config.page_size):
            lock = {"orders": [{"id": centra_id} for centra_id in chunk], "isLocked": is_locked}
            self._graphql.run(CallKind.IDEMPOTENT_WRITE, "LockOrders", {"input": lock})

    def stamps_numbered(self, numbers: Sequence[int]) -> list[OrderStamp]:
        """Read the stamps of orders by Centra's number, whatever their status or lock."""
        size = self._config.page_size
        return [
            stamp
            # As above: no page is ever full.
            for chunk in _chunks(numbers, max(size - 1, 1))
            for stamp in stamps_that_meet(self._graphql, {"number": chunk}, page_size=size)
        ]

    # ---- events
    def order_events(self) -> list[OrderEvent]:
        """Read the oldest events of orders that are not confirmed, at most a page of them."""
        return events.order_events(self._graphql, limit=self._config.page_size)

    def confirm_events(self, event_ids: Sequence[int]) -> None:
        """Take events off Centra's queue. Doing it twice does no harm."""
        events.confirm_events(self._graphql, event_ids)

    def listen_to_orders(self) -> None:
        """Ask Centra to put changes of orders into the queue. Doing it twice does no harm."""
        events.listen_to_orders(self._graphql)

    def stop_listening_to_orders(self) -> None:
        """Ask Centra for no more events of orders; those in the queue are deleted."""
        events.stop_listening_to_orders(self._graphql)

    # ---- shipments
    def shipping_orders(
        self, ids: Sequence[str]
    ) -> dict[str, ShippingOrder | UnreadableShippingOrder]:
        """Read what Centra has of orders that are leaving, by Centra's id.

        One that cannot be read, or that Centra does not show, is returned as such: taken for one
        without shipments, its parcels would be created a second time.
        """
        return shipments.shipping_orders(self._graphql, ids)

    def clock_ahead(self) -> timedelta | None:
        """Return by how much our clock is ahead of Centra's; negative where it is behind.

        None: Centra's answer does not show a time.
        """
        self.count_open_orders(self._now())
        return self._graphql.clock_ahead

    def latest_departure(self) -> datetime:
        """Return the latest time that Centra, by its own clock, does not take for the future."""
        return self._now() - self._graphql.clock_behind

    def create_shipment(self, draft: ShipmentDraft) -> ShipmentWritten:
        """Create a shipment for a parcel that has left. Not repeated once Centra may have it.

        Where Centra captures the payment, the shipment is not shipped yet: complete it once the
        answer says that the payment is there.

        Raises:
            OutcomeUnknown: read `shipping_orders` before anything else is done.
        """
        create = inputs.new_shipment(
            draft,
            captures_payment=self._config.captures_payment,
            marks_paid=self._config.marks_paid,
            now=self.latest_departure(),
        )
        variables = {"input": create}
        return shipments.ship(
            self._graphql, CallKind.CREATE, "CreateShipment", "createShipment", variables
        )

    def capture_shipment(self, shipment_id: int) -> ShipmentWritten:
        """Capture the payment of a shipment. Not repeated once Centra may have received it.

        Raises:
            Refused: the payment was not captured.
            OutcomeUnknown: read `shipping_orders` before anything else is done.
        """
        variables = {"id": shipment_id}
        return shipments.ship(
            self._graphql, CallKind.CREATE, "CaptureShipment", "captureShipment", variables
        )

    def release_shipment(self, shipment_id: int) -> ShipmentWritten:
        """Mark a shipment as good to go, and as paid where payments are captured elsewhere."""
        marks_paid = self._config.marks_paid and not self._config.captures_payment
        variables = {"id": shipment_id, "input": inputs.released(marks_paid=marks_paid)}
        return shipments.ship(
            self._graphql, CallKind.IDEMPOTENT_WRITE, "UpdateShipment", "updateShipment", variables
        )

    def complete_shipment(self, shipment_id: int, draft: ShipmentDraft) -> ShipmentWritten:
        """Mark one of Centra's shipments as shipped; its lines stay as they are.

        Not repeated once Centra may have received it: it sends the customer a mail.

        Raises:
            OutcomeUnknown: read `shipping_orders` before anything else is done.
        """
        departure = inputs.departure(draft, now=self.latest_departure())
        variables = {"id": shipment_id, "input": departure}
        return shipments.ship(
            self._graphql, CallKind.CREATE, "CompleteShipment", "completeShipment", variables
        )

    # ---- stock and catalogue
    def stock_levels(
        self,
        unreadable: list[UnreadableStockLevel] | None = None,
        *,
        takes_hours: bool = False,
    ) -> Iterator[CentraStockLevel]:
        """Read the stock of every size in our warehouse.

        A row that cannot be read is logged, and added to `unreadable` where that is given.

        Args:
            unreadable: see above.
            takes_hours: where the plan is too small for all of it, wait for its longest window.
        """
        patience = _ONE_WINDOW_SECONDS if takes_hours else LANE_PATIENCE_SECONDS
        return self._stock_levels({}, unreadable, patience_seconds=patience)

    def stock_levels_of(
        self,
        product_size_ids: Collection[int],
        unreadable: list[UnreadableStockLevel] | None = None,
    ) -> Iterator[CentraStockLevel]:
        """Read the stock of these sizes in our warehouse, as `stock_levels` does."""
        for chunk in _chunks(list(product_size_ids), self._config.page_size):
            yield from self._stock_levels({"stock": {"productSizeId": chunk}}, unreadable)

    def _stock_levels(
        self,
        which: Mapping[str, object],
        unreadable: list[UnreadableStockLevel] | None,
        *,
        patience_seconds: float = LANE_PATIENCE_SECONDS,
    ) -> Iterator[CentraStockLevel]:
        rows = pages(
            self._graphql,
            "StockLevels",
            {"warehouses": {"id": [self._config.warehouse_id]}, **which},
            limit=self._config.page_size,
            find=self._stock_rows,
            key=size_id_of,
            patience_seconds=patience_seconds,
        )
        found = [] if unreadable is None else unreadable

        def keep(row: Json, broken: BrokenRecord) -> None:
            found.append(reading.unreadable_stock_level(row, broken))

        return readable(rows, reading.stock_level, keep)

    def set_physical_stock(
        self, levels: Sequence[tuple[str, int]], description: str
    ) -> StockWriteResult:
        """Set physical quantities by SKU, in one call unless Centra refuses some of them.

        Raises:
            ValueError: a quantity is below zero, which means nothing in Centra.
        """
        if below := [sku for sku, quantity in levels if quantity < 0]:
            raise ValueError(f"physical stock cannot be below zero: {', '.join(below)}")

        def write(batch: Sequence[tuple[str, int]]) -> None:
            stock = inputs.physical_stock(
                batch, warehouse_id=self._config.warehouse_id, description=description
            )
            self._graphql.run(CallKind.IDEMPOTENT_WRITE, "SetStock", {"input": stock})

        refused = write_apart(levels, write)
        return StockWriteResult(
            written=tuple(level for level in levels if level[0] not in refused),
            refused=tuple(
                RefusedStockLine(sku=sku, quantity=quantity, reason=refused[sku])
                for sku, quantity in levels
                if sku in refused
            ),
        )

    def set_physical_stock_of_sizes(
        self, levels: Sequence[tuple[int, int]], description: str
    ) -> dict[int, str]:
        """Set physical quantities by the id of the size, where one SKU names several sizes.

        Returns:
            why Centra refused a size, by its id, in our own words.
        """

        def write(batch: Sequence[tuple[int, int]]) -> None:
            stock = inputs.physical_stock_of_sizes(
                batch, warehouse_id=self._config.warehouse_id, description=description
            )
            self._graphql.run(CallKind.IDEMPOTENT_WRITE, "SetStock", {"input": stock})

        return write_apart(levels, write)

    def product_sizes(self, *, takes_hours: bool = False) -> Iterator[CentraProductSize]:
        """Read every size of the catalogue, as `stock_levels`. One that is broken is logged."""
        rows = pages(
            self._graphql,
            "ProductSizes",
            {},
            limit=self._config.page_size,
            find=lambda data: rows_of(self._graphql, "ProductSizes", data, "productSizes"),
            patience_seconds=_ONE_WINDOW_SECONDS if takes_hours else LANE_PATIENCE_SECONDS,
        )
        return readable(rows, reading.product_size)

    # ---- shared by several
    def _whole_orders(
        self, where: Mapping[str, object], *, limit: int
    ) -> Iterator[Order | UnreadableOrder]:
        rows = order_pages(self._graphql, "WholeOrders", where, limit=limit)
        return map(reading.order_or_unreadable, rows)

    def _stock_rows(self, data: Mapping[str, Json]) -> list[Json]:
        warehouses = rows_of(self._graphql, "StockLevels", data, "warehouses")
        if not warehouses:
            detail = (
                f"Centra shows no warehouse {self._config.warehouse_id}: the id is wrong, or the "
                "token's store restrictions hide it"
            )
            raise self._graphql.broken(CallKind.READ, "StockLevels", detail)
        return rows_of(
            self._graphql, "StockLevels", {"warehouse": warehouses[0]}, "warehouse", "stock"
        )


def _chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))
