"""The states of an order between Centra and Whistl, and which may follow which.

Every confirmed order is in exactly one of them, so the counts add up to Centra's own.
"""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands, seen from this connection."""

    WAITING = "waiting"  # Centra does not let it go yet: on hold, unpaid, locked by somebody
    RECEIVED = "received"  # read from Centra, not screened yet
    BLOCKED = "blocked"  # something keeps it back; an exception says what and who mends it
    READY = "ready"  # screened, to be sent
    SENDING = "sending"  # an intent is written; the call may be under way
    IN_DOUBT = "in_doubt"  # sent, and the answer was lost: looked up before anything else happens
    SUBMITTED = "submitted"  # Whistl has it
    PART_DESPATCHED = "part_despatched"  # some of it has left the warehouse
    DESPATCHED = "despatched"  # all of it has left; Centra does not know all of it yet
    COMPLETED = "completed"  # Centra's shipments are complete, with carrier and tracking
    CANCELLED = "cancelled"  # cancelled before it was sent, or taken back by Whistl


UNSENT = frozenset({OrderState.WAITING, OrderState.RECEIVED, OrderState.BLOCKED, OrderState.READY})
"""Whistl has certainly never been told of these."""

AT_WHISTL = frozenset(
    {
        OrderState.SUBMITTED,
        OrderState.PART_DESPATCHED,
        OrderState.DESPATCHED,
        OrderState.COMPLETED,
    }
)

FINAL = frozenset({OrderState.COMPLETED, OrderState.CANCELLED})

S = OrderState
_FOLLOWS: dict[OrderState, frozenset[OrderState]] = {
    S.WAITING: frozenset({S.RECEIVED, S.BLOCKED, S.CANCELLED}),
    S.RECEIVED: frozenset({S.WAITING, S.BLOCKED, S.READY, S.CANCELLED}),
    S.BLOCKED: frozenset(
        {S.RECEIVED, S.WAITING, S.READY, S.CANCELLED, S.PART_DESPATCHED, S.DESPATCHED}
    ),
    S.READY: frozenset({S.RECEIVED, S.WAITING, S.BLOCKED, S.SENDING, S.CANCELLED}),
    S.SENDING: frozenset({S.SUBMITTED, S.IN_DOUBT, S.READY, S.BLOCKED, S.RECEIVED}),
    S.IN_DOUBT: frozenset({S.SUBMITTED, S.READY, S.BLOCKED}),
    S.SUBMITTED: frozenset({S.PART_DESPATCHED, S.DESPATCHED, S.COMPLETED, S.CANCELLED, S.BLOCKED}),
    S.PART_DESPATCHED: frozenset({S.DESPATCHED, S.COMPLETED}),
    S.DESPATCHED: frozenset({S.COMPLETED}),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset({S.RECEIVED, S.WAITING, S.BLOCKED, S.PART_DESPATCHED, S.DESPATCHED}),
}
"""CANCELLED is not quite the end: Centra can resume an order, Whistl can ship one regardless."""


def may_follow(current: OrderState, proposed: OrderState) -> bool:
    """Say whether an order in `current` may move to `proposed`. Staying put always may."""
    return proposed is current or proposed in _FOLLOWS[current]
