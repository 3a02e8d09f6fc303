"""What checking an exception again means, for the kinds where a person may ask for it."""

from __future__ import annotations

from enum import StrEnum

from centra_whistl_dagster.domain.exceptions.endings import FOUND_BY_SCREENING
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind


class Recheck(StrEnum):
    """What is done with the orders that wait for an exception, in the next round."""

    SCREEN = "screened again"
    LOOK_UP = "looked up at Whistl"


def recheck_of(kind: ExceptionKind) -> Recheck | None:
    """Return how a kind is checked again; None where every round does that by itself.

    Neither way sends an order that Whistl has seen: an order is screened as Centra has it, or
    Whistl is asked whether it has the order.
    """
    if kind in FOUND_BY_SCREENING:
        return Recheck.SCREEN
    return Recheck.LOOK_UP if kind is ExceptionKind.ORDER_IN_DOUBT else None
