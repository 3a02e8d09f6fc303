"""Everything that people, the warehouse and the clock can do to one small world, by name.

Does not belong here: the product's own runs and when an act happens (`life`), what of it may be
held against the product (`truth`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

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
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.records import CentraOrder, WhistlOrder
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster_tests.stock_histories.lags import Lags
from centra_whistl_dagster_tests.stock_histories.truth import Judge

T = TypeVar("T")

WRONG_ADDRESS = {**ADA, "zipCode": "YO1 7H"}
MOST_ORDERS = 6
LAG_SECONDS = 30.0
OVER_IN_CENTRA = frozenset({"CANCELLED", "SHIPPED"})


@dataclass(slots=True)
class People:
    """Who acts on a world. Each act says by its return value whether anything happened."""

    world: World
    clock: ManualClock
    judge: Judge
    lags: Lags
    renamed: int = 0
    acts: dict[str, Callable[[int, int], bool]] = field(init=False)

    def __post_init__(self) -> None:
        self.acts = {
            "ordered": self._order,
            "ordered, on hold": lambda which, much: self._order(which, much, is_on_hold=True),
            "ordered, address wrong": lambda which, much: self._order(
                which, much, address=WRONG_ADDRESS
            ),
            "pre-ordered": self._pre_order,
            "shipped by hand in Centra": self._ship_by_hand,
            "held in Centra": self._hold,
            "resumed in Centra": self._resume,
            "units cancelled in Centra": self._cancel_units,
            "cancelled in Centra": self._cancel,
            "unlocked in Centra": self._unlock,
            "stock edited in Centra": self._edit_stock,
            "SKU renamed": self._rename,
            "worked on": self._work_on,
            "held at Whistl, stock given back": self._hold_at_whistl,
            "released at Whistl": self._release_at_whistl,
            "unit not found": self._lose_at_picking,
            "ended by Whistl": self._end,
            "rest ended by Whistl": self._end_rest,
            "sold elsewhere": self._sell_elsewhere,
            "left elsewhere": self._leave_elsewhere,
            "quarantined": self._quarantine,
            "written off": self._write_off,
            "goods came": self._receive,
            "snapshot taken": self._take_snapshot,
            "row missing from snapshots": self._drop_row,
            "snapshots change while read": self._change_while_read,
            "statuses lag": self._lag_statuses,
            "despatches lag": self._lag_despatches,
            "time passes": self._wait,
        }

    # ---- choosing
    def skus(self) -> list[str]:
        """Return the SKUs of both systems."""
        return self.judge.skus()

    def _sku(self, which: int) -> str:
        return _one(self.skus(), which)

    def _orders(self, fits: Callable[[CentraOrder], bool]) -> list[CentraOrder]:
        return [order for order in self.world.orders.values() if fits(order)]

    def _held(self, fits: Callable[[WhistlOrder], bool]) -> list[WhistlOrder]:
        return [order for order in self.world.all_whistl_orders() if fits(order)]

    # ---- shoppers
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
        order = _one(orders, which)
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
        order = _one(orders, which)
        order.is_on_hold = True
        touch(self.world, order)
        return True

    def _resume(self, which: int, much: int) -> bool:
        orders = self._orders(lambda order: order.is_on_hold)
        if not orders:
            return False
        release(self.world, _one(orders, which))
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
        order, line = _one(choices, which)
        units = 1 if much % 2 else in_no_shipment(order)[line.line_id]
        order.is_locked = False
        cancel_units(self.world, order, line, units)
        return True

    def _cancel(self, which: int, much: int) -> bool:
        orders = self._orders(lambda order: order.status == "CONFIRMED")
        if not orders:
            return False
        order = _one(orders, which)
        order.is_locked = False
        cancel_order(self.world, order)
        return True

    def _unlock(self, which: int, much: int) -> bool:
        orders = self._orders(lambda order: order.is_locked)
        if not orders:
            return False
        order = _one(orders, which)
        order.is_locked = False
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

    # ---- the warehouse
    def _work_on(self, which: int, much: int) -> bool:
        """Bring an order on its way by one to four stages: allocated, picked, packed, gone."""
        orders = self._held(lambda order: order.status in _STAGES)
        if not orders:
            return False
        order = _one(orders, which)
        for _ in range(1 + much % 4):
            if order.status in _STAGES:
                _STAGES[order.status](self.world, order)
        return True

    def _hold_at_whistl(self, which: int, much: int) -> bool:
        """Put an order on hold that was allocated: its units are available again."""
        orders = self._held(lambda order: order.status in {"RECEIVED", "ALLOCATED"})
        if not orders:
            return False
        order = _one(orders, which)
        for line in order.lines.values():
            line["allocated"] = 0
        order.hold_reason = "Stock check"
        warehouse._move(self.world, order, "HELD")
        return True

    def _release_at_whistl(self, which: int, much: int) -> bool:
        orders = self._held(lambda order: order.status == "HELD")
        if not orders:
            return False
        order = _one(orders, which)
        order.hold_reason = None
        warehouse._move(self.world, order, "RECEIVED")
        return True

    def _lose_at_picking(self, which: int, much: int) -> bool:
        orders = self._held(
            lambda order: (
                order.status in {"ALLOCATED", "PICKING"}
                and sum(line["allocated"] for line in order.lines.values()) > 1
            )
        )
        if not orders:
            return False
        order = _one(orders, which)
        if order.status == "ALLOCATED":
            warehouse._pick(self.world, order)
        warehouse._lose_one(self.world, order)
        order.status_version += 1
        order.updated_at = self.world.now()
        return True

    def _end(self, which: int, much: int) -> bool:
        orders = self._held(lambda order: order.status in warehouse.FREELY_CANCELLABLE)
        if not orders:
            return False
        warehouse._end(
            self.world, _one(orders, which), "REJECTED" if much % 3 == 0 else "CANCELLED"
        )
        return True

    def _end_rest(self, which: int, much: int) -> bool:
        orders = self._held(lambda order: order.status == "PART_DESPATCHED")
        if not orders:
            return False
        warehouse._cancel_rest(self.world, _one(orders, which))
        return True

    def _sell_elsewhere(self, which: int, much: int) -> bool:
        return warehouse.take_unseen(self.world, self._sku(which), 1 + much % 2) > 0

    def _leave_elsewhere(self, which: int, much: int) -> bool:
        shelf = self.world.shelves[self._sku(which)]
        gone, shelf.unseen_allocated = shelf.unseen_allocated, 0
        shelf.on_hand -= gone
        return gone > 0

    def _quarantine(self, which: int, much: int) -> bool:
        return warehouse.set_aside(self.world, self._sku(which), 1 + much % 2) > 0

    def _write_off(self, which: int, much: int) -> bool:
        """Take a unit off the books that is on the shelf and reserved for nobody."""
        sku = self._sku(which)
        if self.world.whistl_available(sku) <= 0:
            return False
        self.world.shelves[sku].on_hand -= 1
        self.world.unseen_taken[sku] += 1
        return True

    def _receive(self, which: int, much: int) -> bool:
        warehouse.goods_in(self.world, self._sku(which), 1 + much % 4)
        return True

    def _take_snapshot(self, which: int, much: int) -> bool:
        self.lags.take_snapshot()
        return True

    def _drop_row(self, which: int, much: int) -> bool:
        self.lags.missing_sku = None if self.lags.missing_sku else self._sku(which)
        return True

    def _change_while_read(self, which: int, much: int) -> bool:
        self.lags.is_live = not self.lags.is_live
        return True

    # ---- lags and the clock
    def _lag_statuses(self, which: int, much: int) -> bool:
        until = self.world.now() + timedelta(seconds=LAG_SECONDS)
        self.lags.freeze_statuses(until)
        self.judge.statuses_visible_at = until
        return True

    def _lag_despatches(self, which: int, much: int) -> bool:
        self.lags.hide_despatches(self.world.now() + timedelta(seconds=LAG_SECONDS * (1 + much)))
        return True

    def _wait(self, which: int, much: int) -> bool:
        self.clock.run(self.world, 15.0 * (1 + much))
        return True


_STAGES: dict[str, Callable[[World, WhistlOrder], None]] = {
    "RECEIVED": warehouse._allocate,
    "BACKORDERED": warehouse._allocate,
    "ALLOCATED": warehouse._pick,
    "PICKING": warehouse._pack,
    "PACKED": warehouse._hand_over,
}


def _one(choices: Sequence[T], which: int) -> T:
    return choices[which % len(choices)]
