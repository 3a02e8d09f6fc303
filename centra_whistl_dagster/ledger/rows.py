"""The ledger's rows as frozen values, and the columns of them that a write may change.

A row has the columns of its table, by name; a test keeps both equal. A change names only the
columns that it sets, so a misspelt one is a type error and not an error of the first run. Does not
belong here: any query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from centra_whistl_dagster.domain.desk_roles import Role
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.generations import Beginning
from centra_whistl_dagster.domain.orders.changes_after_sending import StopReason
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.states import (
    DeskAction,
    DeskSubject,
    DespatchState,
    MessageState,
    ParcelState,
    SubmissionOutcome,
    Verdict,
    WriteOutcome,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order of `orders`."""

    centra_id: str
    number: int
    whistl_number: str
    state: OrderState
    state_since: datetime
    centra_status: str
    ordered_at: datetime
    centra_updated_at: datetime
    first_seen_at: datetime
    content_hash: str
    shipping_option: str
    country: str
    postcode_area: str
    currency: str
    grand_total: Decimal
    screened_at: datetime | None
    screened_against: str | None
    carrier_code: str | None
    delivery_method: str | None
    sent_hash: str | None
    submitted_at: datetime | None
    locked_at: datetime | None
    whistl_order_id: str | None
    whistl_status: str | None
    whistl_status_version: int
    allocated_at: datetime | None
    despatched_at: datetime | None
    completed_at: datetime | None
    cancel_wanted_at: datetime | None
    cancelled_at: datetime | None
    attempts: int
    due_at: datetime | None
    centra_checked_at: datetime | None
    """When it was last compared with what Centra shows, by its id."""
    whistl_checked_at: datetime | None
    """When it was last compared with what Whistl shows."""
    lock_due_at: datetime | None
    """When Centra is to be asked again to lock it; None at once."""
    lock_attempts: int
    despatch_awaited_since: datetime | None
    """Since when Whistl has said that more has left than its despatch messages account for."""
    stop_for: StopReason | None
    """Why Whistl is to stop the order; None while it is not."""
    stop_due_at: datetime | None
    """When Whistl is to be asked next; None when it was asked for the last time."""
    stop_asked_at: datetime | None
    """When Whistl first agreed to try; kept when the stop is taken back, since Whistl may still
    stop it."""
    stop_attempts: int
    former_active_at: datetime | None
    """When Whistl was seen to go on with an earlier number of the order."""
    unlock_due_at: datetime | None
    unlock_attempts: int
    given_back_at: datetime | None
    """When Whistl put back what it had set aside, as far as its statuses show."""
    erased_at: datetime | None
    """When a person's data was erased from it on request."""


class OrderChange(TypedDict, total=False):
    """Columns of `orders` that may be set beside the state."""

    whistl_number: str
    screened_at: datetime | None
    screened_against: str | None
    carrier_code: str | None
    delivery_method: str | None
    sent_hash: str | None
    submitted_at: datetime | None
    locked_at: datetime | None
    whistl_order_id: str | None
    whistl_status: str | None
    whistl_status_version: int
    allocated_at: datetime | None
    given_back_at: datetime | None
    despatched_at: datetime | None
    completed_at: datetime | None
    cancel_wanted_at: datetime | None
    cancelled_at: datetime | None
    attempts: int
    due_at: datetime | None
    centra_checked_at: datetime | None
    whistl_checked_at: datetime | None
    lock_due_at: datetime | None
    lock_attempts: int
    despatch_awaited_since: datetime | None
    stop_for: StopReason | None
    stop_due_at: datetime | None
    stop_asked_at: datetime | None
    stop_attempts: int
    former_active_at: datetime | None
    unlock_due_at: datetime | None
    unlock_attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerNumberRow:
    """A number that an order had at Whistl before its present one, of `former_numbers`."""

    whistl_number: str
    centra_id: str
    submitted_at: datetime | None
    allocated_at: datetime | None
    ended_at: datetime
    whistl_status: str | None
    whistl_status_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerLineRow:
    """One line of an order as it was sent under a former number, of `former_lines`."""

    whistl_number: str
    line_number: int
    line_id: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineRow:
    """One line of an order, of `order_lines`."""

    centra_id: str
    line_number: int
    """From 1, as Whistl is given it."""
    line_id: int
    """Centra's."""
    sku: str
    quantity: int
    unit_price: Decimal
    not_found: int
    """Units that the warehouse could not find and will not send."""
    wanted: int | None
    """Units that Centra wants now; None while nothing was changed since the order was sent."""
    gone: int | None
    """Units that Whistl's order view shows as despatched; None before it was ever read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEventRow:
    """One move of an order, of `order_events`."""

    id: int
    centra_id: str
    number: int
    from_state: OrderState | None
    to_state: OrderState
    at: datetime
    reason: str
    note: str | None
    """A person's own words, where a person decided it; they stay in the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRow:
    """One intent to create an order at Whistl, of `submissions`."""

    id: int
    centra_id: str
    whistl_number: str
    payload_hash: str
    intent_at: datetime
    settled_at: datetime | None
    outcome: SubmissionOutcome | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DespatchRow:
    """One version of a despatch message, of `despatches`."""

    despatch_id: str
    version: int
    sequence: int
    root_id: str
    """The id of the first message of a chain of corrections."""
    whistl_number: str
    despatched_at: datetime
    is_order_complete: bool
    received_at: datetime
    state: DespatchState
    body: str
    content_hash: str | None
    """Of the message that the contents came with; None before messages were kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message of a feed as it came, of `messages`."""

    id: int
    feed: str
    message_id: str
    """The sender's id, or where the message is in the feed when no id could be read."""
    content_hash: str
    sequence: int | None
    read_after: int
    """Reading the feed after this sequence finds the message again."""
    received_at: datetime
    state: MessageState
    body: str | None
    """JSON; None once it is not needed any more."""
    attempts: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelRow:
    """One parcel that Centra must be sent, of `parcels`."""

    despatch_id: str
    """The root id of its message."""
    parcel_number: int
    centra_id: str
    state: ParcelState
    state_since: datetime
    carrier_name: str
    service_name: str
    tracking_number: str
    despatched_at: datetime
    centra_shipment_id: int | None
    completed_at: datetime | None
    attempts: int
    """Times that Centra was tried, or could not be: each claim counts one."""
    due_at: datetime | None
    sent: str | None
    """`domain.orders.shipping.SentShipment` as JSON; None until Centra is sent something."""

    @property
    def key(self) -> tuple[str, int]:
        """What tells parcels apart."""
        return self.despatch_id, self.parcel_number


