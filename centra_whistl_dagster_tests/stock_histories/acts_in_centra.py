"""What shoppers, customer service and ecommerce do in Centra, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from centra_whistl_dagster.simulator.centra.rules import (
    add_shipment,
    cancel_order,
    cancel_units,
    in_no_shipment,
    release,
    ship,
    touch,
)
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.records import CentraOrder
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster_tests.stock_histories.choosing import Act, one
from centra_whistl_dagster_tests.stock_histories.truth import Judge

WRONG_ADDRESS = {**ADA, "zipCode": "YO1 7H"}
MOST_ORDERS = 6
OVER_IN_CENTRA = frozenset({"CANCELLED", "SHIPPED"})


class ActsInCentra:
    """Each act says by its return value whether anything happened."""

    def __init__(self, world: World, judge: Judge) -> None:
        self.world, self.judge = world, judge
        self.renamed = 0
        self.by_name: dict[str, Act] = {
            "ordered": self._order,
            "ordered, on hold": partial(self._order, is_on_hold=True),
            "ordered, address wrong": partial(self._order, address=WRONG_ADDRESS),
            "pre-ordered": self._pre_order,
            "shipped by hand in Centra": self._ship_by_hand,
            "held in Centra": self._hold,
            "resumed in Centra": self._resume,
            "units cancelled in Centra": self._cancel_units,
            "cancelled in Centra": self._cancel,
            "unlocked in Centra": self._unlock,
            "address edited in Centra": self._edit_address,
            "stock edited in Centra": self._edit_stock,
            "SKU renamed": self._rename,
        }

    def _sku(self, which: int) -> str:
        return one(self.judge.skus(), which)

    def _orders(self, fits: Callable[[CentraOrder], bool]) -> list[CentraOrder]:
        return [order for order in self.world.orders.values() if fits(order)]

    def _order(self, which: int, much: int, **members: object) -> bool:
        if len(self.world.orders) >= MOST_ORDERS:
            return False
        skus = [self._sku(which), self._sku(which + 1)][: 1 + (much % 4 == 3)]
        lines = [(sku, min(1 + much % 3, self.world.centra_free(sku))) for sku in skus]
        lines = [(sku, units) for sku, units in lines if units > 0]
        if not lines:
            return False
        for sku, units in lines:
            self.judge.sale(sku, units)
        place_order(self.world, lines, **members)  # type: ignore[arg-type]  # CentraOrder's own
        return True

    def _pre_order(self, which: int, much: int) -> bool:
        """Order all there is and more: Centra allocates what it has, the rest is demand."""
        if len(self.world.orders) >= MOST_ORDERS:
            return False
        sku, more = self._sku(which), 1 + much % 2
        free = max(0, self.world.centra_free(sku))
        if free:
            self.judge.sale(sku, free)
        order = place_order(self.world, [(sku, free + more)])
        order.lines[0].demand = more
        return True

    # ---- customer service and ecommerce, in Centra
    def _ship_by_hand(self, which: int, much: int) -> bool:
        """Ship what is allocated, or one unit of it, whatever Whistl has done so far."""

        def left(order: CentraOrder) -> dict[int, int]:
            units = in_no_shipment(order)
            demand = {line.line_id: line.demand for line in order.lines}
            allocated = {line: count - demand[line] for line, count in units.items()}
            return {line: count for line, count in allocated.items() if count > 0}

        orders = self._orders(
            lambda order: order.status not in OVER_IN_CENTRA and bool(left(order))
        )
        if not orders:
            return False
        order = one(orders, which)
        units = left(order)
        if much % 3 == 0:
            first = next(iter(units))
            units = {first: 1}
        order.is_on_hold = False
        shipment = add_shipment(self.world, order, units, is_good_to_go=True, is_paid=True)
        ship(self.world, order, shipment, self.world.now(), send_email=False)
        return True

    def _hold(self, which: int, much: int) -> bool:
        orders = self._orders(
            lambda order: order.status not in OVER_IN_CENTRA and not order.is_on_hold
        )
        if not orders:
            return False
        order = one(orders, which)
        order.is_on_hold = True
        touch(self.world, order)
        return True

    def _resume(self, which: int, much: int) -> bool:
        orders = self._orders(lambda order: order.is_on_hold)
        if not orders:
            return False
        release(self.world, one(orders, which))
        return True

    def _cancel_units(self, which: int, much: int) -> bool:
        choices = [
            (order, line)
            for order in self._orders(lambda order: order.status not in OVER_IN_CENTRA)
            for line in order.lines
            if in_no_shipment(order).get(line.line_id, 0) > 0
        ]
        if not choices:
            return False
        order, line = one(choices, which)
        units = 1 if much % 2 else in_no_shipment(order)[line.line_id]
        order.is_locked = False
        cancel_units(self.world, order, line, units)
        return True

    def _cancel(self, which: int, much: int) -> bool:
        orders = self._orders(lambda order: order.status == "CONFIRMED")
        if not orders:
            return False
        order = one(orders, which)
        order.is_locked = False
        cancel_order(self.world, order)
        return True

    def _unlock(self, which: int, much: int) -> bool:
        orders = self._orders(lambda order: order.is_locked)
        if not orders:
            return False
        order = one(orders, which)
        order.is_locked = False
        touch(self.world, order)
        return True

    def _edit_address(self, which: int, much: int) -> bool:
        """Correct an address, or get it wrong: the order is stopped at Whistl and sent again."""
        orders = self._orders(lambda order: order.status not in OVER_IN_CENTRA)
        if not orders:
            return False
        order = one(orders, which)
        order.address = dict(WRONG_ADDRESS if much % 3 == 0 else ADA) | {"address2": f"Flat {much}"}
        touch(self.world, order)
        return True

    def _edit_stock(self, which: int, much: int) -> bool:
        """Set another quantity by hand, as after a count of the shelf that was wrong."""
        sku = self._sku(which)
        shelf = self.world.shelves[sku]
        change = (-2, -1, 1, 2, 3)[much % 5]
        before = shelf.centra_physical
        shelf.centra_physical = max(self.world.centra_allocated(sku), before + change)
        return shelf.centra_physical != before

    def _rename(self, which: int, much: int) -> bool:
        """Give a size another SKU in both systems; orders that were placed show the new one."""
        if self.renamed:
            return False
        world, old = self.world, self._sku(which)
        new = f"{old[:-2]}X{old[-1]}"
        if new in world.items:
            return False
        self.renamed += 1
        item = world.items.pop(old)
        item.sku = new
        world.items[new] = item
        world.shelves[new] = world.shelves.pop(old)
        world.unseen_taken[new] = world.unseen_taken.pop(old, 0)
        for order in list(world.centra_orders_with(old)):
            for line in order.lines:
                line.sku = new if line.sku == old else line.sku
            world._centra_lines.include(order, new)
        for held in world.all_whistl_orders():
            for kept in held.lines.values():
                kept["sku"] = new if kept["sku"] == old else kept["sku"]
        world._whistl_lines.__init__(  # type: ignore[misc]  # read every order anew
            world._whistl_lines._source, world._whistl_lines._skus_of
        )
        self.judge.renamed(old, new)
        return True
