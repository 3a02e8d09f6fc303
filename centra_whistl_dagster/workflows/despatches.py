"""Take in Whistl's despatch messages and turn them into parcels that Centra must come to know of.

Belongs here: reading by sequence, matching to orders, refusing what cannot be right. Does not
belong here: writing to Centra (`workflows.shipments`).
"""

from __future__ import annotations

from centra_whistl_dagster.domain.despatches import Despatch, Parcel, ShortLine
from centra_whistl_dagster.domain.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import cursors, despatches, exceptions, orders
from centra_whistl_dagster.ledger.despatches import DespatchState, ParcelState
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.whistl.client import UnreadableDespatch
from centra_whistl_dagster.workflows.link import Link

_PAGE = 200
_RE_READ = 500
"""Sequences that a sweep reads again: a message that came late under an old number is found."""


def are_there_new_despatches(link: Link) -> bool:
    """Ask Whistl, in one cheap request, for a message after the last one read."""
    return bool(link.whistl.despatches_after(_last_sequence(link), limit=1).despatches)


def pull_despatches(link: Link, *, is_sweep: bool = False) -> Tally:
    """Store every message after the cursor; one that was stored before changes nothing.

    Raises:
        IntegrationError: Whistl could not be read; pages already stored are kept.
    """
    sequence = _last_sequence(link)
    if is_sweep:
        sequence = max(0, sequence - _RE_READ)
    tally = Tally()
    has_more = True
    while has_more:
        page = link.whistl.despatches_after(sequence, limit=_PAGE)
        with link.ledger.transaction() as tx:
            for despatch in page.despatches:
                is_new = despatches.receive(tx, despatch, now=link.now())
                tally.written += is_new
                tally.unchanged += not is_new
            link.raise_exceptions(tx, [_unreadable(record) for record in page.unreadable])
            tally.failed["unreadable"] += len(page.unreadable)
            known = int(cursors.read(tx, cursors.WHISTL_DESPATCHES) or 0)
            newest = max(known, page.next_after_sequence)
            cursors.set_to(tx, cursors.WHISTL_DESPATCHES, str(newest), now=link.now())
        tally.read += len(page.despatches) + len(page.unreadable)
        # A server that says "more" without moving on would keep us here for ever.
        has_more = page.has_more and page.next_after_sequence > sequence
        sequence = page.next_after_sequence
    return tally


def apply_despatches(link: Link) -> Tally:
    """Turn stored messages into parcels to be written to Centra."""
    with link.ledger.reading() as tx:
        waiting = despatches.waiting(tx)
    tally = Tally(read=len(waiting))
    for despatch in waiting:
        with link.ledger.transaction() as tx:
            state = _apply(tx, link, despatch)
            despatches.mark(tx, despatch, state)
        if state is DespatchState.APPLIED:
            tally.written += 1
        else:
            tally.skipped[state.value] += 1
    return tally


def _last_sequence(link: Link) -> int:
    with link.ledger.reading() as tx:
        return int(cursors.read(tx, cursors.WHISTL_DESPATCHES) or 0)


def _apply(tx: Transaction, link: Link, despatch: Despatch) -> DespatchState:
    row = orders.find_by_whistl_number(tx, despatch.order_number)
    if row is None or not _may_have_left(row):
        link.raise_exceptions(tx, [_unmatched(despatch)])
        return DespatchState.UNMATCHED
    _resolve(tx, link, despatch, [ExceptionKind.DESPATCH_UNMATCHED])
    root_id = despatches.root_of(tx, despatch)
    applied = despatches.newest_applied_version(tx, root_id)
    if applied is not None and applied > despatch.version:
        return DespatchState.SUPERSEDED
    for parcel in despatch.parcels:
        existing = despatches.parcel(tx, root_id, parcel.parcel_number)
        if existing is None or _make_room(tx, link, despatch, parcel, existing):
            _add_parcel(tx, link, row, despatch, parcel, root_id=root_id)
    link.raise_exceptions(tx, [_short(row, line) for line in despatch.short_lines])
    _move_order(tx, link, row, despatch)
    return DespatchState.APPLIED


def _may_have_left(row: Row) -> bool:
    return row.submitted_at is not None and row.state not in {
        OrderState.SENDING,
        OrderState.IN_DOUBT,
    }


def _make_room(
    tx: Transaction, link: Link, despatch: Despatch, parcel: Parcel, existing: Row
) -> bool:
    """Take out the parcel that a correction replaces; False where Centra has the old one."""
    if existing.state in {ParcelState.OPEN, ParcelState.HELD}:
        despatches.remove_parcel(tx, existing)
        return True
    was = (existing.carrier_name, existing.tracking_number)
    if was != (parcel.carrier_name, parcel.tracking_number):
        link.raise_exceptions(tx, [_tracking_corrected(despatch, parcel, existing)])
    return False


