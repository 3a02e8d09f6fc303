"""Take in Whistl's despatch messages and apply each to its order.

Belongs here: reading by sequence, matching to orders, what a message does to an order. Does not
belong here: what is in the boxes (`workflows.shipments.parcels`), writing to Centra
(`workflows.shipments.completion`).
"""

from __future__ import annotations

from collections import Counter

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.despatches import Despatch, ShortLine
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import despatches, exceptions, order_contents, orders, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import DespatchState
from centra_whistl_dagster.whistl.client import DespatchPage, UnreadableDespatch
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.closing import close_if_known_whole
from centra_whistl_dagster.workflows.orders.replacement import note_former_number_active
from centra_whistl_dagster.workflows.shipments.parcels import (
    ABOUT_PARCELS,
    are_under_way,
    take_over,
)

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
                is_new = despatches.receive(tx, despatch)
                tally.add(Fate.WRITTEN if is_new else Fate.UNCHANGED)
            _report_unreadable(tx, page)
            tally.add(Failed("unreadable"), len(page.unreadable))
            known = int(state.read(tx, state.WHISTL_DESPATCHES) or 0)
            newest = max(known, page.next_after_sequence)
            state.set_to(tx, state.WHISTL_DESPATCHES, str(newest))
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
            became = _apply(tx, link, despatch)
            despatches.mark(tx, despatch, became)
            _close(tx, despatch)
        tally.add(Fate.WRITTEN if became is DespatchState.APPLIED else Skipped(became))
    return tally


def _report_unreadable(tx: Transaction, page: DespatchPage) -> None:
    """Open exceptions for unreadable messages; resolve those of messages that now can be read."""
    unreadable = {record.despatch_id for record in page.unreadable}
    kind = ExceptionKind.UNREADABLE_RECORD
    told = exceptions.open_subjects(tx, kind)
    for despatch_id in {despatch.despatch_id for despatch in page.despatches} & told - unreadable:
        _resolve(tx, despatch_id, [kind])
    exceptions.open_or_refresh(tx, [_unreadable(record) for record in page.unreadable])


def _last_sequence(link: Link) -> int:
    with link.ledger.reading() as tx:
        return int(state.read(tx, state.WHISTL_DESPATCHES) or 0)


def _apply(tx: Transaction, link: Link, despatch: Despatch) -> DespatchState:
    if not despatch.order_number.startswith(link.settings.order_number_prefix):
        return DespatchState.NOT_OURS
    row = orders.find_by_whistl_number(tx, despatch.order_number)
    if row is not None and row.whistl_number != despatch.order_number:
        # Sent although Whistl had stopped it, and perhaps other goods than the order has now.
        note_former_number_active(tx, row, despatch.order_number, "has despatched")
        return DespatchState.HELD
    root_id = despatches.root_of(tx, despatch)
    if row is None or not _may_have_left(row):
        if row is None or row.state not in _BEING_FOUND_OUT:
            exceptions.open_or_refresh(tx, [_unmatched(despatch, root_id)])
        return DespatchState.UNMATCHED
    _resolve(tx, root_id, [ExceptionKind.DESPATCH_UNMATCHED])
    if root_id != despatch.despatch_id:
        # A correction that came before this message was told under its id.
        _resolve(tx, despatch.despatch_id, [*ABOUT_PARCELS, ExceptionKind.DESPATCH_UNMATCHED])
    applied = despatches.newest_applied_version(tx, root_id)
    if applied is not None and applied > despatch.version:
        return DespatchState.SUPERSEDED
    if are_under_way(tx, root_id):
        # Whether Centra has them must be known before a correction can replace them.
        return DespatchState.RECEIVED
    problems = take_over(tx, row, despatch, root_id)
    exceptions.set_for_subject(tx, SubjectType.DESPATCH, root_id, ABOUT_PARCELS, problems)
    _note_short_lines(tx, row, despatch)
    _move_order(tx, row, despatch)
    return DespatchState.APPLIED


def _note_short_lines(tx: Transaction, row: OrderRow, despatch: Despatch) -> None:
    """Take over the units not found of all messages that hold now, this one among them."""
    named_before = {line.line_number for line in despatches.short_lines(tx, despatch.order_number)}
    despatches.mark(tx, despatch, DespatchState.APPLIED)
    units = Counter(dict.fromkeys(named_before, 0))
    for line in despatches.short_lines(tx, despatch.order_number):
        units[line.line_number] += line.quantity
    order_contents.note_not_found(tx, row.centra_id, units)
    if named_before and not units.total():
        exceptions.resolve_order(tx, row.number, [ExceptionKind.SHORT_PICK])
    for line in despatch.short_lines:
        _report_short(tx, row, line)


def _close(tx: Transaction, despatch: Despatch) -> None:
    """Close the order where the message had no parcel left for Centra to be told of."""
    row = orders.find_by_whistl_number(tx, despatch.order_number)
    if row is not None:
        close_if_known_whole(tx, row.centra_id)


_BEING_FOUND_OUT = frozenset({OrderState.SENDING, OrderState.IN_DOUBT})


def _may_have_left(row: OrderRow) -> bool:
    return row.submitted_at is not None and row.state not in _BEING_FOUND_OUT


def _move_order(tx: Transaction, row: OrderRow, despatch: Despatch) -> None:
    to = OrderState.DESPATCHED if despatch.is_order_complete else OrderState.PART_DESPATCHED
    if row.state in {to, OrderState.DESPATCHED, OrderState.COMPLETED}:
        return
    if row.state is OrderState.CANCELLED or row.cancel_wanted_at is not None:
        exceptions.about_order(
            tx,
            row,
            ExceptionKind.CANCELLED_AFTER_SENDING,
            f"Order {row.number} was cancelled; Whistl has sent it all the same.",
            value="DESPATCHED",
        )
    orders.move(
        tx,
        row,
        to,
        reason=f"despatch {despatch.despatch_id}",
        despatched_at=despatch.despatched_at,
        # A despatch proves that its units were set aside, should the status feed lag behind.
        allocated_at=row.allocated_at or despatch.despatched_at,
    )


def _resolve(tx: Transaction, root_id: str, kinds: list[ExceptionKind]) -> None:
    exceptions.resolve(tx, SubjectType.DESPATCH, root_id, kinds)


def _unmatched(despatch: Despatch, root_id: str) -> Problem:
    return Problem(
        kind=ExceptionKind.DESPATCH_UNMATCHED,
        subject_type=SubjectType.DESPATCH,
        subject=root_id,
        field="order_number",
        value=despatch.order_number,
        message=(
            f"Whistl despatched {despatch.order_number} ({despatch.despatch_id}), which is not an "
            "order this connection sent."
        ),
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


def _report_short(tx: Transaction, row: OrderRow, line: ShortLine) -> None:
    why = f": {line.reason}" if line.reason else ""
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.SHORT_PICK,
        f"Whistl could not send {line.quantity} of {line.sku} of order {row.number}{why}. "
        "Cancel the line in Centra.",
        field=f"line {line.line_number}",
        value=line.sku,
    )
