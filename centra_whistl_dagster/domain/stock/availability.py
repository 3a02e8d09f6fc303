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

Both terms follow from one place, `LineStanding`: where the units of an order line are by Centra, by
Whistl and by us. Whatever people do in either system changes a field there, and never this sum:

    open   = wanted - completed                 what Centra still counts as allocated
    beyond = max(promised - taken, 0)           what Whistl has yet to take out of `available`
    held - left = open - beyond

Two terms are Centra's own figures, read just before the write. `demand`: units that Centra sold
without stock (pre-orders, back-orders); goods that come in are theirs first. `missing`: units that
our orders should have allocated in Centra and that it does not show: somebody shipped or cancelled
them, and no reading of the order has said so yet.

Every function takes arrays of one length: one element a SKU, or one an order line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints


def _none() -> Ints:
    """No units, of however many lines or SKUs."""
    return np.zeros((), dtype=np.int64)


def _yes() -> Bools:
    return np.ones((), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class AbsentSku:
    """What it means that a complete snapshot does not list a SKU any more."""

    zero_after: int | None = None
    """There is none of it, once so many snapshots in a row did not list it. None: its stock is
    unknown, and its quantity in Centra stays."""

    @classmethod
    def read(cls, text: str) -> AbsentSku | None:
        """Read the setting; None where the text is none of its forms."""
        if text == "unchanged":
            return cls()
        found = re.fullmatch(r"zero after ([1-9][0-9]{0,2}) complete snapshots?", text)
        return cls(int(found[1])) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How a warehouse means its words. Systems differ; the defaults are the contract's own."""

    on_hand_includes_quarantine: bool = True
    allocated_includes_shipped: bool = False
    """Some count what has left the building as allocated for ever. `available` is then trusted."""
    available_clamped: bool = False
    """Some show 0 where the sum is below zero."""
    absent_sku: AbsentSku = field(default_factory=AbsentSku)
    """Some list only what they have."""


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
    """Units that Whistl had taken out of `available` by T, gone or lost since or not, less those
    that it had given back by T. 0 when unsure."""
    despatched: Ints
    """Of the taken, units that had left the building by T."""
    is_blocked: Bools
    """An exception keeps the order from going."""
    lost: Ints = field(default_factory=_none)
    """Units that Whistl took out of `available` for the line and will not send. The customer is
    owed others for them as long as Centra wants them."""
    elsewhere: Ints = field(default_factory=_none)
    """Of the completed, units that Whistl does not send: it does not have the order."""
    unsure: Ints = field(default_factory=_none)
    """Units that Whistl may have had outside `available` at T, which its statuses do not say."""
    was_in_levels: Bools = field(default_factory=_yes)
    """The order was known before Centra's levels were read: they must show it."""


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
    unsure: Ints = field(default_factory=_none)
    """Of `in_flight`, units that Whistl may have taken by T all the same."""
    expected_sent: Ints = field(default_factory=_none)
    """Units that Centra's levels must show as allocated, or as demand, for orders at Whistl."""
    expected_unsent: Ints = field(default_factory=_none)
    """The same for orders that are to be sent."""


def units_of_line(line: LineStanding) -> OurUnits:
    """Say what one order line means for its SKU's stock. Lines of one SKU are added up."""
    still_open = line.wanted - line.completed
    promised = np.maximum(line.wanted - line.elsewhere + line.lost, line.sent)
    beyond = np.maximum(promised - line.taken, 0)
    untaken = np.minimum(still_open, beyond)
    expected = np.where(line.is_blocked | ~line.was_in_levels, 0, still_open)
    is_sent = line.sent > 0
    return OurUnits(
        held=still_open - untaken,
        left=beyond - untaken,
        reserved=np.maximum(line.taken - line.despatched - line.lost, 0),
        in_flight=np.where(line.is_blocked, 0, untaken),
        blocked=np.where(line.is_blocked, untaken, 0),
        unsure=np.minimum(line.unsure, np.where(line.is_blocked, 0, untaken)),
        expected_sent=np.where(is_sent, expected, 0),
        expected_unsent=np.where(is_sent, 0, expected),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraStock:
    """What Centra holds of a SKU. `physical - allocated` is what a shopper can buy."""

    physical: Ints
    allocated: Ints
    demand: Ints = field(default_factory=_none)
    """Units sold without stock: pre-orders and back-orders. They are not among the allocated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The number to write and every step to it, so that a person can see why it was written."""

    warehouse: WarehouseStock
    ours: OurUnits
    centra: CentraStock
    buffer_wanted: Ints
    missing: Ints
    """Units of our orders at Whistl that Centra does not count as allocated any more."""
    true_physical: Ints
    """What Centra would hold with no buffer: `available + held - left - missing`."""
    room: Ints
    """What the shop could sell with no buffer: `true_physical` less what Centra has allocated."""
    demand_used: Ints
    """The part of Centra's demand that there is room for: those units are sold already."""
    buffer_used: Ints
    """The part that there is room for: a buffer alone never makes an order oversold."""
    physical: Ints
    """What Centra's physical quantity should be. Never negative: Centra refuses that."""
    oversold: Ints
    """Units that Centra has sold and nobody has. Above zero is an exception whatever is written.
    What Whistl may have set aside without its statuses saying so is no proof of it."""
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
    expected = ours.expected_sent + ours.expected_unsent
    unseen = np.maximum(expected - centra.allocated - centra.demand, 0)
    # An order that is not at Whistl moves nothing when it is cancelled or shipped by somebody.
    missing = np.minimum(unseen, ours.expected_sent)
    true_physical = warehouse.available + ours.held - ours.left - missing
    room = true_physical - centra.allocated
    # Like a buffer, demand alone never makes an order oversold: Centra sold it without stock.
    demand_used = np.minimum(centra.demand, np.maximum(room, 0))
    buffer_used = np.minimum(buffer, np.maximum(room - demand_used, 0))
    physical = np.maximum(true_physical - demand_used - buffer_used, 0)
    change = physical - centra.physical
    # Centra may lift a quantity below its allocated up to it. Nothing is for sale either way, and
    # each sync would write it again, without end.
    is_for_sale = (physical > centra.allocated) | (centra.physical > centra.allocated)
    return Reconciled(
        warehouse=warehouse,
        ours=ours,
        centra=centra,
        buffer_wanted=buffer,
        missing=missing,
        true_physical=true_physical,
        room=room,
        demand_used=demand_used,
        buffer_used=buffer_used,
        physical=physical,
        oversold=np.maximum(-room - ours.unsure, 0),
        change=change,
        needs_write=(change != 0) & is_for_sale,
        holds_too_much=(change + ours.unsure < 0)
        & (physical <= centra.allocated)
        & (centra.physical <= centra.allocated),
    )
