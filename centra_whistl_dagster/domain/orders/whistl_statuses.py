"""Whistl's order statuses, as its documentation lists them, and what they mean for stock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

SET_ASIDE = frozenset({"ALLOCATED", "PICKING", "PACKED", "PART_DESPATCHED", "DESPATCHED"})
"""Statuses in which the order's units are out of Whistl's `available`, in the building or gone."""

HAS_LEFT = frozenset({"PART_DESPATCHED", "DESPATCHED"})
"""Statuses that prove, now or in its history, that something of an order has left."""

BEING_PICKED = frozenset({"ALLOCATED", "PICKING"})
"""Statuses in which all of its units are set aside and none is about to leave."""

STOPPED = frozenset({"CANCELLED", "REJECTED"})

KNOWN = SET_ASIDE | STOPPED | {"RECEIVED", "HELD", "BACKORDERED"}

UNENDED = KNOWN - STOPPED - {"DESPATCHED"}
"""Statuses in which Whistl has still something to do."""


def set_aside_at(history: Iterable[tuple[str, datetime]]) -> datetime | None:
    """Return since when an order's units are out of Whistl's `available`; None if they are not.

    Its statuses move forward only, so a status that is not documented goes on with the one before.
    A documented one that does not set units aside gives back what was: they count anew from then.
    """
    since = None
    for status, at in sorted(history, key=lambda entry: entry[1]):
        if status in SET_ASIDE:
            since = since or at
        elif status in KNOWN:
            since = None
    return since


def given_back_at(history: Iterable[tuple[str, datetime]]) -> datetime | None:
    """Return when Whistl last put back units that it had set aside; None if it never did."""
    is_set_aside, at_last = False, None
    for status, at in sorted(history, key=lambda entry: entry[1]):
        if status in SET_ASIDE:
            is_set_aside = True
        elif status in KNOWN and is_set_aside:
            is_set_aside, at_last = False, at
    return at_last
