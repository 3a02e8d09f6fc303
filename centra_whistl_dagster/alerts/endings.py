"""How each kind of exception ends: automatically once its cause is gone, or only by a person's act.

A fact of the kind, so that the last sentence of an alert is true of what it is about.
"""

from __future__ import annotations

from enum import StrEnum

from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind


class Ending(StrEnum):
    """What happens after the cause was corrected."""

    SENDS_AND_CLOSES = "sends_and_closes"  # the orders that waited go to Whistl
    CLOSES = "closes"  # nothing had to be sent, or it goes on being tried
    NEEDS_A_PERSON = "needs_a_person"  # the link does nothing more about it
    NOTHING_WAITS = "nothing_waits"  # advice on an order that was sent


_NEEDS_A_PERSON = frozenset(
    {
        ExceptionKind.PARTLY_SHIPPED_ALREADY,
        ExceptionKind.ORDER_NUMBER_CONFLICT,
        ExceptionKind.CANCELLED_AFTER_SENDING,
        ExceptionKind.EDITED_AFTER_SENDING,
        ExceptionKind.HELD_AFTER_SENDING,
        ExceptionKind.STOPPED_ORDER_SENT,
        ExceptionKind.REJECTED_LATE,
        ExceptionKind.CANCELLED_AT_WHISTL,
        ExceptionKind.DESPATCH_DIFFERS,
        ExceptionKind.TRACKING_CORRECTED,
    }
)
_CLOSES = frozenset(
    {
        ExceptionKind.ORDER_IN_DOUBT,
        ExceptionKind.UNLOCK_REFUSED,
        ExceptionKind.HELD_AT_WHISTL,
        ExceptionKind.SHORT_PICK,
        ExceptionKind.DESPATCH_WITHOUT_CARRIER,
        ExceptionKind.DESPATCH_UNMATCHED,
        ExceptionKind.SHIPMENT_REFUSED,
        ExceptionKind.UNKNOWN_WHISTL_STATUS,
        ExceptionKind.UNREADABLE_RECORD,
        ExceptionKind.CREDENTIALS_REFUSED,
        ExceptionKind.SYSTEM_UNREACHABLE,
        ExceptionKind.REFERENCE_STALE,
        ExceptionKind.STOCK_SNAPSHOT_REFUSED,
        ExceptionKind.OVERSOLD,
        ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT,
        ExceptionKind.STOCK_WRITE_REFUSED,
        ExceptionKind.STOCK_WRITE_NOT_TAKEN,
        ExceptionKind.NEGATIVE_AVAILABLE,
    }
)


def ending_of(kind: ExceptionKind) -> Ending:
    """Return how a kind of exception ends."""
    if kind in ADVICE:
        return Ending.NOTHING_WAITS
    if kind in _NEEDS_A_PERSON:
        return Ending.NEEDS_A_PERSON
    if kind in _CLOSES:
        return Ending.CLOSES
    # What screening finds before an order is sent: it is screened again after every change.
    return Ending.SENDS_AND_CLOSES
