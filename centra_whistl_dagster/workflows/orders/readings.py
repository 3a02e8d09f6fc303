"""What a fresh reading of an order from Centra means for the state of that order.

Belongs here: new, on hold, released, cancelled, resumed, edited, before it was sent and once Whistl
has ended it. Does not belong here: when orders are read (`workflows.orders.intake`), what changed
while Whistl has it (`workflows.orders.after_sending`), judging contents
(`workflows.orders.screening`).
"""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.endings import (
    FOUND_BEFORE_SENDING,
    OVER_ONCE_CANCELLED,
)
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem
from centra_whistl_dagster.domain.orders.after_sending_decision import standing_of
from centra_whistl_dagster.domain.orders.changes_after_sending import (
    Change,
    Standing,
    StopReason,
)
from centra_whistl_dagster.domain.orders.order import (
    SHIPPED,
    Order,
    Permission,
    content_hash,
    permission,
)
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.domain.tally import Fate, Skipped
from centra_whistl_dagster.ledger import exceptions, order_contents, orders, standings
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.after_sending import (
    changes_of,
    decision_on,
    notify,
    react,
)
from centra_whistl_dagster.workflows.orders.replacement import (
    has_left,
    number_too_long,
    send_again,
    still_active,
)

_RE_ENTERS = {
    OrderState.WAITING: "released in Centra",
    OrderState.CANCELLED: "resumed in Centra",
}
"""Why an order that had been stopped in Centra before it was sent goes on."""


def apply_reading(tx: Transaction, link: Link, order: Order) -> Fate:
    """Let a fresh reading of an order change its state; return what became of the reading."""
    row = orders.find(tx, order.centra_id)
    allowed = _permission_of(link, order, row)
    if row is None:
        return _take_in_new(tx, link, order, allowed)
    if order.updated_at < row.centra_updated_at <= tx.now:
        # Two processes read at once, and the one that read first writes last. A date in the future
        # is no measure of that: it would hide every change until then.
        return Fate.UNCHANGED
    if row.submitted_at is None and row.state in {*UNSENT, OrderState.CANCELLED}:
        return _apply_to_unsent(tx, link, row, order, allowed)
    orders.note_seen(tx, order)
    standings.note_wanted(tx, order)
    if row.state in {OrderState.BLOCKED, OrderState.CANCELLED}:
        return _apply_to_stopped(tx, link, row, order, allowed)
    _close_short_picks(tx, row, order)
    if row.state is OrderState.COMPLETED:
        return Fate.UNCHANGED
    return react(tx, link, row, order)


def may_be_sent(link: Link, order: Order, row: OrderRow) -> bool:
    """Say whether an order may go to Whistl now, and as a whole."""
    is_allowed = _permission_of(link, order, row) is Permission.MAY_BE_SENT
    return is_allowed and _obstacle(link, order, row) is None


def _permission_of(link: Link, order: Order, row: OrderRow | None) -> Permission:
    """Say whether an order may be sent, and by our warehouse."""
    allowed = permission(order, locked_by_us=row is not None and row.locked_at is not None)
    ours = link.settings.centra.warehouse_id
    is_for_another = bool(order.warehouse_ids) and ours not in order.warehouse_ids
    if allowed is Permission.MAY_BE_SENT and is_for_another:
        return Permission.WAITING
    return allowed


def _take_in_new(tx: Transaction, link: Link, order: Order, allowed: Permission) -> Fate:
    if allowed in {Permission.CANCELLED, Permission.ENDED}:
        return Skipped(f"{allowed} before it was read")
    obstacle = _obstacle(link, order, row=None)
    if allowed is not Permission.MAY_BE_SENT:
        state, reason = OrderState.WAITING, _why_waiting(order)
    elif obstacle:
        state, reason = OrderState.BLOCKED, str(obstacle.kind)
    else:
        state, reason = OrderState.RECEIVED, "confirmed in Centra"
    whistl_number = f"{link.settings.order_number_prefix}{order.number}"
    orders.add(tx, order, whistl_number=whistl_number, state=state, reason=reason)
    if obstacle and state is OrderState.BLOCKED:
        exceptions.set_for_order(tx, order.centra_id, FOUND_BEFORE_SENDING, [obstacle])
    return Fate.WRITTEN


