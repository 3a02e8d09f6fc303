"""What Centra's stock must hold, so that nobody can buy what does not exist.

Belongs here: how Whistl's columns are read, what one order line means for the stock of its SKU, and
the sum that gives the number to write, every step of it kept. Does not belong here: whether a
snapshot may be believed (`guards`), how large a buffer is (`buffer`), why the two systems differ
(`divergence`), or how a million rows are brought together (`history.alignment`).

The rule. The shop may sell `available - unsent - buffer`: what Whistl has free, less what is sold
and Whistl does not know yet. Centra subtracts every order of its own by itself, so it must hold

    physical = available + held - left - buffer

`held`: units of open orders that Whistl had already taken out of `available` when the snapshot was
taken; Centra still counts them as allocated. `left`: units that are gone, or going, although the
snapshot still counts them: completed in Centra since, or cancelled in Centra while Whistl may yet
pick them. No term changes when a shopper orders, so an order between read and write cannot hurt.
Completing a shipment does change one: stock is never written while shipments are being completed.

Every function takes one number or a column of them (`columns`).
"""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.stock.columns import (
    Column,
    choose,
    larger,
    positive_part,
    smaller,
)


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

    on_hand: Column
    """Physically in the building, quarantined units included."""
    allocated: Column
    """Reserved for anybody's orders and still in the building."""
    quarantined: Column
    available: Column


def in_contract_terms(reported: WarehouseStock, convention: Convention) -> WarehouseStock:
    """Convert the reported columns into the contract's meaning."""
    outside = 0 if convention.on_hand_includes_quarantine else reported.quarantined
    on_hand = reported.on_hand + outside
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


def adds_up(reported: WarehouseStock, convention: Convention) -> Column:
    """Say whether a row's own numbers agree, which a row damaged on its way seldom does.

    Where allocated counts what was shipped, nothing can be checked but that the building holds
    what is said to be available in it.
    """
    computed = in_contract_terms(reported, convention)
    if convention.allocated_includes_shipped:
        return computed.allocated >= 0
    agrees = reported.available == computed.available
    if convention.available_clamped:
        agrees = agrees | (reported.available == positive_part(computed.available))
    return agrees


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStanding:
    """Where the units of one order line are, seen from a snapshot taken at T and a write now."""

    wanted: Column
    """Units still wanted in Centra now: ordered less cancelled. Zero for a cancelled order."""
    completed: Column
    """Of the wanted, units in shipments that Centra holds as shipped now. A completion whose answer
    was lost counts as completed: too low for a minute is mended, too high is sold."""
    sent: Column
    """Units that Whistl was told of and has not given back, now. An order in doubt counts."""
    taken: Column
    """Units that Whistl had taken out of `available` by T, gone since or not. 0 when unsure."""
    despatched: Column
    """Of the taken, units that had left the building by T."""
    is_blocked: Column
    """An exception keeps the order from going."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OurUnits:
    """What our orders mean for the stock of one SKU: the sum of its lines."""

    held: Column
    """Open in Centra, and already outside the snapshot's `available`."""
    left: Column
    """Inside the snapshot's `available`, yet gone or going and no longer allocated in Centra."""
    reserved: Column
    """In the building at T, allocated for us. The rest of `allocated` is other channels'."""
    in_flight: Column
    """Open in Centra, not taken by Whistl at T, and on its way there."""
    blocked: Column
    """Open in Centra, not taken by Whistl at T, and waiting for a person."""


def units_of_line(line: LineStanding) -> OurUnits:
    """Say what one order line means for its SKU's stock. Lines of one SKU are added up."""
    taken_of_wanted = smaller(line.taken, line.wanted)
    unsent = line.wanted - larger(line.completed, taken_of_wanted)
    may_still_be_picked = line.sent - larger(line.wanted, line.taken)
    return OurUnits(
        held=positive_part(taken_of_wanted - line.completed),
        left=positive_part(line.completed - taken_of_wanted) + positive_part(may_still_be_picked),
        reserved=line.taken - line.despatched,
        in_flight=choose(line.is_blocked, 0, unsent),
        blocked=choose(line.is_blocked, unsent, 0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraStock:
    """What Centra holds of a SKU. `physical - allocated` is what a shopper can buy."""

    physical: Column
    allocated: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The number to write and every step to it, so that a person can see why it was written."""

    warehouse: WarehouseStock
    ours: OurUnits
    centra: CentraStock
    buffer_wanted: Column
    true_physical: Column
    """What Centra would hold with no buffer: `available + held - left`."""
    room: Column
    """What the shop could sell with no buffer: `true_physical` less what Centra has allocated."""
    buffer_used: Column
    """The part that there is room for: a buffer alone never makes an order oversold."""
    physical: Column
    """What Centra's physical quantity should be. Never negative: Centra refuses that."""
    oversold: Column
    """Units that Centra has sold and nobody has. Above zero is an exception whatever is written."""
    change: Column
    """`physical` less what Centra holds."""
    needs_write: Column
    holds_too_much: Column
    """Nothing is for sale, and Centra holds more than exists: a cancellation would put that on
    sale. Worth one write; where Centra lifts it again, a second one would do no better."""


def reconcile(
    warehouse: WarehouseStock, ours: OurUnits, centra: CentraStock, buffer: Column
) -> Reconciled:
    """Work out what Centra should hold of SKUs that both systems know.

    A SKU that the snapshot does not name has no row here: absent is not zero, and it stays.
    """
    true_physical = warehouse.available + ours.held - ours.left
    room = true_physical - centra.allocated
    buffer_used = smaller(buffer, positive_part(room))
    physical = positive_part(true_physical - buffer_used)
    change = physical - centra.physical
    # Centra may lift a quantity below its allocated up to it. Nothing is for sale either way, and
    # writing it again each pass would never end.
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
        oversold=positive_part(-room),
        change=change,
        needs_write=(change != 0) & is_for_sale,
        holds_too_much=(change < 0)
        & (physical <= centra.allocated)
        & (centra.physical <= centra.allocated),
    )
