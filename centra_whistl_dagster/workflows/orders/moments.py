"""What happened to one order, moment by moment: in Centra, at Whistl, and here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from centra_whistl_dagster.domain.exceptions.problems import masked
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.rows import (
    DespatchRow,
    ExceptionRow,
    OrderEventRow,
    OrderRow,
    ParcelRow,
    SubmissionRow,
)
from centra_whistl_dagster.whistl.client import WhistlOrderView


class Side(StrEnum):
    """Who did or saw it."""

    CENTRA = "Centra"
    CONNECTION = "connection"
    WHISTL = "Whistl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened to an order."""

    at: datetime
    side: Side
    text: str
    rank: int = 0
    """The order of what one transaction wrote at one time: cause first."""


_SENDS, _CALLS, _ANSWERS, _SETTLES, _FOLLOWS, _ENDS = range(1, 7)
_RANKS = {
    OrderState.SENDING: _SENDS,
    OrderState.IN_DOUBT: _SETTLES,
    OrderState.SUBMITTED: _SETTLES,
    OrderState.PART_DESPATCHED: _ENDS,
    OrderState.DESPATCHED: _ENDS,
    OrderState.COMPLETED: _ENDS + 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the ledger has of an order."""

    row: OrderRow
    events: Sequence[OrderEventRow]
    calls: Sequence[SubmissionRow]
    messages: Sequence[DespatchRow]
    parcels: Sequence[ParcelRow]
    exceptions: Sequence[ExceptionRow]

    @property
    def whistl_numbers(self) -> tuple[str, ...]:
        """Every number that it was sent under, and the one that it has now."""
        numbers = [*(call.whistl_number for call in self.calls), self.row.whistl_number]
        return tuple(dict.fromkeys(numbers))


def moments_in_centra(order: Order | None) -> Iterable[Moment]:
    """Return what Centra shows of an order with a time."""
    if order is None:
        return
    units = sum(line.quantity for line in order.lines)
    option = order.shipping_option.name if order.shipping_option else "no shipping option"
    amount = f"{order.grand_total:,.2f} {order.currency}"
    text = f"Ordered: {units} units still wanted, {amount}, {option}{_destination(order)}."
    yield Moment(at=order.ordered_at, side=Side.CENTRA, text=text)
    for shipment in order.shipments:
        if shipment.shipped_at is not None:
            label = f"{shipment.carrier} {shipment.tracking_number}".strip() or "no tracking"
            text = f"Shipment {shipment.number} is complete ({label})."
            yield Moment(at=shipment.shipped_at, side=Side.CENTRA, text=text)


def _destination(order: Order) -> str:
    if order.delivery is None:
        return ", no delivery address"
    address = order.delivery
    return f", to {masked(address.name)}, {masked(address.postcode)} {address.country}"


def moments_at_whistl(views: Iterable[WhistlOrderView]) -> Iterable[Moment]:
    """Return every status that Whistl shows of an order, under each of its numbers."""
    for view in views:
        for status, at in view.history:
            text = f"{view.order_number} is {status}."
            yield Moment(at=at, side=Side.WHISTL, text=text, rank=_ANSWERS)


def moments_here(remembered: Remembered, *, mails: bool) -> Iterable[Moment]:
    """Return what the connection did and saw; `mails` where Centra is asked to e-mail customers."""
    row = remembered.row
    for event in remembered.events:
        note = f" ({event.note})" if event.note else ""
        text = f"{in_words(event.to_state).capitalize()}: {event.reason}{note}."
        yield _here(event.at, text, _RANKS.get(event.to_state, 0))
    if row.locked_at is not None:
        yield _here(row.locked_at, "Locked in Centra, so that nobody edits it unseen.", _FOLLOWS)
    if row.cancel_wanted_at is not None:
        yield _here(row.cancel_wanted_at, "Centra was seen to have cancelled it.", _FOLLOWS)
    for call in remembered.calls:
        yield _here(call.intent_at, f"Call to Whistl: create {call.whistl_number}.", _CALLS)
        if call.settled_at is not None and call.outcome is not None:
            detail = f" ({call.detail})" if call.detail else ""
            text = f"Result of that call: {in_words(call.outcome)}{detail}."
            yield _here(call.settled_at, text, _ANSWERS)
    for message in remembered.messages:
        name = f"despatch {message.despatch_id}, version {message.version}"
        text = f"The parcels of {name} left the warehouse."
        yield Moment(at=message.despatched_at, side=Side.WHISTL, text=text)
        yield _here(message.received_at, f"Read {name}: {in_words(message.state)}.", _FOLLOWS)
    mail = ", which was asked to e-mail the customer" if mails else ""
    for parcel in remembered.parcels:
        if parcel.completed_at is not None:
            label = f"{parcel.carrier_name} {parcel.tracking_number}"
            shipment = f"shipment {parcel.centra_shipment_id}"
            text = f"Parcel {label} is {shipment} in Centra{mail}."
            yield _here(parcel.completed_at, text, _ENDS + 1)
    for exception in remembered.exceptions:
        yield from _moments_of(exception)


def _moments_of(exception: ExceptionRow) -> Iterable[Moment]:
    name = f"Exception {exception.id}"
    opened = f"{name} ({exception.kind}) opened for {exception.owner}: {exception.message}"
    yield _here(exception.opened_at, opened, _FOLLOWS)
    if exception.escalated_at is not None:
        yield _here(exception.escalated_at, f"{name} was escalated: its time limit had passed.")
    if exception.resolved_at is not None:
        by = f"closed by {exception.closed_by}" if exception.closed_by else "resolved"
        note = f": {exception.closed_note}" if exception.closed_note else ""
        yield _here(exception.resolved_at, f"{name} was {by}{note}.", _ENDS)


def _here(at: datetime, text: str, rank: int = 0) -> Moment:
    return Moment(at=at, side=Side.CONNECTION, text=text, rank=rank)


def in_words(member: StrEnum) -> str:
    """Return a state or an outcome as people read it."""
    return member.value.replace("_", " ")
