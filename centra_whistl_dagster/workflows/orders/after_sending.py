"""What a fresh reading from Centra means for an order that Whistl was sent.

The rules are the matrix of `domain.orders.changes_after_sending`; here its decision becomes a stop
that Whistl is to be asked for (`workflows.orders.cancellation`), and exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.after_sending_decision import (
    Decision,
    decide,
    message,
    standing_of,
)
from centra_whistl_dagster.domain.orders.changes_after_sending import (
    KINDS,
    Change,
    Standing,
    StopReason,
)
from centra_whistl_dagster.domain.orders.order import CANCELLED, Order, content_hash
from centra_whistl_dagster.domain.orders.order_comparison import Changes, what_changed
from centra_whistl_dagster.domain.tally import Fate
from centra_whistl_dagster.ledger import exceptions, order_contents, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.replacement import can_renumber

BEFORE_PACKED = (
    *(Standing.RECEIVED, Standing.HELD, Standing.BACKORDERED, Standing.ALLOCATED),
    *(Standing.PICKING, Standing.UNKNOWN),
)
"""Where Whistl can be asked to stop an order; one that it refused to stop is further on."""


def react(tx: Transaction, link: Link, row: OrderRow, order: Order) -> Fate:
    """Plan what is to be done about an order that is not any more as it was sent."""
    changes = changes_of(tx, link, row, order)
    standing = standing_of(row.state, row.whistl_status)
    decision = decision_on(tx, link, row, changes, standing)
    is_planned = _plan_stop(tx, row, decision, is_cancelled=Change.CANCELLED in changes)
    is_notified = standing is not Standing.IN_DOUBT and bool(decision.notify)
    is_given_up = not is_planned and row.stop_for is not None and row.stop_due_at is None
    # What a person wants sent again was not edited: a reading does not end what failed about it.
    kept = {ExceptionKind.EDITED_AFTER_SENDING} if row.stop_for is StopReason.BY_HAND else set()
    over = []
    for kind, about in KINDS.items():
        if is_notified and decision.notify & about:
            concerned = {change: changes[change] for change in decision.notify & about}
            notify(tx, row, kind, standing, concerned, order=order)
        elif not about & changes.keys():
            over.append(kind)
        elif is_given_up and not exceptions.is_open_for_order(tx, row.number, kind):
            # Changed once more, after somebody had closed what Whistl could not be stopped for.
            concerned = {change: fields for change, fields in changes.items() if change in about}
            first = "Whistl has not confirmed that it can stop it."
            notify(tx, row, kind, standing, concerned, first=first, order=order)
    exceptions.resolve_order(tx, row.number, {*over} - kept)
    return Fate.WRITTEN if is_planned or is_notified else Fate.UNCHANGED


def changes_of(tx: Transaction, link: Link, row: OrderRow, order: Order) -> Changes:
    """Compare an order with what Whistl was sent."""
    if order.status == CANCELLED:
        return {Change.CANCELLED: ()}
    if not order_contents.has_payload(tx, row.centra_id):
        is_same = row.sent_hash in {None, content_hash(order)}
        return {} if is_same else {Change.EARLIER_VERSION: ()}
    lines = order_contents.lines(tx, row.centra_id)
    changes = what_changed(
        order_contents.payload(tx, row.centra_id),
        order,
        warehouse_id=link.settings.centra.warehouse_id,
        not_found={line.line_id: line.not_found for line in lines},
    )
    # What is kept is not what Whistl has: a look-up found an earlier attempt there.
    is_earlier = row.sent_hash is not None and row.sent_hash != row.content_hash
    return {**changes, **({Change.EARLIER_VERSION: ()} if is_earlier else {})}


def decision_on(
    tx: Transaction, link: Link, row: OrderRow, changes: Changes, standing: Standing
) -> Decision:
    """Decide about the changes of one order; in doubt, a stop is planned for when Whistl has it."""
    return decide(
        changes,
        Standing.RECEIVED if standing is Standing.IN_DOUBT else standing,
        link.configuration.after_sending,
        can_renumber=not changes or can_renumber(tx, link, row),
    )


def notify(
    tx: Transaction,
    row: OrderRow,
    kind: ExceptionKind,
    standing: Standing,
    changes: Mapping[Change, tuple[str, ...]],
    *,
    first: str = "",
    order: Order | None = None,
) -> None:
    """Open or refresh the exception that says what changed and what can still be done.

    One that a person has closed opens again if `order`, as Centra has it now, is changed once more,
    or if it leaves the warehouse after all.
    """
    has_left = standing in {Standing.PART_DESPATCHED, Standing.DESPATCHED}
    said = message(row.number, row.whistl_number, standing, changes)
    exceptions.about_order(
        tx,
        row,
        kind,
        f"{first} {said}".strip(),
        field="order",
        value=row.whistl_status or "",
        contents=f"{content_hash(order)} {has_left}" if order else "",
    )


def _plan_stop(tx: Transaction, row: OrderRow, decision: Decision, *, is_cancelled: bool) -> bool:
    """Take down why Whistl is to be asked to stop an order, if at all; say whether that is new."""
    wanted = _reason(row, decision)
    change = OrderChange()
    if is_cancelled and row.cancel_wanted_at is None:
        change["cancel_wanted_at"] = tx.now
    elif not is_cancelled and row.cancel_wanted_at is not None:
        change["cancel_wanted_at"] = None
    if wanted is not row.stop_for:
        change["stop_for"] = wanted
        change["stop_due_at"] = None if wanted is None else tx.now
        change["stop_attempts"] = 0
    if change:
        orders.update(tx, [row.centra_id], **change)
    return bool(change)


def _reason(row: OrderRow, decision: Decision) -> StopReason | None:
    """Return the most serious reason; what a person or Whistl gave outlasts a reading."""
    reasons = {decision.stop_for}
    if row.former_active_at is not None:
        reasons.add(StopReason.SENT_ALREADY)
    if row.stop_for is StopReason.BY_HAND:
        reasons.add(StopReason.BY_HAND)
    return next((reason for reason in StopReason if reason in reasons), None)
