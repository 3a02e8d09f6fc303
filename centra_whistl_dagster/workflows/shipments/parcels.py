"""Turn the boxes of one despatch message into parcels to be sent to Centra.

Belongs here: what a message says of its boxes, what of it cannot be right, what a correction does
to boxes that were sent before. Does not belong here: writing to Centra
(`workflows.shipments.completion`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode
from centra_whistl_dagster.ledger import catalogues, despatches, exceptions, order_contents
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parcel_exceptions import resolve_finished
from centra_whistl_dagster.ledger.rows import OrderLineRow, OrderRow, ParcelRow
from centra_whistl_dagster.ledger.states import ParcelState

ABOUT_PARCELS = (
    ExceptionKind.DESPATCH_WITHOUT_CARRIER,
    ExceptionKind.DESPATCH_DIFFERS,
    ExceptionKind.TRACKING_CORRECTED,
)
"""The kinds that `take_over` finds; a correction closes those that are no longer true."""


_ABOUT_CARRIER, _ABOUT_NUMBER, _ABOUT_CONTENTS = "carrier", "tracking number", "contents"


def resolve_faults(tx: Transaction, row: ParcelRow, kinds: Collection[ExceptionKind]) -> int:
    """Close what a message's faults had opened about one parcel; return how many there were."""
    return sum(
        exceptions.resolve(
            tx, SubjectType.DESPATCH, row.despatch_id, kinds, field=_field(row.parcel_number, about)
        )
        for about in (_ABOUT_CARRIER, _ABOUT_NUMBER, _ABOUT_CONTENTS)
    )


def _field(parcel_number: int, about: str) -> str:
    return f"parcel {parcel_number}: {about}"


def are_under_way(tx: Transaction, root_id: str, centra_id: str) -> bool:
    """Say whether it is still unknown if Centra has one of this message's parcels."""
    return any(
        parcel.state in {ParcelState.SENDING, ParcelState.IN_DOUBT}
        for parcel in despatches.parcels_of_root(tx, root_id, centra_id)
    )


def take_over(tx: Transaction, row: OrderRow, despatch: Despatch, root_id: str) -> list[Problem]:
    """Make the parcels of a message those of its root, except what Centra was already sent.

    Returns:
        what is wrong with boxes of this message; such boxes are not written to Centra.
    """
    sent: dict[int, ParcelRow] = {}
    # A message can take nothing from another order, whatever it says it corrects.
    for existing in despatches.parcels_of_root(tx, root_id, row.centra_id):
        if existing.state is ParcelState.COMPLETED:
            sent[existing.parcel_number] = existing
        else:
            despatches.remove_parcel(tx, existing)
            resolve_finished(tx, *existing.key)
    problems: list[Problem] = []
    seen: set[int] = set()
    for parcel in despatch.parcels:
        about = _About(despatch, parcel.parcel_number, root_id, row)
        if parcel.parcel_number in seen:
            problems.append(about.differs("is named twice"))
        elif (was := sent.pop(parcel.parcel_number, None)) is None:
            problems += _add(tx, row, about, parcel)
        else:
            problems += _compare(tx, about, parcel, was)
        seen.add(parcel.parcel_number)
    for number in sent:
        gone = _About(despatch, number, root_id, row)
        problems.append(gone.differs("is not named any more, but it was sent to Centra"))
    return problems


class _About:
    """Words problems with one box of a message."""

    def __init__(self, despatch: Despatch, parcel_number: int, root_id: str, row: OrderRow) -> None:
        self.despatch = despatch
        self.root_id = root_id
        self._number = parcel_number
        self._order = row.number

    def problem(self, kind: ExceptionKind, field: str, fault: str) -> Problem:
        return Problem(
            kind=kind,
            subject_type=SubjectType.DESPATCH,
            subject=self.root_id,
            field=_field(self._number, field),
            value=self.despatch.order_number,
            message=(
                f"Parcel {self._number} of despatch {self.despatch.despatch_id} "
                f"(order {self._order}) {fault}."
            ),
        )

    def differs(self, fault: str) -> Problem:
        return self.problem(ExceptionKind.DESPATCH_DIFFERS, _ABOUT_CONTENTS, fault)


def _add(tx: Transaction, row: OrderRow, about: _About, parcel: Parcel) -> list[Problem]:
    lines = {line.line_number: line for line in order_contents.lines(tx, row.centra_id)}
    problem = _fault_of_label(tx, about, parcel) or _fault_of_contents(
        tx, row, about, parcel, lines
    )
    if parcel.units and parcel.units.keys() <= lines.keys():
        despatches.add_parcel(
            tx,
            root_id=about.root_id,
            despatch=about.despatch,
            parcel=parcel,
            centra_id=row.centra_id,
            state=ParcelState.HELD if problem else ParcelState.OPEN,
            line_ids={number: line.line_id for number, line in lines.items()},
        )
    return [problem] if problem else []


def _fault_of_label(tx: Transaction, about: _About, parcel: Parcel) -> Problem | None:
    kind = ExceptionKind.DESPATCH_WITHOUT_CARRIER
    if not parcel.carrier_name.strip():
        return about.problem(kind, _ABOUT_CARRIER, "names no carrier, so it was not sent to Centra")
    code = ServiceCode(parcel.carrier_code, parcel.delivery_method)
    service = catalogues.services(tx).get(code)
    is_tracked = service is None or service.is_tracked
    if is_tracked and not parcel.tracking_number.strip():
        fault = "has no tracking number, so it was not sent to Centra"
        return about.problem(kind, _ABOUT_NUMBER, fault)
    return None


def _fault_of_contents(
    tx: Transaction,
    row: OrderRow,
    about: _About,
    parcel: Parcel,
    lines: Mapping[int, OrderLineRow],
) -> Problem | None:
    left = Counter(despatches.units_shipped_by_line(tx, row.centra_id))
    left.update(parcel.units)
    unsent = "It was not sent to Centra"
    if not parcel.lines:
        return about.differs(f"holds nothing. {unsent}")
    for line in parcel.lines:
        ordered = lines.get(line.line_number)
        if ordered is None or ordered.sku != line.sku:
            fault = f"has line {line.line_number} with {line.sku}, which is not in the order"
        elif line.quantity < 1:
            fault = f"has {line.quantity} of {line.sku}"
        elif left[line.line_number] > ordered.quantity:
            fault = f"brings {line.sku} above the {ordered.quantity} ordered"
        else:
            continue
        return about.differs(f"{fault}. {unsent}")
    return None


def _compare(tx: Transaction, about: _About, parcel: Parcel, was: ParcelRow) -> list[Problem]:
    """Say what a correction changes about a parcel that Centra was sent."""
    problems = []
    label = (parcel.carrier_name, parcel.tracking_number)
    if label != (was.carrier_name, was.tracking_number):
        problems.append(_relabelled(about, parcel, was))
    contents = {
        line.line_number: line.quantity
        for line in despatches.lines_of_parcel(tx, was.despatch_id, was.parcel_number)
    }
    if contents != parcel.units:
        problems.append(about.differs("holds other units, by a correction, than Centra was sent"))
    return problems


def _relabelled(about: _About, parcel: Parcel, was: ParcelRow) -> Problem:
    return about.problem(
        ExceptionKind.TRACKING_CORRECTED,
        "tracking",
        f"changed from {was.carrier_name} {was.tracking_number} to {parcel.carrier_name} "
        f"{parcel.tracking_number} after Centra was sent it; Centra cannot change a sent shipment",
    )
