"""What the Whistl client returns besides despatches and reference data, which are in `domain`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.orders.identity import OrderIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Whistl's confirmation that it has an order."""

    order_number: str
    whistl_order_id: str
    status: str
    """Whistl's own term, possibly one that we do not know."""
    status_version: int
    is_replayed: bool
    """It already had the same order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistlOrderLine:
    """The progress of one line, in units."""

    line_number: int
    sku: str
    ordered: int
    allocated: int | None
    """Reserved, and still in the building. Here as below, None where Whistl does not say."""
    picked: int | None
    despatched: int | None
    cancelled: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistlOrderView:
    """An order as Whistl shows it."""

    order_number: str
    whistl_order_id: str
    status: str
    """Whistl's own term, possibly one that we do not know."""
    status_version: int
    """Rises with each change; a lower one than the last seen is out of date."""
    history: tuple[tuple[str, datetime], ...]
    hold_reason: str
    """Whistl's sentence. It may quote the customer: never log, show or send it."""
    updated_at: datetime | None
    """None where Whistl shows no time that can be read."""
    payload_hash: str | None
    """Of what was sent, as `mapping.payload_hash` computes it; None where Whistl sends none."""
    lines: tuple[WhistlOrderLine, ...]
    identity: OrderIdentity
    """What of it says whose order it is; blank where Whistl does not show it."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Fields of the order that could not be read and are missing above, each with what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableOrderView:
    """An order of Whistl's that does not match the contract. The others are read nevertheless."""

    order_number: str
    """Whistl's order number; blank where even that cannot be read."""
    field: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAnswer:
    """Whistl's answer to the cancellation of an order that it can still stop."""

    is_cancelled: bool
    """False: it is being picked, and the warehouse floor was asked to stop."""
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableDespatch:
    """A despatch message that does not match the contract. The others are read nevertheless."""

    despatch_id: str | None
    """As far as it can be read, and so is its sequence."""
    sequence: int | None = None
    field: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DespatchMessage:
    """One despatch message as it came, and what was read of it."""

    raw: str
    """JSON. It may hold more than was read of it: never log, show or send it."""
    read_after: int
    """Reading after this sequence finds the message again."""
    record: Despatch | UnreadableDespatch


@dataclass(frozen=True, slots=True, kw_only=True)
class DespatchPage:
    """Some despatch messages, oldest first."""

    messages: tuple[DespatchMessage, ...]
    next_after_sequence: int
    has_more: bool

    @property
    def despatches(self) -> tuple[Despatch, ...]:
        """The messages that could be read."""
        records = (message.record for message in self.messages)
        return tuple(record for record in records if isinstance(record, Despatch))

    @property
    def unreadable(self) -> tuple[UnreadableDespatch, ...]:
        """The messages that could not be read."""
        records = (message.record for message in self.messages)
        return tuple(record for record in records if isinstance(record, UnreadableDespatch))

    @property
    def sequences(self) -> list[int]:
        """The sequences that could be read."""
        found = (message.record.sequence for message in self.messages)
        return [sequence for sequence in found if sequence is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotHead:
    """The newest snapshot of the stock, without its rows."""

    snapshot_id: str
    taken_at: datetime
    site: str
    item_count: int
    is_complete: bool
