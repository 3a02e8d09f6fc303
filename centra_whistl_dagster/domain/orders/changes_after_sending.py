"""What happens when an order changes in Centra after Whistl was sent it: one table, no empty cell.

`MATRIX` says it for each change and each standing at Whistl; the handbook prints it.

Does not belong here: several changes at once and the brand's policy (`after_sending_decision`), and
what counts as a change (`order_comparison`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind


class Change(StrEnum):
    """What can change in Centra once Whistl was sent an order."""

    CANCELLED = "order cancelled"
    HOLD = "put on hold"
    UNPAID = "payment missing"
    OTHER_WAREHOUSE = "moved to another warehouse"
    FEWER_UNITS = "fewer units"
    MORE_UNITS = "more units"
    ADDRESS = "delivery address"
    CONTACT = "phone or e-mail"
    SHIPPING_OPTION = "shipping option"
    AMOUNTS = "prices or currency"
    EARLIER_VERSION = "Whistl holds an earlier version"


class Standing(StrEnum):
    """Where an order stands at Whistl, as far as is known."""

    IN_DOUBT = "in doubt"
    RECEIVED = "received"
    HELD = "held"
    BACKORDERED = "backordered"
    ALLOCATED = "allocated"
    PICKING = "picking"
    PACKED = "packed"
    PART_DESPATCHED = "part despatched"
    DESPATCHED = "despatched"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Reaction(StrEnum):
    """What this connection does about one change."""

    STOP = "ask Whistl to stop it"
    PAUSE = "ask Whistl to stop it; send it under a new number once released"
    REPLACE = "ask Whistl to stop it; send it again under a new number"
    NOTIFY = "notify the owner"
    WAIT = "wait"
    NOTHING = "nothing"


class StopReason(StrEnum):
    """Why Whistl is to stop an order, the most serious first."""

    CANCELLED = "cancelled"
    SENT_ALREADY = "sent_already"  # Whistl goes on with an earlier number of the order
    PAUSED = "paused"  # on hold, unpaid or moved to another warehouse
    EDITED = "edited"
    BY_HAND = "by_hand"  # a person wants it sent again


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    reaction: Reaction
    meaning: str
    """What follows, what can still be done and until when, or why nothing is done."""


_WAIT = Cell(Reaction.WAIT, "First it is found out whether Whistl has the order.")
_ENDED = Cell(Reaction.NOTHING, "Whistl has ended the order: nothing of it leaves.")

_STOP = Cell(Reaction.STOP, "The order ends as cancelled as soon as Whistl confirms.")
_STOP_PICKING = Cell(Reaction.STOP, "Whistl confirms later whether picking could be stopped.")
_STOP_LATE = Cell(
    Reaction.STOP,
    "Whistl usually refuses once it is packed. Until the carrier collects it, call Whistl to take "
    "the parcel out. After that, agree a return with the customer.",
)
_STOP_REST = Cell(
    Reaction.STOP,
    "A part has left. Whistl is asked to stop the rest; until that leaves, call Whistl. Agree a "
    "return of what has left with the customer.",
)
_LEFT = Cell(Reaction.NOTIFY, "It has left. Agree a return with the customer.")

_PAUSE = Cell(
    Reaction.PAUSE,
    "Until it is packed, Whistl can stop it. It is sent again under a new number once Centra "
    "releases it.",
)
_PAUSE_LATE = Cell(
    Reaction.PAUSE,
    "Whistl usually refuses once it is packed. Until the carrier collects it, call Whistl to keep "
    "the parcel back.",
)
_PAUSE_REST = Cell(
    Reaction.STOP,
    "A part has left. Whistl is asked to stop the rest; until that leaves, call Whistl. Send what "
    "is still owed as a new order.",
)
_LEFT_UNRELEASED = Cell(
    Reaction.NOTIFY, "It has left. Find out why it was stopped, and ask for payment or a return."
)
_LEFT_TWICE = Cell(
    Reaction.NOTIFY, "It has left. Make sure that the other warehouse does not send it too."
)

_REPLACE = Cell(
    Reaction.REPLACE,
    "Until it is packed, Whistl can stop it: `centra-whistl orders replace` does that and sends it "
    "as it is now under a new number. Or undo the change in Centra.",
)
_REPLACE_LATE = Cell(
    Reaction.REPLACE,
    "Whistl usually refuses once it is packed. Until the carrier collects it, call Whistl to take "
    "the parcel out, or undo the change in Centra.",
)
_REPLACE_ENDED = Cell(
    Reaction.REPLACE,
    "Whistl has ended the order. `centra-whistl orders replace` sends it as it is now under a new "
    "number. Or cancel it in Centra.",
)
_PART_HAS_OLD = Cell(
    Reaction.NOTIFY,
    "A part has left as it was sent. Until the rest leaves, call Whistl to change it.",
)
_ADDRESS_LEFT = Cell(
    Reaction.NOTIFY, "It has left for the old address. Ask the carrier to redirect the parcel."
)
_FEWER_LEFT = Cell(Reaction.NOTIFY, "All units have left. Agree a return of those cancelled.")
_MORE_LEFT = Cell(
    Reaction.NOTIFY, "It has left without the added units. Enter them as a new order."
)
_OPTION_LEFT = Cell(
    Reaction.NOTIFY, "It has left with the old service. Refund the difference, if there is one."
)
_CONTACT_LEFT = Cell(
    Reaction.NOTHING,
    "It has left, and the carrier keeps the old phone and e-mail. No goods at risk.",
)
_AMOUNTS_OPEN = Cell(
    Reaction.NOTIFY,
    "The goods stay the same. For a parcel abroad the customs value is the old one: until it is "
    "packed, `centra-whistl orders replace` sends it with the new one.",
)
_AMOUNTS_LEFT = Cell(Reaction.NOTHING, "The goods are the same, and the customs papers have left.")
_EARLIER_OPEN = Cell(
    Reaction.NOTIFY,
    "Whistl packs an earlier version of the order. Until it is packed, `centra-whistl orders "
    "replace` stops it and sends it as it is now.",
)
_EARLIER_LEFT = Cell(
    Reaction.NOTIFY,
    "An earlier version of the order has left. Compare it with the order in Centra.",
)


def _row(
    *,
    before_picking: Cell,
    picking: Cell,
    packed: Cell,
    part_despatched: Cell,
    despatched: Cell,
    ended: Cell = _ENDED,
) -> Mapping[Standing, Cell]:
    """Return the cells of one change; an unknown status may still be stopped, like picking."""
    return MappingProxyType(
        {
            Standing.IN_DOUBT: _WAIT,
            Standing.RECEIVED: before_picking,
            Standing.HELD: before_picking,
            Standing.BACKORDERED: before_picking,
            Standing.ALLOCATED: before_picking,
            Standing.PICKING: picking,
            Standing.PACKED: packed,
            Standing.PART_DESPATCHED: part_despatched,
            Standing.DESPATCHED: despatched,
            Standing.CANCELLED: ended,
            Standing.REJECTED: ended,
            Standing.UNKNOWN: picking,
        }
    )


def _pause(left: Cell) -> Mapping[Standing, Cell]:
    return _row(
        before_picking=_PAUSE,
        picking=_PAUSE,
        packed=_PAUSE_LATE,
        part_despatched=_PAUSE_REST,
        despatched=left,
    )


def _edit(left: Cell) -> Mapping[Standing, Cell]:
    return _row(
        before_picking=_REPLACE,
        picking=_REPLACE,
        packed=_REPLACE_LATE,
        part_despatched=_PART_HAS_OLD,
        despatched=left,
        ended=_REPLACE_ENDED,
    )


MATRIX: Mapping[Change, Mapping[Standing, Cell]] = MappingProxyType(
    {
        Change.CANCELLED: _row(
            before_picking=_STOP,
            picking=_STOP_PICKING,
            packed=_STOP_LATE,
            part_despatched=_STOP_REST,
            despatched=_LEFT,
        ),
        Change.HOLD: _pause(_LEFT_UNRELEASED),
        Change.UNPAID: _pause(_LEFT_UNRELEASED),
        Change.OTHER_WAREHOUSE: _pause(_LEFT_TWICE),
        Change.FEWER_UNITS: _edit(_FEWER_LEFT),
        Change.MORE_UNITS: _edit(_MORE_LEFT),
        Change.ADDRESS: _edit(_ADDRESS_LEFT),
        Change.CONTACT: _edit(_CONTACT_LEFT),
        Change.SHIPPING_OPTION: _edit(_OPTION_LEFT),
        Change.AMOUNTS: _row(
            before_picking=_AMOUNTS_OPEN,
            picking=_AMOUNTS_OPEN,
            packed=_AMOUNTS_LEFT,
            part_despatched=_AMOUNTS_LEFT,
            despatched=_AMOUNTS_LEFT,
        ),
        Change.EARLIER_VERSION: _row(
            before_picking=_EARLIER_OPEN,
            picking=_EARLIER_OPEN,
            packed=_EARLIER_OPEN,
            part_despatched=_EARLIER_LEFT,
            despatched=_EARLIER_LEFT,
        ),
    }
)
"""What is done about each change at each standing. The policy may turn PAUSE and REPLACE into
NOTIFY, and a number that would exceed Whistl's limit turns REPLACE into NOTIFY."""

KINDS: Mapping[ExceptionKind, frozenset[Change]] = MappingProxyType(
    {
        ExceptionKind.CANCELLED_AFTER_SENDING: frozenset({Change.CANCELLED}),
        ExceptionKind.HELD_AFTER_SENDING: frozenset(
            {Change.HOLD, Change.UNPAID, Change.OTHER_WAREHOUSE}
        ),
        ExceptionKind.EDITED_AFTER_SENDING: frozenset(
            {
                Change.FEWER_UNITS,
                Change.MORE_UNITS,
                Change.ADDRESS,
                Change.CONTACT,
                Change.SHIPPING_OPTION,
                Change.AMOUNTS,
                Change.EARLIER_VERSION,
            }
        ),
    }
)
"""Which changes each kind of exception is about."""