def _end(tx: Transaction, row: OrderRow, order: Order) -> Fate:
    """End an order that was shipped or archived in Centra while Whistl did not have it."""
    orders.note_seen(tx, order)
    if row.state is OrderState.CANCELLED:
        return Fate.UNCHANGED
    reason = f"{order.status.lower()} in Centra, without Whistl"
    if order.status == SHIPPED:
        orders.move(tx, row, OrderState.COMPLETED, reason=reason, completed_at=tx.now, due_at=None)
        # Nobody has to edit it any more.
        exceptions.resolve_order(tx, row.number, [ExceptionKind.UNLOCK_REFUSED])
    else:
        orders.move(tx, row, OrderState.CANCELLED, reason=reason, cancelled_at=tx.now, due_at=None)
    exceptions.end_for_order(tx, row, OVER_ONCE_CANCELLED)
    return Fate.WRITTEN


def _apply_to_unsent(
    tx: Transaction, link: Link, row: OrderRow, order: Order, allowed: Permission
) -> Fate:
    if allowed is Permission.ENDED:
        return _end(tx, row, order)
    is_changed = row.content_hash != content_hash(order)
    is_stored = order_contents.has_payload(tx, order.centra_id)
    if not is_stored and row.state is OrderState.CANCELLED and allowed is Permission.CANCELLED:
        # Its contents were erased: a sweep must not bring them back.
        orders.note_seen(tx, order)
        return Fate.UNCHANGED
    if is_changed or not is_stored:
        orders.refresh(tx, order)
    else:
        orders.note_seen(tx, order)
    if row.locked_at is not None and not order.is_locked:
        # Unlocked meanwhile, by us or by a person: it is locked anew once Whistl has it.
        orders.update(tx, [row.centra_id], locked_at=None)
        exceptions.resolve_order(tx, row.number, [ExceptionKind.UNLOCK_REFUSED])
    obstacle = _obstacle(link, order, row)
    if obstacle and allowed is Permission.MAY_BE_SENT:
        return _block(tx, row, obstacle)
    wanted, reason = _wanted_state(order, row, allowed, is_changed=is_changed)
    if wanted is row.state:
        return Fate.WRITTEN if is_changed else Fate.UNCHANGED
    is_cancelled = wanted is OrderState.CANCELLED
    orders.move(
        tx,
        row,
        wanted,
        reason=reason,
        cancel_wanted_at=None,
        cancelled_at=tx.now if is_cancelled else None,
    )
    if is_cancelled:
        exceptions.end_for_order(tx, row, OVER_ONCE_CANCELLED)
    return Fate.WRITTEN


def _wanted_state(
    order: Order, row: OrderRow, allowed: Permission, *, is_changed: bool
) -> tuple[OrderState, str]:
    """Return where an order that was never sent to Whistl belongs now, and why."""
    if allowed is Permission.CANCELLED:
        return OrderState.CANCELLED, "cancelled in Centra"
    if allowed is Permission.WAITING:
        return OrderState.WAITING, _why_waiting(order)
    if row.state in _RE_ENTERS:
        return OrderState.RECEIVED, _RE_ENTERS[row.state]
    if is_changed:
        return OrderState.RECEIVED, "changed in Centra"
    if row.state is OrderState.BLOCKED and row.screened_at is None:
        return OrderState.RECEIVED, "only Whistl ships this order again"
    return row.state, ""


def _block(tx: Transaction, row: OrderRow, obstacle: Problem) -> Fate:
    """Block an order that must not go as it is; screening does not unblock it."""
    exceptions.set_for_order(tx, row.centra_id, FOUND_BEFORE_SENDING, [obstacle])
    if row.state is OrderState.BLOCKED and row.screened_at is None:
        return Fate.UNCHANGED
    orders.move(
        tx,
        row,
        OrderState.BLOCKED,
        reason=obstacle.kind,
        screened_at=None,
        cancel_wanted_at=None,
        cancelled_at=None,
    )
    return Fate.WRITTEN


