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
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import despatches, exceptions, order_contents, orders, state
from centra_whistl_dagster.ledger.despatches import DespatchState
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.whistl.client import DespatchPage, UnreadableDespatch
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.closing import close_if_known_whole
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
                is_new = despatches.receive(tx, despatch, now=link.now())
                tally.written += is_new
                tally.unchanged += not is_new
            _tell_of_unreadable(tx, link, page)
            tally.failed["unreadable"] += len(page.unreadable)
            known = int(state.read(tx, state.WHISTL_DESPATCHES) or 0)
            newest = max(known, page.next_after_sequence)
            state.set_to(tx, state.WHISTL_DESPATCHES, str(newest), now=link.now())
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
            _close(tx, link, despatch)
        if became is DespatchState.APPLIED:
            tally.written += 1
        else:
            tally.skipped[became.value] += 1
    return tally


def _tell_of_unreadable(tx: Transaction, link: Link, page: DespatchPage) -> None:
    """Tell of messages that could not be read, and close what was told of those that now can be."""
    unreadable = {record.despatch_id for record in page.unreadable}
    kind = ExceptionKind.UNREADABLE_RECORD
    told = exceptions.open_subjects(tx, kind)
    for despatch_id in {despatch.despatch_id for despatch in page.despatches} & told - unreadable:
        _resolve(tx, link, despatch_id, [kind])
    link.raise_exceptions(tx, [_unreadable(record) for record in page.unreadable])


def _last_sequence(link: Link) -> int:
    with link.ledger.reading() as tx:
        return int(state.read(tx, state.WHISTL_DESPATCHES) or 0)


def _apply(tx: Transaction, link: Link, despatch: Despatch) -> DespatchState:
    if not despatch.order_number.startswith(link.settings.order_number_prefix):
        return DespatchState.NOT_OURS
    row = orders.find_by_whistl_number(tx, despatch.order_number)
    root_id = despatches.root_of(tx, despatch)
    if row is None or not _may_have_left(row):
        if row is None or row.state not in _BEING_FOUND_OUT:
            link.raise_exceptions(tx, [_unmatched(despatch, root_id)])
        return DespatchState.UNMATCHED
    _resolve(tx, link, root_id, [ExceptionKind.DESPATCH_UNMATCHED])
    if root_id != despatch.despatch_id:
        # A correction that came before this message was told under its id.
        _resolve(tx, link, despatch.despatch_id, [*ABOUT_PARCELS, ExceptionKind.DESPATCH_UNMATCHED])
    applied = despatches.newest_applied_version(tx, root_id)
    if applied is not None and applied > despatch.version:
        return DespatchState.SUPERSEDED
    if are_under_way(tx, root_id):
        # Whether Centra has them must be known before a correction can replace them.
        return DespatchState.RECEIVED
    problems = take_over(tx, link, row, despatch, root_id)
    exceptions.set_for_subject(
        tx,
        SubjectType.DESPATCH,
        root_id,
        ABOUT_PARCELS,
        problems,
        link.configuration.exception_kinds,
        now=link.now(),
    )
    _note_short_lines(tx, link, row, despatch)
    _move_order(tx, link, row, despatch)
    return DespatchState.APPLIED


def _note_short_lines(tx: Transaction, link: Link, row: Row, despatch: Despatch) -> None:
    """Take over the units not found of all messages that hold now, this one among them."""
    named_before = {line.line_number for line in despatches.short_lines(tx, despatch.order_number)}
    despatches.mark(tx, despatch, DespatchState.APPLIED)
    units = Counter(dict.fromkeys(named_before, 0))
    for line in despatches.short_lines(tx, despatch.order_number):
        units[line.line_number] += line.quantity
    order_contents.note_not_found(tx, row.centra_id, units)
    if named_before and not units.total():
        kinds = [ExceptionKind.SHORT_PICK]
        exceptions.resolve(tx, SubjectType.ORDER, str(row.number), kinds=kinds, now=link.now())
    link.raise_exceptions(tx, [_short(row, line) for line in despatch.short_lines])


def _close(tx: Transaction, link: Link, despatch: Despatch) -> None:
    """Close the order where the message had no parcel left for Centra to be told of."""
    row = orders.find_by_whistl_number(tx, despatch.order_number)
    if row is not None:
        close_if_known_whole(tx, link, row.centra_id)


_BEING_FOUND_OUT = frozenset({OrderState.SENDING, OrderState.IN_DOUBT})


def _may_have_left(row: Row) -> bool:
    return row.submitted_at is not None and row.state not in _BEING_FOUND_OUT


def _move_order(tx: Transaction, link: Link, row: Row, despatch: Despatch) -> None:
    to = OrderState.DESPATCHED if despatch.is_order_complete else OrderState.PART_DESPATCHED
    if row.state in {to, OrderState.DESPATCHED, OrderState.COMPLETED}:
        return
    if row.state == OrderState.CANCELLED or row.cancel_wanted_at is not None:
        link.raise_exceptions(tx, [_sent_all_the_same(row)])
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


def _resolve(tx: Transaction, link: Link, root_id: str, kinds: list[ExceptionKind]) -> None:
    exceptions.resolve(tx, SubjectType.DESPATCH, root_id, kinds=kinds, now=link.now())


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


def _sent_all_the_same(row: Row) -> Problem:
    return Problem(
        kind=ExceptionKind.CANCELLED_AFTER_SENDING,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="status",
        value="DESPATCHED",
        message=f"Order {row.number} was cancelled; Whistl has sent it all the same.",
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
