"""Why Centra's stock and Whistl's differ: causes, in units, that add up to the difference exactly.

One set of causes explains every difference that people see:

    centra_free - (on_hand - held)
        = shipped_not_completed - other_channels - quarantined - in_flight - blocked
          + awaiting_stock - unknown_orders - buffer + floored + wrong
    centra_physical - on_hand
        = shipped_not_completed - other_channels - quarantined - kept_for_demand - buffer
          + floored + wrong
    centra_free - available
        = - left - in_flight - blocked + awaiting_stock - unknown_orders - buffer + floored + wrong

where `wrong = stale + clamped + unexplained`, `held` is without the units that Centra does not
count as allocated any more, and `on_hand - held` is what the building has beyond the orders it was
given. The other causes are as they should be; `wrong` is by how much Centra differs from what it
should hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints
from centra_whistl_dagster.domain.stock.availability import Reconciled


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWrite:
    """What this connection last wrote of a SKU, and what became of it."""

    is_known: Bools
    """Something was written before. Where not, the other two mean nothing."""
    physical_now: Ints
    """The quantity written, less the units completed in Centra since: what it should still hold."""
    not_taken: Ints
    """Quantity read back after the write less that written: not 0 when Centra clamped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The causes, in units. See the module for the two sums they make."""

    in_flight: Ints
    blocked: Ints
    left: Ints
    shipped_not_completed: Ints
    """Gone from the building and still allocated in Centra. Below zero where completions since the
    snapshot outnumber them: those units are still in the snapshot's `on_hand`."""
    other_channels: Ints
    quarantined: Ints
    buffer: Ints
    kept_for_demand: Ints
    """Kept from sale for units that Centra sold without stock."""
    awaiting_stock: Ints
    """Sold in Centra without stock, and nothing is there for them: of `in_flight` and `blocked`,
    the units that take nothing from what is free."""
    unknown_orders: Ints
    """Allocated in Centra for orders that this connection does not know."""
    floored: Ints
    """Units that could not be shown missing, because Centra cannot hold less than none."""
    stale: Ints
    """Centra holds what it was given, and the truth has moved since."""
    clamped: Ints
    """Centra did not take what it was given."""
    unexplained: Ints
    wrong: Ints
    """`stale + clamped + unexplained`: what Centra holds above (or below) what it should."""


def explain(
    reconciled: Reconciled, last_write: LastWrite, placed_meanwhile: Ints | int = 0
) -> Divergence:
    """Split the difference between the two systems' stock of a SKU into its causes.

    Args:
        reconciled: both systems and our orders, with every step of the sum.
        last_write: what Centra was given last.
        placed_meanwhile: units of orders that came to be known since Centra's stock was asked for;
            they may or may not be among those it had allocated by then.
    """
    warehouse, ours, centra = reconciled.warehouse, reconciled.ours, reconciled.centra
    wrong = -reconciled.change
    stale = np.where(last_write.is_known, last_write.physical_now - reconciled.physical, 0)
    clamped = np.where(last_write.is_known, last_write.not_taken, 0)
    held = ours.held - reconciled.missing
    unknown = centra.allocated + centra.demand - held - ours.in_flight - ours.blocked
    not_in_it = np.minimum(np.maximum(-unknown, 0), placed_meanwhile)
    return Divergence(
        in_flight=ours.in_flight - not_in_it,
        blocked=ours.blocked,
        left=ours.left,
        shipped_not_completed=held - ours.left - ours.reserved,
        other_channels=warehouse.allocated - ours.reserved,
        quarantined=warehouse.quarantined,
        buffer=reconciled.buffer_used,
        kept_for_demand=reconciled.demand_used,
        awaiting_stock=centra.demand - reconciled.demand_used,
        unknown_orders=unknown + not_in_it,
        floored=reconciled.physical
        - (reconciled.true_physical - reconciled.demand_used - reconciled.buffer_used),
        stale=stale,
        clamped=clamped,
        unexplained=wrong - stale - clamped,
        wrong=wrong,
    )
