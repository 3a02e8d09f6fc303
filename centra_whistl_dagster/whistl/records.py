"""What the Whistl client gives besides despatches and reference data, which are in `domain`.

Belongs here: plain records. Does not belong here: how they are read from JSON (`reading`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.transport import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Whistl has an order."""

    order_number: str
    whistl_order_id: str
    status: str
    """Whistl's word: it may be one we do not know."""
    status_version: int
    is_replayed: bool
    """It had the same order before."""
    warnings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistlOrderLine:
    """Where the units of one line stand."""

    line_number: int
    sku: str
    ordered: int
    allocated: int
    """Reserved, and still in the building."""
    picked: int
    despatched: int
    cancelled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistlOrderView:
    """An order as Whistl shows it."""

    order_number: str
    whistl_order_id: str
    status: str
    """Whistl's word: it may be one we do not know."""
    status_version: int
    """Rises with each change; an older one than is known tells nothing."""
    history: tuple[tuple[str, datetime], ...]
    hold_reason: str
    updated_at: datetime
    payload_hash: str | None
    """Of what was sent, as `mapping.payload_hash` makes it; None where Whistl does not say."""
    lines: tuple[WhistlOrderLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAnswer:
    """What Whistl says when asked to stop an order that it still can stop."""

    is_cancelled: bool
    """False: it is being picked, and the floor was asked to stop."""
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableDespatch:
    """A despatch message that breaks the contract. The others of its page are read all the same."""

    despatch_id: str
    field: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DespatchPage:
    """Some despatch messages, oldest first."""

    despatches: tuple[Despatch, ...]
    unreadable: tuple[UnreadableDespatch, ...]
    next_after_sequence: int
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotHead:
    """The newest picture of the stock, without its rows."""

    snapshot_id: str
    taken_at: datetime
    site: str
    item_count: int
    is_complete: bool