def _obstacle(link: Link, order: Order, row: OrderRow | None) -> Problem | None:
    """Return what prevents the order from being sent whole, if anything."""
    limit = link.configuration.screening.order_number_characters
    if row is not None and row.former_active_at is not None:
        return still_active(row)
    if row is not None and _is_renumbered(link, row) and len(row.whistl_number) > limit:
        return number_too_long(row, limit)
    if any(shipment.is_shipped for shipment in order.shipments):
        kind, field = ExceptionKind.PARTLY_SHIPPED_ALREADY, "shipments"
        message = f"Centra already has a completed shipment of order {order.number}."
    elif len(order.warehouse_ids) > 1 and link.settings.centra.warehouse_id in order.warehouse_ids:
        kind, field = ExceptionKind.SHARED_WITH_ANOTHER_WAREHOUSE, "allocations"
        message = f"Order {order.number} is allocated to Whistl's warehouse and to another one."
    else:
        return None
    message = f"{message} It was not sent: Whistl would send all of it."
    return exceptions.order_problem(order.number, kind, message, field=field)


def _is_renumbered(link: Link, row: OrderRow) -> bool:
    return row.whistl_number != f"{link.settings.order_number_prefix}{row.number}"


def _apply_to_stopped(
    tx: Transaction, link: Link, row: OrderRow, order: Order, allowed: Permission
) -> Fate:
    """Apply to an order that Whistl had and ended: its number there is used up, for ever."""
    if allowed is Permission.ENDED:
        return _end(tx, row, order)
    if allowed is Permission.CANCELLED:
        if row.state is OrderState.CANCELLED:
            return Fate.UNCHANGED
        reason = "cancelled in Centra"
        orders.move(tx, row, OrderState.CANCELLED, reason=reason, cancelled_at=tx.now)
        exceptions.end_for_order(tx, row, OVER_ONCE_CANCELLED)
        return Fate.WRITTEN
    if row.state is OrderState.BLOCKED and not _is_to_be_replaced(tx, link, row, order):
        return Fate.UNCHANGED
    if has_left(tx, row):
        return _block_the_rest(tx, row)
    is_free = allowed is Permission.MAY_BE_SENT
    to = OrderState.RECEIVED if is_free else OrderState.WAITING
    send_again(tx, row, to, ended_at=row.cancelled_at or row.state_since)
    orders.refresh(tx, order)
    return Fate.WRITTEN


def _block_the_rest(tx: Transaction, row: OrderRow) -> Fate:
    """Keep back an order that was resumed, and of which a part had left before it was stopped."""
    reason = "resumed in Centra after a part had left"
    orders.move(
        tx,
        row,
        OrderState.BLOCKED,
        reason=reason,
        screened_at=None,
        cancel_wanted_at=None,
        cancelled_at=None,
    )
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.CANCELLED_AT_WHISTL,
        f"Order {row.number} is open again in Centra. Whistl has stopped it ({row.whistl_number}) "
        "after a part of it had left. It is not sent again: enter what is still owed anew.",
        value=row.whistl_status or "",
    )
    return Fate.WRITTEN


def _is_to_be_replaced(tx: Transaction, link: Link, row: OrderRow, order: Order) -> bool:
    """Say whether an order that Whistl has ended by itself was edited so that it goes again."""
    standing = standing_of(row.state, row.whistl_status)
    if standing not in {Standing.CANCELLED, Standing.REJECTED} or has_left(tx, row):
        return False
    changes = changes_of(tx, link, row, order)
    return decision_on(tx, link, row, changes, standing).stop_for is StopReason.EDITED


def note_edited(tx: Transaction, row: OrderRow) -> None:
    """Open the exception that Whistl has an earlier version of an order than Centra."""
    standing = standing_of(row.state, row.whistl_status)
    notify(tx, row, ExceptionKind.EDITED_AFTER_SENDING, standing, {Change.EARLIER_VERSION: ()})


def _why_waiting(order: Order) -> str:
    if order.is_waiting_for_payment:
        return "waiting for payment in Centra"
    if order.is_on_hold:
        return "on hold in Centra"
    if order.is_internal:
        return "marked internal in Centra"
    if order.is_locked:
        return "locked in Centra"
    if order.warehouse_ids:
        return "allocated to another warehouse in Centra, or in a status that is not sent"
    return f"in Centra's status {order.status}"


def _close_short_picks(tx: Transaction, row: OrderRow, order: Order) -> None:
    """Resolve the exceptions about units not found once Centra does not want those units."""
    short = [line for line in order_contents.lines(tx, row.centra_id) if line.not_found]
    wanted = {line.line_id: line.quantity for line in order.lines}
    if short and all(
        wanted.get(line.line_id, 0) <= line.quantity - line.not_found for line in short
    ):
        exceptions.resolve_order(tx, row.number, [ExceptionKind.SHORT_PICK])
