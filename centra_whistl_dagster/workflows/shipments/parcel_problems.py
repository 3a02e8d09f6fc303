"""What keeps a parcel from being completed in Centra, as exceptions about that one parcel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.shipment_matching import Match, Step
from centra_whistl_dagster.domain.orders.shipping import (
    ShippingOrder,
    Units,
    UnreadableShippingOrder,
)
from centra_whistl_dagster.ledger import despatches, exceptions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parcel_exceptions import field_of
from centra_whistl_dagster.ledger.rows import OrderRow, ParcelRow
from centra_whistl_dagster.transport import IntegrationError, Reason

_SHIPMENTS = "shipments"


def refused(row: ParcelRow, error: IntegrationError) -> Problem:
    """Centra refuses the shipment, whatever is tried."""
    return _problem(row, ExceptionKind.SHIPMENT_REFUSED, f"is refused by Centra: {error.detail}")


def unanswered(row: ParcelRow, error: IntegrationError) -> Problem:
    """Every attempt ended without a usable answer."""
    return _problem(
        row,
        ExceptionKind.SHIPMENT_UNANSWERED,
        f"was sent to Centra {row.attempts} times without a usable answer: {error.detail}",
        contents=f"unanswered: {row.tracking_number}",
    )


def not_shipped(row: ParcelRow, shipment_number: str) -> Problem:
    """Centra answers, and does not ship."""
    return _problem(
        row,
        ExceptionKind.SHIPMENT_REFUSED,
        f"is still open in Centra (shipment {shipment_number}), although it was completed without "
        "an error",
    )


def not_captured(row: ParcelRow, reasons: Iterable[Reason]) -> Problem:
    """The customer's money was not taken for a parcel that has left."""
    why = ", ".join(map(str, reasons)) or "Centra does not say why"
    return _problem(
        row,
        ExceptionKind.PAYMENT_NOT_CAPTURED,
        f"has left, and its payment was not captured: {why}",
    )


def shipped_unpaid(row: ParcelRow) -> Problem:
    """Somebody completed the shipment in Centra, and the customer's money was not taken."""
    return _problem(
        row,
        ExceptionKind.SHIPPED_UNPAID,
        "has left, and its shipment was completed in Centra without a captured payment",
    )


def warned(row: ParcelRow, reasons: Iterable[Reason]) -> Problem:
    """Centra shipped it, and warned."""
    listed = ", ".join(map(str, reasons))
    return _problem(
        row, ExceptionKind.SHIPMENT_WARNING, f"was completed in Centra with a warning: {listed}"
    )


def answered_twice(row: ParcelRow, shipment_id: int) -> Problem:
    """Two attempts were answered, with two shipments."""
    return _problem(
        row,
        ExceptionKind.ALREADY_SHIPPED,
        f"may have a second shipment in Centra (id {shipment_id}): an earlier attempt was answered "
        "late",
    )


def in_the_way(tx: Transaction, row: ParcelRow, found: Match) -> Problem:
    """A shipment of Centra's, or missing stock, keeps units from being shipped."""
    if found.step is Step.UNALLOCATED:
        fault = (
            f"has left, and Centra has no stock allocated to all of {_named(tx, row, found.units)}"
        )
        return _problem(row, ExceptionKind.STOCK_NOT_ALLOCATED, fault)
    number = found.shipment.number if found.shipment else ""
    return _problem(
        row,
        ExceptionKind.SHIPMENT_DIFFERS,
        f"has left, and Centra's open shipment {number} holds {_named(tx, row, found.unwanted)} "
        "together with other units",
    )


def unwanted(
    tx: Transaction, row: ParcelRow, units: Units, order: ShippingOrder, ours: Collection[int]
) -> Problem:
    """Centra wants none, or not all, of the units that have left."""
    what = _named(tx, row, units)
    by_hand = [
        shipment.number
        for shipment in order.shipments
        if shipment.is_shipped
        and shipment.shipment_id not in ours
        and any(line.line_id in units for line in shipment.lines)
    ]
    if order.is_cancelled:
        fault = f"has left with {what}, and the order is cancelled in Centra"
    elif by_hand:
        fault = f"has left with {what}, which Centra has already shipped as {', '.join(by_hand)}"
        return _problem(row, ExceptionKind.ALREADY_SHIPPED, fault)
    else:
        fault = f"has left with {what}, which were cancelled in Centra"
    return _problem(row, ExceptionKind.PARCEL_NOT_WANTED, fault)


def not_wanted(tx: Transaction, row: ParcelRow, units: Units) -> Problem:
    """A parcel whose message is faulty has left, and Centra does not want these of its units."""
    fault = f"has left with {_named(tx, row, units)}, and Centra wants none of it"
    return _problem(row, ExceptionKind.PARCEL_NOT_WANTED, fault)


def open_unreadable(tx: Transaction, order: OrderRow, found: UnreadableShippingOrder) -> None:
    """Report that an order's shipments cannot be read; only its own parcels wait."""
    exceptions.about_order(
        tx,
        order,
        ExceptionKind.UNREADABLE_RECORD,
        f"Parcels of order {order.number} wait: what Centra shows of its shipments cannot be read "
        f"({found.field}: {found.detail}).",
        field=_SHIPMENTS,
    )


def resolve_unreadable(tx: Transaction, order: OrderRow) -> None:
    """Close that exception: the order's shipments were read."""
    kinds = [ExceptionKind.UNREADABLE_RECORD]
    exceptions.resolve(tx, SubjectType.ORDER, str(order.number), kinds, field=_SHIPMENTS)


def _problem(row: ParcelRow, kind: ExceptionKind, fault: str, *, contents: str = "") -> Problem:
    label = " ".join(filter(None, (row.carrier_name, row.tracking_number)))
    return Problem(
        kind=kind,
        subject_type=SubjectType.DESPATCH,
        subject=row.despatch_id,
        field=field_of(row.parcel_number),
        value=row.tracking_number,
        message=f"Parcel {row.parcel_number} of despatch {row.despatch_id} ({label}) {fault}.",
        contents=contents,
    )


def _named(tx: Transaction, row: ParcelRow, units: Units) -> str:
    """Return units as a person reads them: `2 of TEE-BLK-M, 1 of ...`."""
    lines: Sequence[str] = [
        f"{units[line.line_id]} of {line.sku}"
        for line in despatches.lines_of_parcel(tx, row.despatch_id, row.parcel_number)
        if line.line_id in units
    ]
    return ", ".join(lines) or "its units"
