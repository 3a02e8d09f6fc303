"""End parcels whose message is faulty once somebody has shipped their units in Centra by hand.

Nothing is written for such a parcel, and its owner is asked to correct it by hand. Until that is
seen, its units count as allocated in Centra, and the shop would sell as many too much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.shipping import (
    ShippingOrder,
    UnreadableShippingOrder,
    sum_units,
    units_of,
)
from centra_whistl_dagster.ledger import despatches, exceptions, order_contents, orders
from centra_whistl_dagster.ledger.engine import Lease, Transaction
from centra_whistl_dagster.ledger.rows import ParcelRow
from centra_whistl_dagster.ledger.states import FINISHED_PARCELS, ParcelState
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.closing import close_if_known_whole
from centra_whistl_dagster.workflows.shipments import parcel_problems
from centra_whistl_dagster.workflows.shipments.parcels import resolve_faults

_CHECKED_EVERY = timedelta(minutes=15)
_AT_MOST = 20
"""Orders of one round; the others are checked in the next ones."""


def to_be_checked(tx: Transaction) -> list[ParcelRow]:
    """Return the parcels of faulty messages whose orders are to be read in Centra again."""
    return despatches.faulty_parcels(tx, checked_before=tx.now - _CHECKED_EVERY)


def end_shipped_by_hand(link: Link, lease: Lease) -> None:
    """Compare parcels of faulty messages with Centra's shipments, and end those that are settled.

    Nothing is written to Centra.

    Raises:
        LeaseTaken: stock may have begun to be published.
        IntegrationError: Centra could not be read; the same parcels stay due.
    """
    with link.ledger.reading() as tx:
        ids = list(dict.fromkeys(row.centra_id for row in to_be_checked(tx)))[:_AT_MOST]
    found = link.centra.shipping_orders(sorted(ids)) if ids else {}
    for centra_id, order in found.items():
        with link.ledger.transaction() as tx:
            lease.renew(tx)
            _compare(tx, centra_id, order)


def _compare(
    tx: Transaction, centra_id: str, found: ShippingOrder | UnreadableShippingOrder
) -> None:
    row = orders.find(tx, centra_id)
    parcels = despatches.parcels_of_order(tx, centra_id)
    faulty = [parcel for parcel in parcels if is_faulty(parcel)]
    if row is None or not faulty:
        return
    if isinstance(found, UnreadableShippingOrder):
        parcel_problems.open_unreadable(tx, row, found)
        for parcel in faulty:
            _check_later(tx, parcel)
        return
    parcel_problems.resolve_unreadable(tx, row)
    by_hand = _shipped_by_hand(tx, parcels, found)
    missing = _missing(found)
    for parcel in faulty:
        units = _units(tx, parcel)
        shipped = units & by_hand
        if shipped != units and any(missing[line_id] > 0 for line_id in units):
            _check_later(tx, parcel)
            continue
        by_hand -= shipped
        despatches.move_parcel(tx, parcel, ParcelState.ENDED, due_at=None)
        rest = units - shipped
        is_shipped = bool(shipped) and not rest & _ordered_and_not_shipped(tx, found)
        _resolve(tx, parcel, rest, is_shipped=is_shipped)
    close_if_known_whole(tx, centra_id)


def is_faulty(parcel: ParcelRow) -> bool:
    """Say whether a parcel is not written because its message is faulty."""
    return parcel.state is ParcelState.HELD and parcel.due_at is None


def _check_later(tx: Transaction, parcel: ParcelRow) -> None:
    despatches.move_parcel(tx, parcel, ParcelState.HELD, due_at=None)


def _resolve(tx: Transaction, parcel: ParcelRow, rest: Counter[int], *, is_shipped: bool) -> None:
    """Close what the message's faults had opened; a person must act on what nobody shipped."""
    if is_shipped:
        kinds = [ExceptionKind.DESPATCH_WITHOUT_CARRIER, ExceptionKind.DESPATCH_DIFFERS]
        resolve_faults(tx, parcel, kinds)
    elif resolve_faults(tx, parcel, [ExceptionKind.DESPATCH_WITHOUT_CARRIER]):
        exceptions.open_or_refresh(tx, [parcel_problems.not_wanted(tx, parcel, rest)])


def _missing(found: ShippingOrder) -> Counter[int]:
    """Return the units of each line that Centra wants and has not shipped."""
    missing = Counter[int]() if found.is_cancelled else Counter(found.wanted)
    missing.subtract(_shipped(found))
    return missing


def _ordered_and_not_shipped(tx: Transaction, found: ShippingOrder) -> Counter[int]:
    """Return the units that Whistl was asked for and Centra has not shipped, cancelled ones too."""
    lines = order_contents.lines(tx, found.centra_id)
    return Counter({line.line_id: line.quantity for line in lines}) - Counter(_shipped(found))


def _shipped(found: ShippingOrder) -> dict[int, int]:
    return sum_units(units_of(one) for one in found.shipments if one.is_shipped)


def _shipped_by_hand(
    tx: Transaction, parcels: Sequence[ParcelRow], found: ShippingOrder
) -> Counter[int]:
    """Return units in shipped shipments that stand for none of the order's other parcels.

    A parcel that is still to be written may turn out to be the one that was shipped.
    """
    ours = {parcel.centra_shipment_id for parcel in parcels}
    units = Counter(
        sum_units(
            units_of(one)
            for one in found.shipments
            if one.is_shipped and one.shipment_id not in ours
        )
    )
    for parcel in parcels:
        is_to_be_written = parcel.state not in FINISHED_PARCELS and not is_faulty(parcel)
        if parcel.state is ParcelState.ENDED or is_to_be_written:
            units -= _units(tx, parcel)
    return units


def _units(tx: Transaction, parcel: ParcelRow) -> Counter[int]:
    lines = despatches.lines_of_parcel(tx, parcel.despatch_id, parcel.parcel_number)
    return Counter(sum_units({line.line_id: line.quantity} for line in lines))
