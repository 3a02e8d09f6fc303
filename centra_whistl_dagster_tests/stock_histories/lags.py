"""How far what Whistl shows is behind what happened there, within the same contract.

Statuses are shown as they were, for so long; despatch messages are not listed yet; a snapshot lacks
a SKU, or its pages show the shelf of the moment in which each page is read.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest.mock import patch

from centra_whistl_dagster.simulator.whistl import app, snapshots
from centra_whistl_dagster.simulator.whistl.answers import Answer, Call
from centra_whistl_dagster.simulator.whistl.orders import OrderBook
from centra_whistl_dagster.simulator.world.records import WhistlOrder
from centra_whistl_dagster.simulator.world.world import World


@dataclass(slots=True)
class Lags:
    """What of one world is shown late, or otherwise than it was."""

    world: World
    missing_sku: str | None = None
    """Left out of each snapshot that is taken, although it says that it is complete."""
    is_live: bool = False
    """Whether pages of a snapshot show what is there when they are read."""
    _statuses_until: datetime | None = None
    _frozen: dict[str, WhistlOrder] = field(default_factory=dict)
    _despatches_until: datetime | None = None
    _shown: int = 0

    def over(self) -> None:
        """Let everything be shown as it is."""
        self._statuses_until = self._despatches_until = self.missing_sku = None
        self.is_live = False

    def freeze_statuses(self, until: datetime) -> None:
        """Show Whistl's orders as they are now, until then; those taken later are shown at once."""
        if self._statuses_until is None or self._statuses_until <= self.world.now():
            self._frozen = copy.deepcopy(self.world.whistl_orders)
            self._statuses_until = until

    def hide_despatches(self, until: datetime) -> None:
        """List no despatch message that is published from now on, until then."""
        if self._despatches_until is None or self._despatches_until <= self.world.now():
            self._shown = len(self.world.despatches)
            self._despatches_until = until

    def take_snapshot(self) -> None:
        """Publish a snapshot."""
        taken = snapshots.take_snapshot(self.world)
        if taken is not None and self.missing_sku is not None:
            taken.rows = [row for row in taken.rows if row["sku"] != self.missing_sku]
            taken.item_count = len(taken.rows)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the simulated Whistl of this block show things that late."""
        listed, read = OrderBook.list, OrderBook.read
        despatches, items = app.WhistlApi.despatches, app.WhistlApi.snapshot_items

        def old_list(book: OrderBook, call: Call) -> Answer:
            with self._as_shown():
                return listed(book, call)

        def old_read(book: OrderBook, call: Call) -> Answer:
            with self._as_shown():
                return read(book, call)

        def late(api: app.WhistlApi, call: Call) -> Answer:
            is_late = self._despatches_until is not None
            if is_late and self.world.now() >= self._despatches_until:  # type: ignore[operator]
                self._despatches_until, is_late = None, False
            if not is_late:
                return despatches(api, call)
            every, self.world.despatches = (
                self.world.despatches,
                self.world.despatches[: self._shown],
            )
            try:
                return despatches(api, call)
            finally:
                self.world.despatches = every

        def live(api: app.WhistlApi, call: Call) -> Answer:
            snapshot = self.world.snapshots.get(call.path["snapshot_id"])
            if self.is_live and snapshot is not None:
                now: list[dict[str, Any]] = snapshots._true_rows(self.world)
                snapshot.rows = [row for row in now if row["sku"] != self.missing_sku]
            return items(api, call)

        with (
            patch.object(OrderBook, "list", old_list),
            patch.object(OrderBook, "read", old_read),
            patch.object(app.WhistlApi, "despatches", late),
            patch.object(app.WhistlApi, "snapshot_items", live),
        ):
            yield

    @contextmanager
    def _as_shown(self) -> Iterator[None]:
        until = self._statuses_until
        if until is None or self.world.now() >= until:
            self._statuses_until = None
            yield
            return
        true = self.world.whistl_orders
        self.world.whistl_orders = {
            number: self._frozen.get(number, true[number]) for number in true
        }
        try:
            yield
        finally:
            self.world.whistl_orders = true
