"""What is true of one SKU, and what a stock write or a sale did to it, by the simulators alone.

Two things are counted in units, and there must be none of either:

**Back on sale.** A stock write offers a unit that is not there to be sold. What is offered: the
physical quantity in Centra less its allocated, after the write. What is there (`room`): what Whistl
has available, less every unit that is owed to an order and not yet out of `available`. Owed are the
units of live orders at Whistl that it has not set aside yet, and the units that Centra's live
orders want (pre-ordered ones too), that no shipment has taken away and that Whistl was not asked
for. A write that offers less than before brings nothing back, even where it is still too much.

**Oversold.** A shopper buys a unit beyond `room`. Centra sells what it shows as free and no more.

The product is not blamed for what it cannot know. Each act that lets Centra offer more than there
is makes a *debt* of so many units, and a debt excuses that many units until it can be known:

- units gone without Centra (other channels, quarantine, a loss): a write from a snapshot taken
  before; a sale until a full sync with a later snapshot that lists the SKU has ended.
- a unit not found at picking: a write of a sync that had begun, or while Whistl's statuses are
  late; a sale until a full sync that began afterwards has ended.
- units cancelled in Centra that Whistl still has: a write as long as orders were not read from
  Centra; a sale until a full sync after such a reading has ended.
- a pre-order, to which Centra allocates nothing: a write of a sync that had begun; a sale until a
  full sync that began afterwards has ended.
- stock edited in Centra by somebody: no write, which replaces the edit; a sale until a full sync
  that began afterwards has ended.

Nothing else is excused: not a shipment made by hand, an order held or resumed, stock given back, a
late message, a second sync, a killed process or a SKU renamed.

Does not belong here: what happens and when (`life`), and what a person makes of it (`run`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from centra_whistl_dagster.simulator.world.records import CentraOrder, Snapshot, WhistlOrder
from centra_whistl_dagster.simulator.world.world import NOT_ALLOCATING, WAREHOUSE_ID, World

ENDED = frozenset({"CANCELLED", "REJECTED"})


def room(world: World, sku: str) -> int:
    """Return how many units may still be sold; below zero where more are sold than exist."""
    owed = sum(_owed(world, order, sku) for order in world.centra_orders_with(sku))
    return world.whistl_available(sku) - owed


def excess(world: World, sku: str) -> int:
    """Return how many units Centra offers that are not there, none if there is enough."""
    return max(0, max(0, world.centra_free(sku)) - max(0, room(world, sku)))


def _owed(world: World, order: CentraOrder, sku: str) -> int:
    lines = [each for each in order.lines if each.sku == sku and each.warehouse_id == WAREHOUSE_ID]
    is_live = order.status not in NOT_ALLOCATING
    wanted = sum(line.quantity for line in lines) if is_live else 0
    shipped = sum(line.shipped for line in lines)
    asked, going = _at_whistl(world.whistl_orders_of(order), sku)
    return going + max(0, wanted - max(asked, shipped))


def _at_whistl(held: Iterable[WhistlOrder], sku: str) -> tuple[int, int]:
    """Return the units that Whistl sends or has sent, and those of them still to be set aside."""
    asked = going = 0
    for order in held:
        for line in order.lines.values():
            if line["sku"] != sku:
                continue
            out = line["allocated"] + line["despatched"]
            if order.status in ENDED:
                asked += line["despatched"]
                continue
            asked += line["ordered"] - line["cancelled"]
            going += line["ordered"] - line["cancelled"] - out
    return asked, going


class Source(StrEnum):
    """Where the product learns of what an act did."""

    SNAPSHOT = "a snapshot"
    STATUSES = "Whistl's statuses"
    ORDERS = "Centra's orders"
    DEMAND = "Centra's demand"
    LEVELS = "Centra's stock"


SOURCES = {
    "sold elsewhere": Source.SNAPSHOT,
    "quarantined": Source.SNAPSHOT,
    "written off": Source.SNAPSHOT,
    "unit not found": Source.STATUSES,
    "cancelled in Centra": Source.ORDERS,
    "units cancelled in Centra": Source.ORDERS,
    "pre-ordered": Source.DEMAND,
    "stock edited in Centra": Source.LEVELS,
}
"""Of the acts that may make Centra offer more than there is. An act not named here never may."""


@dataclass(frozen=True, slots=True)
class Debt:
    """Units that an act made Centra offer too many."""

    sku: str
    units: int
    source: Source
    visible_at: datetime


@dataclass(slots=True)
class Judge:
    """Watches one world, write by write and sale by sale."""

    world: World
    back_on_sale: list[str] = field(default_factory=list)
    oversold: list[str] = field(default_factory=list)
    writes: int = 0
    sales: int = 0
    debts: list[Debt] = field(default_factory=list)
    statuses_visible_at: datetime | None = None
    """While Whistl's statuses lag: when they will be seen."""
    orders_read_from: datetime | None = None
    """When the last reading of Centra's orders that ended had begun."""
    sync_began_at: datetime | None = None
    written_snapshot: str | None = None
    """The snapshot that the write under way says it comes from."""
    _free: dict[str, int] = field(default_factory=dict)

    def skus(self) -> list[str]:
        """Return every SKU that both systems have."""
        return [sku for sku, item in self.world.items.items() if item.is_known_to_whistl]

    def before_act(self) -> dict[str, int]:
        """Return how far what is offered is above what is there, by SKU; given to `after_act`."""
        return {sku: self._gap(sku) for sku in self.skus()}

    def after_act(self, act: str, before: dict[str, int]) -> None:
        """Note what an act of people or of the warehouse made Centra offer too many."""
        if (source := SOURCES.get(act)) is None:
            return
        visible_at = self.world.now()
        if source is Source.STATUSES:
            visible_at = max(visible_at, self.statuses_visible_at or visible_at)
        for sku in self.skus():
            if (units := self._gap(sku) - before.get(sku, 0)) > 0:
                self.debts.append(Debt(sku, units, source, visible_at))

    def _gap(self, sku: str) -> int:
        return self.world.centra_free(sku) - room(self.world, sku)

    def sale(self, sku: str, units: int) -> None:
        """Judge a sale that is about to be made."""
        self.sales += 1
        beyond = units - max(0, room(self.world, sku))
        excused = sum(debt.units for debt in self.debts if debt.sku == sku)
        blamed = min(beyond, excess(self.world, sku) - excused)
        if blamed > 0:
            self.oversold.append(f"{blamed} of {sku} beyond the {room(self.world, sku)} there are")

    def before_writes(self) -> None:
        """Note what is offered, just before a request that writes stock."""
        self._free = {sku: self.world.centra_free(sku) for sku in self.skus()}

    def write(self, sku: str, physical: int) -> None:
        """Judge a stock write that was just made."""
        self.writes += 1
        offered = physical - self.world.centra_allocated(sku)
        if offered <= self._free.get(sku, 0):
            return
        excused = sum(
            debt.units for debt in self.debts if debt.sku == sku and self._is_unknowable(debt)
        )
        there_are = max(0, room(self.world, sku))
        if offered > there_are + excused:
            self.back_on_sale.append(f"{offered} of {sku} offered of the {there_are} there are")

    def _is_unknowable(self, debt: Debt) -> bool:
        match debt.source:
            case Source.SNAPSHOT:
                snapshot = self.world.snapshots.get(self.written_snapshot or "")
                return snapshot is None or debt.visible_at >= snapshot.taken_at
            case Source.STATUSES | Source.DEMAND:
                return self.sync_began_at is None or debt.visible_at >= self.sync_began_at
            case Source.ORDERS:
                return self.orders_read_from is None or debt.visible_at >= self.orders_read_from
        return False

    def renamed(self, old: str, new: str) -> None:
        """Note that a SKU is called otherwise from now on."""
        self.debts = [replace(debt, sku=new) if debt.sku == old else debt for debt in self.debts]

    def orders_read(self, began_at: datetime) -> None:
        """Note that Centra's orders were read."""
        self.orders_read_from = began_at

    def synced(self, began_at: datetime, snapshot: Snapshot, orders_from: datetime | None) -> None:
        """Forget the debts that a whole sync could know of.

        Args:
            began_at: when the sync began.
            snapshot: the one that it used.
            orders_from: when the last reading of Centra's orders before it had begun.
        """
        listed = {row["sku"] for row in snapshot.rows}
        known_until = {
            Source.SNAPSHOT: snapshot.taken_at,
            Source.STATUSES: began_at,
            Source.ORDERS: orders_from or datetime.min.replace(tzinfo=UTC),
            Source.DEMAND: began_at,
            Source.LEVELS: began_at,
        }
        self.debts = [
            debt
            for debt in self.debts
            if debt.sku not in listed or debt.visible_at >= known_until[debt.source]
        ]
