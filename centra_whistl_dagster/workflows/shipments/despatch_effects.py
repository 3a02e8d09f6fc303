"""What one despatch message does to its order.

Does not belong here: what is in the boxes (`workflows.shipments.parcels`), writing to Centra
(`workflows.shipments.completion`).
"""

from __future__ import annotations

import re
from collections import Counter

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED
from centra_whistl_dagster.ledger import despatches, exceptions, order_contents, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import DespatchState
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.closing import end_if_over
from centra_whistl_dagster.workflows.orders.lines_at_whistl import end_rest
from centra_whistl_dagster.workflows.orders.replacement import note_former_number_active
from centra_whistl_dagster.workflows.orders.short_picks import note_not_sent
from centra_whistl_dagster.workflows.shipments.awaited_despatches import note_awaited
from centra_whistl_dagster.workflows.shipments.parcels import (
    ABOUT_PARCELS,
    are_under_way,
    take_over,
)

_BEING_FOUND_OUT = frozenset({OrderState.SENDING, OrderState.IN_DOUBT})
_UNMATCHED = ExceptionKind.DESPATCH_UNMATCHED
_OF_ANOTHER_ORDER = ExceptionKind.CORRECTS_ANOTHER_ORDER
_ABOUT_MESSAGE = (*ABOUT_PARCELS, _OF_ANOTHER_ORDER)


def apply_despatch(tx: Transaction, link: Link, despatch: Despatch) -> DespatchState:
    """Apply one message, and return what became of it."""
    became = _apply(tx, link, despatch)
    despatches.mark(tx, despatch, became)
    row = orders.find_by_whistl_number(tx, despatch.order_number)
    if row is not None and became is DespatchState.APPLIED:
        if row.whistl_status in STOPPED and despatch.parcels:
            # Whistl's status came first and did not say how much had left.
            end_rest(tx, row)
        end_if_over(tx, row.centra_id)
        note_awaited(tx, row.centra_id)
    return became


def _apply(tx: Transaction, link: Link, despatch: Despatch) -> DespatchState:
    root_id = despatches.root_of(tx, despatch)
    corrects_another = root_id == despatch.despatch_id and despatch.supersedes not in {
        None,
        root_id,
    }
    if corrects_another and despatches.replace_unmatched(tx, despatch):
        # That one was of no order at all: Whistl has corrected its number.
        _resolve(tx, str(despatch.supersedes), [_UNMATCHED])
        corrects_another = False
    row = orders.find_by_whistl_number(tx, despatch.order_number)
    if row is None and not _is_ours(despatch.order_number, link.settings.order_number_prefix):
        # It may have been reported under another number: Whistl has corrected that.
        _resolve(tx, root_id, [*_ABOUT_MESSAGE, _UNMATCHED])
        return DespatchState.NOT_OURS
    if row is not None and row.whistl_number != despatch.order_number:
        # Sent although Whistl had stopped it, and perhaps other goods than the order has now: its
        # exception says so to a person, and no parcel of it is sent to Centra.
        note_former_number_active(tx, row, despatch.order_number, "has now despatched it")
        return DespatchState.SUPERSEDED
    if row is None or not _may_have_left(row):
        if row is None or row.state not in _BEING_FOUND_OUT:
            exceptions.open_or_refresh(tx, [_unmatched(despatch, root_id)])
        return DespatchState.UNMATCHED
    _resolve(tx, root_id, [_UNMATCHED])
    if root_id != despatch.despatch_id:
        # A correction that came before this message was reported under its id.
        _resolve(tx, despatch.despatch_id, [*_ABOUT_MESSAGE, _UNMATCHED])
    applied = despatches.newest_applied_version(tx, root_id, despatch.order_number)
    if applied is not None and applied > despatch.version:
        return DespatchState.SUPERSEDED
    if are_under_way(tx, root_id, row.centra_id):
        # Whether Centra has them must be known before a correction can replace them.
        return DespatchState.RECEIVED
    problems = take_over(tx, row, despatch, root_id)
    if corrects_another:
        problems.append(_corrects_another_order(despatch))
    exceptions.set_for_subject(tx, SubjectType.DESPATCH, root_id, _ABOUT_MESSAGE, problems)
    _note_short_lines(tx, row, despatch)
    _move_order(tx, row, despatch)
    return DespatchState.APPLIED


def _is_ours(order_number: str, prefix: str) -> bool:
    """Say whether a number can be of an order not sent yet: the prefix, then Centra's number."""
    return re.match(re.escape(prefix) + "[0-9]", order_number) is not None


def _may_have_left(row: OrderRow) -> bool:
    return row.submitted_at is not None and row.state not in _BEING_FOUND_OUT


def _note_short_lines(tx: Transaction, row: OrderRow, despatch: Despatch) -> None:
    """Take over the units not found of all messages that hold now, this one among them."""
    named_before = {line.line_number for line in despatches.short_lines(tx, despatch.order_number)}
    despatches.mark(tx, despatch, DespatchState.APPLIED)
    units = Counter(dict.fromkeys(named_before, 0))
    for line in despatches.short_lines(tx, despatch.order_number):
        units[line.line_number] += line.quantity
    if units:
        note_not_sent(tx, row, units)


def _move_order(tx: Transaction, row: OrderRow, despatch: Despatch) -> None:
    if not despatch.parcels and not any(
        despatches.units_shipped_by_line(tx, row.centra_id).values()
    ):
        # Nothing has left so far: the message only says what could not be found.
        is_all_short = all(
            line.not_found >= line.quantity for line in order_contents.lines(tx, row.centra_id)
        )
        if is_all_short or not despatch.is_order_complete:
            return
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
        kind=_UNMATCHED,
        subject_type=SubjectType.DESPATCH,
        subject=root_id,
        field="order_number",
        value=despatch.order_number,
        message=(
            f"Whistl despatched {despatch.order_number} ({despatch.despatch_id}), which is not an "
            "order this connection sent."
        ),
    )


def _corrects_another_order(despatch: Despatch) -> Problem:
    return Problem(
        kind=_OF_ANOTHER_ORDER,
        subject_type=SubjectType.DESPATCH,
        subject=despatch.despatch_id,
        field="supersedes",
        value=despatch.supersedes or "",
        message=(
            f"Despatch {despatch.despatch_id} of order {despatch.order_number} refers to despatch "
            f"{despatch.supersedes}, which is about another order. It was applied to "
            f"{despatch.order_number}; the parcels of the other order were left as they are."
        ),
    )