def _add_parcel(
    tx: Transaction, link: Link, row: Row, despatch: Despatch, parcel: Parcel, *, root_id: str
) -> None:
    lines = {line.line_number: line for line in orders.lines(tx, row.centra_id)}
    left = despatches.units_shipped_by_line(tx, row.centra_id)
    problem = _what_is_wrong(row, despatch, parcel, lines, left)
    known_lines = all(line.line_number in lines for line in parcel.lines)
    if problem is not None:
        link.raise_exceptions(tx, [problem])
    else:
        _resolve(
            tx,
            link,
            despatch,
            [ExceptionKind.DESPATCH_WITHOUT_CARRIER, ExceptionKind.DESPATCH_DIFFERS],
        )
    if known_lines:
        despatches.add_parcel(
            tx,
            root_id=root_id,
            despatch=despatch,
            parcel=parcel,
            centra_id=row.centra_id,
            state=ParcelState.HELD if problem else ParcelState.OPEN,
            line_ids={number: line.line_id for number, line in lines.items()},
            now=link.now(),
        )


def _what_is_wrong(
    row: Row, despatch: Despatch, parcel: Parcel, lines: dict[int, Row], left: dict[int, int]
) -> Problem | None:
    where = f"Parcel {parcel.parcel_number} of despatch {despatch.despatch_id}"
    if not parcel.carrier_name.strip():
        return _problem(
            despatch,
            ExceptionKind.DESPATCH_WITHOUT_CARRIER,
            f"parcel {parcel.parcel_number}: carrier",
            f"{where} (order {row.number}) names no carrier, so Centra was not told of it.",
        )
    for line in parcel.lines:
        ordered = lines.get(line.line_number)
        if ordered is None or ordered.sku != line.sku:
            fault = f"has line {line.line_number} with {line.sku}, which is not in the order"
        elif left.get(line.line_number, 0) + line.quantity > ordered.quantity:
            fault = f"brings {line.sku} above the {ordered.quantity} ordered"
        else:
            continue
        return _problem(
            despatch,
            ExceptionKind.DESPATCH_DIFFERS,
            f"parcel {parcel.parcel_number}: line {line.line_number}",
            f"{where} {fault} (order {row.number}). Centra was not told of it.",
        )
    return None


def _move_order(tx: Transaction, link: Link, row: Row, despatch: Despatch) -> None:
    to = OrderState.DESPATCHED if despatch.is_order_complete else OrderState.PART_DESPATCHED
    if row.state in {to, OrderState.DESPATCHED, OrderState.COMPLETED}:
        return
    if row.state == OrderState.CANCELLED:
        link.raise_exceptions(
            tx,
            [
                Problem(
                    kind=ExceptionKind.CANCELLED_AFTER_SENDING,
                    subject_type=SubjectType.ORDER,
                    subject=str(row.number),
                    field="status",
                    value="DESPATCHED",
                    message=f"Order {row.number} was cancelled; Whistl has sent it all the same.",
                )
            ],
        )
    orders.move(
        tx,
        row,
        to,
        reason=f"despatch {despatch.despatch_id}",
        now=link.now(),
        despatched_at=despatch.despatched_at,
        # A despatch proves that its units were set aside, should the status feed lag behind.
        allocated_at=row.allocated_at or despatch.despatched_at,
    )


def _resolve(tx: Transaction, link: Link, despatch: Despatch, kinds: list[ExceptionKind]) -> None:
    exceptions.resolve(tx, SubjectType.DESPATCH, despatch.despatch_id, kinds=kinds, now=link.now())


def _problem(despatch: Despatch, kind: ExceptionKind, field: str, message: str) -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.DESPATCH,
        subject=despatch.despatch_id,
        field=field,
        value=despatch.order_number,
        message=message,
    )


def _unmatched(despatch: Despatch) -> Problem:
    return _problem(
        despatch,
        ExceptionKind.DESPATCH_UNMATCHED,
        "order_number",
        f"Whistl despatched {despatch.order_number}, which is not an order this connection sent.",
    )


def _unreadable(record: UnreadableDespatch) -> Problem:
    return Problem(
        kind=ExceptionKind.UNREADABLE_RECORD,
        subject_type=SubjectType.DESPATCH,
        subject=record.despatch_id,
        field=record.field,
        value="",
        message=f"Whistl's despatch {record.despatch_id} could not be read: {record.detail}",
    )


def _short(row: Row, line: ShortLine) -> Problem:
    return Problem(
        kind=ExceptionKind.SHORT_PICK,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field=f"line {line.line_number}",
        value=line.sku,
        message=(
            f"Whistl could not send {line.quantity} of {line.sku} of order {row.number}"
            f"{': ' + line.reason if line.reason else ''}. Cancel the line in Centra."
        ),
    )


def _tracking_corrected(despatch: Despatch, parcel: Parcel, was: Row) -> Problem:
    return _problem(
        despatch,
        ExceptionKind.TRACKING_CORRECTED,
        f"parcel {parcel.parcel_number}: tracking",
        f"Whistl changed parcel {parcel.parcel_number} of {despatch.order_number} from "
        f"{was.carrier_name} {was.tracking_number} to {parcel.carrier_name} "
        f"{parcel.tracking_number} after Centra was told; Centra cannot change a sent shipment.",
    )
