"""How far a snapshot of Whistl's stock has moved from what was known before it.

Movement that our own orders or announced goods-in explain is taken out first: a busy hour or a
delivery must not look like a faulty feed. What is left is counted in several ways, because each
kind of fault shows in another one.

Does not belong here: how much movement is too much (`feed_limits`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints


class Measure(StrEnum):
    """What is counted of a snapshot, and of how many."""

    ZEROED = "zeroed"  # SKUs that had stock and have none, of those that had
    PLUNGED = "plunged"  # SKUs that lost half their units or more, and at least five, likewise
    FALLEN_SKUS = "fallen_skus"  # SKUs with fewer units, beyond as many as our own orders moved
    RISEN_SKUS = "risen_skus"  # SKUs with more units, of all SKUs compared
    LEAPT = "leapt"  # SKUs with at least five units more, likewise
    FALLEN_UNITS = "fallen_units"  # units gone, of the units there were
    RISEN_UNITS = "risen_units"  # units more, of the units there were
    ALLOCATED_UNITS = "allocated_units"  # units allocated since, of those allocated before
    UNDONE = "undone"  # SKUs that have units back which went to our own orders lately
    UNMOVED = "unmoved"  # SKUs that our own orders moved since, and the snapshot did not
    UNALLOCATED = "unallocated"  # SKUs with fewer units allocated than our own orders hold
    NEW_SKUS = "new_skus"  # SKUs with stock that were never named, of the SKUs compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many, and of how many."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        """The share that it is; 0 where there is nothing to compare."""
        return self.hits / self.of if self.of else 0.0


Counts = Mapping[Measure, Count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """How far one snapshot had moved from the last good one before it."""

    taken_at: datetime
    gap_seconds: float
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A snapshot beside what was known before it: one element a SKU in every array.

    Figures are 0 where the side lacks the SKU.
    """

    in_now: Bools
    in_before: Bools
    """The last good snapshot names it."""
    in_shop: Bools
    """Centra has it."""
    available_now: Ints
    available_before: Ints
    on_hand_now: Ints
    on_hand_before: Ints
    on_order_now: Ints
    """-1 where Whistl does not say."""
    on_order_before: Ints
    allocated_now: Ints
    allocated_before: Ints
    shop_free: Ints
    """What the shop has for sale. Stands in for the last good snapshot where that lacks the SKU."""
    taken: Ints
    """Units that Whistl took out of `available` for our orders since the last good snapshot."""
    taken_lately: Ints
    """The same, since two days before the last good snapshot."""
    left: Ints
    """Units in our parcels that left the building since the last good snapshot."""
    reserved: Ints
    """Units that Whistl allocated to our orders and has in the building, to our certain
    knowledge."""


_MANY_UNITS = 5


def below_ours(compared: Compared) -> Bools:
    """Say which rows have fewer units allocated than our own orders hold in the building."""
    rows: Bools = compared.in_now & (compared.allocated_now < compared.reserved)
    return rows


def measure(compared: Compared) -> dict[Measure, Count]:
    """Count every measure of a snapshot.

    Where a SKU is not in the last good snapshot, it is compared with what Centra has for sale: the
    first snapshot of all, and what a shortened one left out, are then not beyond doubt. A shop's
    figure lacks the buffer and the orders on their way, so that small rises mean nothing there.
    """
    both = compared.in_now & compared.in_before
    by_shop = compared.in_now & ~compared.in_before & compared.in_shop & (compared.shop_free > 0)
    is_compared = both | by_shop
    before = np.maximum(np.where(both, compared.available_before, compared.shop_free), 0)
    before = np.where(is_compared, before, 0)
    taken = np.where(both, compared.taken, 0)
    now = np.where(is_compared, np.maximum(compared.available_now + taken, 0), 0)
    announced = _announced(compared) & both
    goods_in = np.where(announced, compared.on_order_before - compared.on_order_now, 0)
    rise = np.maximum(now - before - goods_in, 0)
    fall = np.maximum(before - now, 0)
    was_in_stock = before > 0
    in_stock, units = int(np.count_nonzero(was_in_stock)), int(before.sum())
    count, some = int(np.count_nonzero(is_compared)), int(np.count_nonzero(both))
    plunged = (fall >= _MANY_UNITS) & (2 * fall >= before)
    new = compared.in_now & ~compared.in_before & ~by_shop & (compared.available_now > 0)
    return {
        Measure.ZEROED: _count(was_in_stock & (now == 0), in_stock),
        Measure.PLUNGED: _count(plunged, in_stock),
        # Where our own orders are many, so are those of other channels.
        Measure.FALLEN_SKUS: Count(
            hits=max(0, int(np.count_nonzero((fall > 0) & both) - np.count_nonzero(taken > 0))),
            of=int(np.count_nonzero(was_in_stock & both)),
        ),
        Measure.RISEN_SKUS: _count((rise > 0) & both, some),
        Measure.LEAPT: _count((rise >= _MANY_UNITS) & both, some),
        Measure.FALLEN_UNITS: Count(hits=int(fall.sum()), of=units),
        Measure.RISEN_UNITS: Count(hits=int(rise.sum()), of=units),
        **_against_our_orders(compared, both, rise),
        # Of the first snapshot of all, what Centra lacks is never written.
        Measure.NEW_SKUS: _count(new & both.any(), count),
    }


def _against_our_orders(compared: Compared, both: Bools, rise: Ints) -> dict[Measure, Count]:
    """Compare with what our own orders are known to have done."""
    went = both & (compared.taken_lately > 0)
    undone = went & (rise > 0) & (rise <= compared.taken_lately)
    # A SKU that both ordered and cancelled units moved may stay as it was.
    taken, left = both & (compared.taken > 0), both & (compared.left > 0)
    has_not_moved = taken & (compared.available_now >= compared.available_before)
    has_not_left = left & (compared.on_hand_now >= compared.on_hand_before)
    ours = compared.in_now & (compared.reserved > 0)
    expected = compared.allocated_before + compared.taken - compared.left
    more = np.where(both, np.maximum(compared.allocated_now - np.maximum(expected, 0), 0), 0)
    return {
        Measure.ALLOCATED_UNITS: Count(
            hits=int(more.sum()), of=int(np.where(both, compared.allocated_before, 0).sum())
        ),
        Measure.UNDONE: _count(undone, int(np.count_nonzero(went))),
        Measure.UNMOVED: Count(
            hits=int(np.count_nonzero(has_not_moved) + np.count_nonzero(has_not_left)),
            of=int(np.count_nonzero(taken) + np.count_nonzero(left)),
        ),
        Measure.UNALLOCATED: _count(below_ours(compared), int(np.count_nonzero(ours))),
    }


def _announced(compared: Compared) -> Bools:
    """Say where goods-in is known: Whistl says what is on order, and less of it is."""
    says = (compared.on_order_before >= 0) & (compared.on_order_now >= 0)
    announced: Bools = says & (compared.on_order_before > compared.on_order_now)
    return announced


def _count(where: Bools, of: int) -> Count:
    return Count(hits=int(np.count_nonzero(where)), of=of)