class ParcelChange(TypedDict, total=False):
    """Columns of `parcels` that may be set beside the state."""

    centra_shipment_id: int | None
    completed_at: datetime | None
    attempts: int
    due_at: datetime | None
    sent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLineRow:
    """Units of one order line in a parcel, of `parcel_lines`."""

    despatch_id: str
    parcel_number: int
    line_number: int
    line_id: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionRow:
    """One exception, open or resolved, of `exceptions`."""

    id: int
    kind: ExceptionKind
    subject_type: SubjectType
    subject: str
    field: str
    value: str
    message: str
    owner: str
    severity: str
    opened_at: datetime
    last_seen_at: datetime
    due_at: datetime
    escalated_at: datetime | None
    resolved_at: datetime | None
    told: str
    contents: str | None
    """What it is about, as last seen; kept when a person closed it, None once the cause is over."""
    closed_by: str | None
    """Who closed it by hand."""
    closed_note: str | None
    """What that person wrote. It may name a customer: it is for the operators' list alone."""


class ExceptionChange(TypedDict, total=False):
    """Columns of `exceptions` that may be set beside what was told."""

    escalated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One message of the outbox, of `alerts`."""

    id: int
    cause: str
    owner: str
    channel: str
    severity: str
    title: str
    body: str
    created_at: datetime
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    sent_by: str | None
    last_error: str | None
    html: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRow:
    """A check, job or sensor that has been red, of `watched`."""

    name: str
    title: str
    owner: str
    is_told_red: bool
    last_red_at: datetime
    told_at: datetime | None
    """When its owner was last alerted; None where that was before this was kept."""


class WatchedChange(TypedDict, total=False):
    """What is known of a check, job or sensor from now on."""

    title: str
    owner: str
    is_told_red: bool
    last_red_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """Who works on an exception, of `exception_work`."""

    exception_id: int
    taken_by: str | None
    taken_at: datetime | None
    snoozed_by: str | None
    snoozed_until: datetime | None


class WorkChange(TypedDict, total=False):
    """Columns of `exception_work` that may be set."""

    taken_by: str | None
    taken_at: datetime | None
    snoozed_by: str | None
    snoozed_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskActionRow:
    """What one person did at the desk, of `desk_actions`."""

    id: int
    at: datetime
    who: str
    role: Role
    action: DeskAction
    subject_type: DeskSubject
    subject: str
    note: str
    """The person's own words; they stay in the ledger."""
    result: str
    """What followed, in our words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequestRow:
    """A release that waits for a second person, of `release_requests`."""

    snapshot_id: str
    asked_by: str
    asked_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRow:
    """A stock snapshot of Whistl's and the verdict on it, of `stock_snapshots`."""

    snapshot_id: str
    taken_at: datetime
    read_at: datetime
    row_count: int
    verdict: Verdict
    reason: str
    file: str
    """Where its rows are, relative to the archive."""
    movement: str | None
    """How far it had moved, as JSON; None where a person released it or it was refused."""

    @property
    def is_released(self) -> bool:
        """Whether the guards refused it and a person let it be used all the same."""
        return self.verdict is Verdict.ACCEPTED and bool(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockIntent:
    """A quantity about to be written to Centra, with the terms of its sum (`stock_writes`)."""

    sku: str
    product_size_id: int
    from_quantity: int
    to_quantity: int
    whistl_available: int
    units_held: int
    units_left: int
    buffer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRow:
    """What came of a quantity for Centra, with the terms of its sum (`stock_writes`)."""

    id: int
    snapshot_id: str
    from_quantity: int
    to_quantity: int
    whistl_available: int
    units_held: int
    units_left: int
    buffer: int
    intent_at: datetime
    settled_at: datetime | None
    outcome: WriteOutcome | None
    read_back: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRow:
    """One time that the ledger began anew, of `generations`."""

    id: int
    token: str
    reason: Beginning
    began_at: datetime
    last_known_at: datetime | None
    """Up to when the ledger surely had everything that was sent."""
    alive_at: datetime
    sweep_due_at: datetime | None
    """When Whistl is asked next for orders that the ledger does not know."""
    parcels_checked_at: datetime | None
    accounted_for_at: datetime | None
