"""What Centra's stock must hold, so that nobody can buy what does not exist.

How Whistl's columns are read, what one order line means for the stock of its SKU, and the sum that
gives the number to write, every step of it kept. Does not belong here: whether a snapshot may be
believed (`guards`), how large a buffer is (`buffer`), why the two systems differ (`divergence`), or
how a million rows are brought together (`history.alignment`).

The rule. The shop may sell `available - unsent - buffer`: what Whistl has free, less what is sold
and Whistl does not know yet. Centra subtracts every order of its own by itself, so it must hold

    physical = available + held - left - buffer

`held`: units of open orders that Whistl had already taken out of `available` when the snapshot was
taken; Centra still counts them as allocated. `left`: units that are gone, or going, although the
snapshot still counts them: completed in Centra since, or cancelled in Centra while Whistl may yet
pick them. No term changes when a shopper orders, so an order between read and write cannot hurt.
Completing a shipment does change one: stock is never written while shipments are being completed.

Every function takes arrays of one length: one element a SKU, or one an order line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How a warehouse means its words. Systems differ; the defaults are the contract's own."""

    on_hand_includes_quarantine: bool = True
    allocated_includes_shipped: bool = False
    """Some count what has left the building as allocated for ever. `available` is then trusted."""
    available_clamped: bool = False
    """Some show 0 where the sum is below zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseStock:
    """Whistl's numbers, in the contract's meaning whatever convention they came in.

    `available = on_hand - allocated - quarantined`, always, and it may be negative.
    """

    on_hand: Ints
    """Physically in the building, quarantined units included."""
    allocated: Ints
    """Reserved for anybody's orders and still in the building."""
    quarantined: Ints
    available: Ints


def in_contract_terms(reported: WarehouseStock, convention: Convention) -> WarehouseStock:
    """Convert the reported columns into the contract's meaning."""
    on_hand = reported.on_hand
    if not convention.on_hand_includes_quarantine:
        on_hand = on_hand + reported.quarantined
    sellable = on_hand - reported.quarantined
    if convention.allocated_includes_shipped:
        available, allocated = reported.available, sellable - reported.available
    else:
        available, allocated = sellable - reported.allocated, reported.allocated
    return WarehouseStock(
        on_hand=on_hand,
        allocated=allocated,
        quarantined=reported.quarantined,
        available=available,
    )


def adds_up(reported: WarehouseStock, convention: Convention) -> Bools:
    """Say whether a row's own numbers agree, which a row damaged on its way seldom does.

    Where allocated counts what was shipped, nothing can be checked but that the building holds
    what is said to be available in it.
    """
    computed = in_contract_terms(reported, convention)
    if convention.allocated_includes_shipped:
        return computed.allocated >= 0
    agrees: Bools = reported.available == computed.available
    if convention.available_clamped:
        agrees = agrees | (reported.available == np.maximum(computed.available, 0))
    return agrees


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStanding:
    """Where the units of one order line are, seen from a snapshot taken at T and a write now."""

    wanted: Ints
    """Units still wanted in Centra now: ordered less cancelled. Zero for a cancelled order."""
    completed: Ints
    """Of the wanted, units in shipments that Centra holds as shipped now. A completion whose answer
    was lost counts as completed: stock shown too low is put right in a minute, shown too high it is
    sold."""
    sent: Ints
    """Units sent to Whistl and not given back by it, now. An order in doubt counts as sent."""
    taken: Ints
    """Units that Whistl had taken out of `available` by T, gone since or not. 0 when unsure."""
    despatched: Ints
    """Of the taken, units that had left the building by T."""
    is_blocked: Bools
    """An exception keeps the order from going."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OurUnits:
    """What our orders mean for the stock of one SKU: the sum of its lines."""

    held: Ints
    """Open in Centra, and already outside the snapshot's `available`."""
    left: Ints
    """Inside the snapshot's `available`, yet gone or going and no longer allocated in Centra."""
    reserved: Ints
    """In the building at T, allocated for us. The rest of `allocated` is other channels'."""
    in_flight: Ints
    """Open in Centra, not taken by Whistl at T, and on its way there."""
    blocked: Ints
    """Open in Centra, not taken by Whistl at T, and waiting for a person."""


def units_of_line(line: LineStanding) -> OurUnits:
    """Say what one order line means for its SKU's stock. Lines of one SKU are added up."""
    taken_of_wanted = np.minimum(line.taken, line.wanted)
    unsent = line.wanted - np.maximum(line.completed, taken_of_wanted)
    may_still_be_picked = line.sent - np.maximum(line.wanted, line.taken)
    return OurUnits(
        held=np.maximum(taken_of_wanted - line.completed, 0),
        left=np.maximum(line.completed - taken_of_wanted, 0) + np.maximum(may_still_be_picked, 0),
        reserved=line.taken - line.despatched,
        in_flight=np.where(line.is_blocked, 0, unsent),
        blocked=np.where(line.is_blocked, unsent, 0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraStock:
    """What Centra holds of a SKU. `physical - allocated` is what a shopper can buy."""

    physical: Ints
    allocated: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The number to write and every step to it, so that a person can see why it was written."""

    warehouse: WarehouseStock
    ours: OurUnits
    centra: CentraStock
    buffer_wanted: Ints
    true_physical: Ints
    """What Centra would hold with no buffer: `available + held - left`."""
    room: Ints
    """What the shop could sell with no buffer: `true_physical` less what Centra has allocated."""
    buffer_used: Ints
    """The part that there is room for: a buffer alone never makes an order oversold."""
    physical: Ints
    """What Centra's physical quantity should be. Never negative: Centra refuses that."""
    oversold: Ints
    """Units that Centra has sold and nobody has. Above zero is an exception whatever is written."""
    change: Ints
    """`physical` less what Centra holds."""
    needs_write: Bools
    holds_too_much: Bools
    """Nothing is for sale, and Centra holds more than exists: a cancellation would put that on
    sale. Worth one write; where Centra lifts it again, a second one would do no better."""


def reconcile(
    warehouse: WarehouseStock, ours: OurUnits, centra: CentraStock, buffer: Ints
) -> Reconciled:
    """Work out what Centra should hold of SKUs that both systems know.

    A SKU that the snapshot does not name has no row here: absent is not zero, and it stays.
    """
    true_physical = warehouse.available + ours.held - ours.left
    room = true_physical - centra.allocated
    buffer_used = np.minimum(buffer, np.maximum(room, 0))
    physical = np.maximum(true_physical - buffer_used, 0)
    change = physical - centra.physical
    # Centra may lift a quantity below its allocated up to it. Nothing is for sale either way, and
    # each sync would write it again, without end.
    is_for_sale = (physical > centra.allocated) | (centra.physical > centra.allocated)
    return Reconciled(
        warehouse=warehouse,
        ours=ours,
        centra=centra,
        buffer_wanted=buffer,
        true_physical=true_physical,
        room=room,
        buffer_used=buffer_used,
        physical=physical,
        oversold=np.maximum(-room, 0),
        change=change,
        needs_write=(change != 0) & is_for_sale,
        holds_too_much=(change < 0)
        & (physical <= centra.allocated)
        & (centra.physical <= centra.allocated),
    )
