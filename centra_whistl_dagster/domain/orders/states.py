"""The states of an order between Centra and Whistl, and which may follow which.

Every confirmed order is in exactly one of them, so the counts add up to Centra's own.
"""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """How far an order has come, seen from this connection."""

    WAITING = "waiting"  # Centra does not let it go yet: on hold, unpaid, locked by somebody
    RECEIVED = "received"  # read from Centra, not screened yet
    BLOCKED = "blocked"  # an exception keeps it back, and says why and who fixes it
    READY = "ready"  # screened, to be sent
    SENDING = "sending"  # an intent is written; the call may be under way
    IN_DOUBT = "in_doubt"  # sent, and the answer was lost: looked up before anything else happens
    SUBMITTED = "submitted"  # Whistl has it
    PART_DESPATCHED = "part_despatched"  # some of it has left the warehouse
    DESPATCHED = "despatched"  # all of it has left; Centra does not know all of it yet
    COMPLETED = "completed"  # nothing more will be sent to Centra about its parcels
    CANCELLED = "cancelled"  # cancelled before it was sent, or taken back by Whistl


UNSENT = frozenset({OrderState.WAITING, OrderState.RECEIVED, OrderState.BLOCKED, OrderState.READY})
"""States in which nothing of the order is under way at Whistl.

Whistl may have seen it all the same: it refused the order, or it had the order and ended it, which
is then blocked with `submitted_at` set."""

AT_WHISTL = frozenset(
    {
        OrderState.SUBMITTED,
        OrderState.PART_DESPATCHED,
        OrderState.DESPATCHED,
        OrderState.COMPLETED,
    }
)
"""States in which Whistl has the order, or has despatched it."""

FINAL = frozenset({OrderState.COMPLETED, OrderState.CANCELLED})
"""States in which nothing more is expected of the order."""

_S = OrderState
_FOLLOWS: dict[OrderState, frozenset[OrderState]] = {
    _S.WAITING: frozenset({_S.RECEIVED, _S.BLOCKED, _S.SUBMITTED, _S.CANCELLED, _S.COMPLETED}),
    _S.RECEIVED: frozenset(
        {_S.WAITING, _S.BLOCKED, _S.READY, _S.SUBMITTED, _S.CANCELLED, _S.COMPLETED}
    ),
    _S.BLOCKED: frozenset(
        {
            *(_S.RECEIVED, _S.WAITING, _S.READY, _S.CANCELLED, _S.COMPLETED),
            *(_S.SUBMITTED, _S.PART_DESPATCHED, _S.DESPATCHED),
        }
    ),
    _S.READY: frozenset(
        {
            *(_S.RECEIVED, _S.WAITING, _S.BLOCKED, _S.SENDING, _S.SUBMITTED),
            *(_S.CANCELLED, _S.COMPLETED),
        }
    ),
    _S.SENDING: frozenset({_S.SUBMITTED, _S.IN_DOUBT, _S.READY, _S.BLOCKED, _S.RECEIVED}),
    _S.IN_DOUBT: frozenset({_S.SUBMITTED, _S.READY, _S.BLOCKED}),
    _S.SUBMITTED: frozenset(
        {
            *(_S.PART_DESPATCHED, _S.DESPATCHED, _S.COMPLETED, _S.CANCELLED, _S.BLOCKED),
            *(_S.WAITING, _S.RECEIVED),
        }
    ),
    _S.PART_DESPATCHED: frozenset({_S.DESPATCHED, _S.COMPLETED, _S.BLOCKED}),
    _S.DESPATCHED: frozenset({_S.COMPLETED, _S.BLOCKED}),
    _S.COMPLETED: frozenset(),
    _S.CANCELLED: frozenset(
        {
            *(_S.RECEIVED, _S.WAITING, _S.BLOCKED),
            *(_S.SUBMITTED, _S.PART_DESPATCHED, _S.DESPATCHED),
        }
    ),
}
"""After a gap in the ledger, an order in any state before sending may prove to be SUBMITTED.

An order can be COMPLETED without Whistl: somebody shipped it in Centra by hand.

CANCELLED can be left again: Centra can resume an order, Whistl can ship one regardless. An order
that Whistl has stopped on our request goes back from SUBMITTED, to be sent under another number."""


def may_follow(current: OrderState, proposed: OrderState) -> bool:
    """Say whether an order in `current` may move to `proposed`. Staying put always may."""
    return proposed is current or proposed in _FOLLOWS[current]
