"""One order's story from both sides, in time order, with what comes next.

Reads both systems as they are now, and what the connection remembers. Personal values are masked;
the reason of a hold is shown in Whistl's own words. Does not belong here: what a single record says
(`moments`), or what comes next (`next_steps`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.orders.next_steps import (
    OpenException,
    PendingParcel,
    Progress,
    next_steps,
)
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.ledger import despatches, order_story, orders, submissions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.whistl.client import WhistlOrderView
from centra_whistl_dagster.workflows.link import Installation, Link
from centra_whistl_dagster.workflows.orders.moments import (
    Moment,
    Remembered,
    in_words,
    moments_at_whistl,
    moments_here,
    moments_in_centra,
)
from centra_whistl_dagster.workflows.shipments.shipped_by_hand import is_faulty


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStory:
    """What became of one order."""

    number: int
    whistl_numbers: tuple[str, ...]
    """Every number it has had at Whistl, oldest first."""
    now: tuple[str, ...]
    """Where it stands here, in Centra and at Whistl."""
    moments: tuple[Moment, ...]
    """Oldest first."""
    next: tuple[str, ...]
    not_read: tuple[str, ...]
    """Sides that could not be read, and why."""


class NoSuchOrder(Exception):
    """Neither the connection nor Centra knows the order; the text says what was tried."""


def tell_story(link: Link, order_number: str, *, is_offline: bool = False) -> OrderStory:
    """Return one order's story.

    Args:
        link: the connection.
        order_number: Centra's number, or one that the order has had at Whistl.
        is_offline: ask neither system, and tell what the connection remembers.

    Raises:
        NoSuchOrder: neither the connection nor Centra knows it.
    """
    number = _centra_number(order_number, link.settings.order_number_prefix)
    with link.ledger.reading() as tx:
        row = orders.find_by_number(tx, number)
        remembered = None if row is None else remember(tx, row)
    not_read: list[str] = []
    in_centra = None if is_offline else _read_centra(link, number, not_read)
    if remembered is None and in_centra is None:
        raise NoSuchOrder(" ".join([f"Order {number} is not known here.", *not_read]))
    numbers = remembered.whistl_numbers if remembered else ()
    at_whistl = [] if is_offline else _read_whistl(link, numbers, not_read)
    moments = [*moments_in_centra(in_centra), *moments_at_whistl(at_whistl)]
    if remembered is not None:
        moments += moments_here(remembered, mails=link.settings.sends_shipping_email)
    return OrderStory(
        number=number,
        whistl_numbers=numbers,
        now=(*_now_here(remembered), *_now_in_centra(in_centra), *_now_at_whistl(at_whistl)),
        moments=_in_time_order(moments),
        next=tuple(next_for(link, remembered) if remembered else _NOT_TAKEN_IN),
        not_read=tuple(not_read),
    )


def moments_of(installation: Installation, remembered: Remembered) -> tuple[Moment, ...]:
    """Return what the connection did and saw of an order, oldest first; neither system is asked."""
    mails = installation.settings.sends_shipping_email
    return _in_time_order(moments_here(remembered, mails=mails))


def _in_time_order(moments: Iterable[Moment]) -> tuple[Moment, ...]:
    return tuple(sorted(moments, key=lambda moment: (moment.at, moment.rank)))


def _centra_number(order_number: str, prefix: str) -> int:
    digits, _, _ = order_number.strip().removeprefix(prefix).partition("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise NoSuchOrder(f"{order_number!r} is no order number: digits are expected.")
    return int(digits)


def remember(tx: Transaction, row: OrderRow) -> Remembered:
    """Return what the ledger has of an order."""
    calls = submissions.of_order(tx, row.centra_id)
    numbers = dict.fromkeys([*(call.whistl_number for call in calls), row.whistl_number])
    return Remembered(
        row=row,
        events=order_story.events(tx, row.centra_id),
        calls=calls,
        messages=[message for each in numbers for message in despatches.of_order(tx, each)],
        parcels=despatches.parcels_of_order(tx, row.centra_id),
        exceptions=order_story.exceptions_of(tx, row),
    )


# ---- the two systems as they are now
def _read_centra(link: Link, number: int, not_read: list[str]) -> Order | None:
    try:
        found = link.centra.order_numbered(number)
    except IntegrationError as error:
        not_read.append(f"Centra could not be read: {error.detail}.")
        return None
    if isinstance(found, UnreadableOrder):
        not_read.append(f"Centra's order could not be read: {found.field}, {found.detail}.")
        return None
    if found is None:
        not_read.append("Centra does not show it.")
    return found


def _read_whistl(link: Link, numbers: Iterable[str], not_read: list[str]) -> list[WhistlOrderView]:
    views = []
    for number in numbers:
        try:
            view = link.whistl.find_order(number)
        except IntegrationError as error:
            not_read.append(f"Whistl could not be read: {error.detail}.")
            break
        if view is None:
            not_read.append(f"Whistl does not show {number}.")
        else:
            views.append(view)
    return views


def _now_in_centra(order: Order | None) -> Iterable[str]:
    if order is None:
        return
    facts = {
        "on hold": order.is_on_hold,
        "locked": order.is_locked,
        "internal": order.is_internal,
        "waiting for payment": order.is_waiting_for_payment,
    }
    also = "".join(f", {name}" for name, is_so in facts.items() if is_so)
    yield f"In Centra: {order.status}{also}."


def _now_at_whistl(views: Iterable[WhistlOrderView]) -> Iterable[str]:
    for view in views:
        lines = "; ".join(
            f"{line.sku}: {line.ordered} ordered, {line.despatched} despatched"
            + (f", {line.cancelled} cancelled" if line.cancelled else "")
            for line in view.lines
        )
        reason = f" Whistl's reason: {view.hold_reason}." if view.hold_reason else ""
        yield f"At Whistl: {view.order_number} is {view.status} ({lines}).{reason}"


# ---- what the connection remembers
def _now_here(remembered: Remembered | None) -> Iterable[str]:
    if remembered is None:
        yield "Here: not taken in yet."
        return
    row = remembered.row
    yield f"Here: {in_words(row.state)}, known to Whistl as {row.whistl_number}."


_NOT_TAKEN_IN = ["It is taken in by the next round that reads it, if it is confirmed."]


def next_for(installation: Installation, remembered: Remembered) -> list[str]:
    """Return what comes next for an order that the ledger has."""
    row = remembered.row
    pending = tuple(
        PendingParcel(
            name=f"{parcel.carrier_name} {parcel.tracking_number}".strip(),
            due_at=parcel.due_at,
            waits_for_a_person=parcel.state is ParcelState.ENDED or is_faulty(parcel),
        )
        for parcel in remembered.parcels
        if parcel.state is not ParcelState.COMPLETED
    )
    progress = Progress(
        state=row.state,
        due_at=row.due_at,
        stop_for=row.stop_for,
        stop_due_at=row.stop_due_at,
        is_stop_tried=row.stop_asked_at is not None,
        open_exceptions=tuple(
            OpenException(
                exception_id=each.id,
                owner=each.owner,
                due_at=each.due_at,
                instructions=installation.configuration.exception_kinds[each.kind].instructions,
            )
            for each in remembered.exceptions
            if each.resolved_at is None
        ),
        parcels=pending,
    )
    return next_steps(progress, installation.now())
