"""What happens in the building and in Whistl's own systems, by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.records import WhistlOrder
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster_tests.stock_histories.choosing import Act, one
from centra_whistl_dagster_tests.stock_histories.lags import Lags
from centra_whistl_dagster_tests.stock_histories.truth import Judge

LAG_SECONDS = 30.0


class ActsAtWhistl:
    """Each act says by its return value whether anything happened."""

    def __init__(self, world: World, clock: ManualClock, judge: Judge, lags: Lags) -> None:
        self.world, self.clock, self.judge, self.lags = world, clock, judge, lags
        self.by_name: dict[str, Act] = {
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

    def _sku(self, which: int) -> str:
        return one(self.judge.skus(), which)

    def _held(self, fits: Callable[[WhistlOrder], bool]) -> list[WhistlOrder]:
        return [order for order in self.world.all_whistl_orders() if fits(order)]

    def _work_on(self, which: int, much: int) -> bool:
        """Bring an order on its way by one to four stages: allocated, picked, packed, gone."""
        orders = self._held(lambda order: order.status in _STAGES)
        if not orders:
            return False
        order = one(orders, which)
        for _ in range(1 + much % 4):
            if order.status in _STAGES:
                _STAGES[order.status](self.world, order)
        return True

    def _hold_at_whistl(self, which: int, much: int) -> bool:
        """Put an order on hold that was allocated: its units are available again."""
        orders = self._held(lambda order: order.status in {"RECEIVED", "ALLOCATED", "PICKING"})
        if not orders:
            return False
        warehouse.hold_by_hand(self.world, one(orders, which), gives_back=True)
        return True

    def _release_at_whistl(self, which: int, much: int) -> bool:
        orders = self._held(lambda order: order.status == "HELD")
        if not orders:
            return False
        warehouse.release_by_hand(self.world, one(orders, which))
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
        order = one(orders, which)
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
        warehouse._end(self.world, one(orders, which), "REJECTED" if much % 3 == 0 else "CANCELLED")
        return True

    def _end_rest(self, which: int, much: int) -> bool:
        orders = self._held(lambda order: order.status == "PART_DESPATCHED")
        if not orders:
            return False
        warehouse._cancel_rest(self.world, one(orders, which))
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
