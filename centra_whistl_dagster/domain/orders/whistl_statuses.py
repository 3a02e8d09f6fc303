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
    """Return when an order's units first left Whistl's `available`, None if they have not."""
    return min((at for status, at in history if status in SET_ASIDE), default=None)
