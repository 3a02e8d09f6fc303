"""What a fresh reading of an order from Centra means for the state of that order.

Belongs here: new, held, released, cancelled, resumed, edited, before and after it was sent. Does
not belong here: when orders are read (`workflows.orders.intake`), judging contents
(`workflows.orders.screening`).
"""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.order import Order, Permission, content_hash, permission
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.ledger import exceptions, order_contents, orders, standings
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.workflows.link import Link

_COMES_BACK = {
    OrderState.WAITING: "released in Centra",
    OrderState.CANCELLED: "resumed in Centra",
}
"""Why an order that had been stopped in Centra before it was sent goes on."""


def apply_reading(tx: Transaction, link: Link, order: Order) -> str:
    """Let a fresh reading of an order change its state; return what came of it.

    Returns:
        "written" when the ledger changed, "unchanged" when not, else the reason for skipping.
    """
    row = orders.find(tx, order.centra_id)
    allowed = _permission_of(link, order, row)
    if row is None:
        return _take_in_new(tx, link, order, allowed)
    if order.updated_at < row.centra_updated_at:
        # Two processes read at once, and the one that read first writes last.
        return "unchanged"
    state = OrderState(row.state)
    if row.submitted_at is None and state in {*UNSENT, OrderState.CANCELLED}:
        return _apply_to_unsent(tx, link, row, order, allowed=allowed)
    orders.note_seen(tx, order)
    standings.note_wanted(tx, order)
    if state in {OrderState.BLOCKED, OrderState.CANCELLED}:
        return _apply_to_stopped(tx, link, row, order, allowed=allowed)
    _close_short_picks(tx, link, row, order)
    if state is OrderState.COMPLETED:
        return "unchanged"
    return _apply_to_sent(tx, link, row, order, allowed=allowed)


def may_be_sent(link: Link, order: Order, row: Row) -> bool:
    """Say whether an order may go to Whistl now, and as a whole."""
    is_allowed = _permission_of(link, order, row) is Permission.MAY_BE_SENT
    return is_allowed and _obstacle(link, order) is None


def _permission_of(link: Link, order: Order, row: Row | None) -> Permission:
    """Say whether an order may be handed over, and to our warehouse.

    Args:
        link: the connection.
        order: as Centra shows it now.
        row: the ledger's row of it, if it has one.
    """
    allowed = permission(order, locked_by_us=row is not None and row.locked_at is not None)
    ours = link.settings.centra.warehouse_id
    is_for_another = bool(order.warehouse_ids) and ours not in order.warehouse_ids
    if allowed is Permission.MAY_BE_SENT and is_for_another:
        return Permission.WAITING
    return allowed


def _take_in_new(tx: Transaction, link: Link, order: Order, allowed: Permission) -> str:
    if allowed is Permission.CANCELLED:
        return "cancelled before it was seen"
    obstacle = _obstacle(link, order)
    if allowed is not Permission.MAY_BE_SENT:
        state, reason = OrderState.WAITING, _why_waiting(order)
    elif obstacle:
        state, reason = OrderState.BLOCKED, obstacle.kind
    else:
        state, reason = OrderState.RECEIVED, "confirmed in Centra"
    orders.add(
        tx,
        order,
        whistl_number=f"{link.settings.order_number_prefix}{order.number}",
        state=state,
        reason=reason,
        now=link.now(),
    )
    if obstacle and state is OrderState.BLOCKED:
        link.set_exceptions_of_order(tx, order.centra_id, [obstacle])
    return "written"


def _apply_to_unsent(
    tx: Transaction, link: Link, row: Row, order: Order, *, allowed: Permission
) -> str:
    now = link.now()
    state = OrderState(row.state)
    is_changed = row.content_hash != content_hash(order)
    if is_changed or not order_contents.has_payload(tx, order.centra_id):
        orders.refresh(tx, order, now=now)
    else:
        orders.note_seen(tx, order)
    obstacle = _obstacle(link, order)
    if obstacle and allowed is Permission.MAY_BE_SENT:
        return _keep_back(tx, link, row, obstacle)
    wanted, reason = _wanted_state(order, row, allowed=allowed, is_changed=is_changed)
    if wanted is state:
        return "written" if is_changed else "unchanged"
    orders.move(
        tx,
        row,
        wanted,
        reason=reason,
        now=now,
        cancel_wanted_at=None,
        cancelled_at=now if wanted is OrderState.CANCELLED else None,
    )
    if wanted is OrderState.CANCELLED:
        exceptions.resolve(tx, SubjectType.ORDER, str(order.number), now=now)
        link.set_exceptions_of_order(tx, order.centra_id, [])
    return "written"


def _wanted_state(
    order: Order, row: Row, *, allowed: Permission, is_changed: bool
) -> tuple[OrderState, str]:
    """Return where an order that Whistl was never told of belongs now, and why."""
    state = OrderState(row.state)
    if allowed is Permission.CANCELLED:
        return OrderState.CANCELLED, "cancelled in Centra"
    if allowed is Permission.WAITING:
        return OrderState.WAITING, _why_waiting(order)
    if state in _COMES_BACK:
        return OrderState.RECEIVED, _COMES_BACK[state]
    if is_changed:
        return OrderState.RECEIVED, "changed in Centra"
    if state is OrderState.BLOCKED and row.screened_at is None:
        return OrderState.RECEIVED, "wholly ours to send again"
    return state, ""


def _keep_back(tx: Transaction, link: Link, row: Row, obstacle: Problem) -> str:
    """Block an order that must not go as it is; not for screening to free."""
    if row.state == OrderState.BLOCKED and row.screened_at is None:
        link.set_exceptions_of_order(tx, row.centra_id, [obstacle])
        return "unchanged"
    orders.move(
        tx,
        row,
        OrderState.BLOCKED,
        reason=obstacle.kind,
        now=link.now(),
        screened_at=None,
        cancel_wanted_at=None,
        cancelled_at=None,
    )
    link.set_exceptions_of_order(tx, row.centra_id, [obstacle])
    return "written"


def _obstacle(link: Link, order: Order) -> Problem | None:
    """Return why Whistl must not send an order whole though Centra lets it go, if so."""
    if any(shipment.is_shipped for shipment in order.shipments):
        kind, field = ExceptionKind.PARTLY_SHIPPED_ALREADY, "shipments"
        message = f"Centra already has a completed shipment of order {order.number}."
    elif len(order.warehouse_ids) > 1 and link.settings.centra.warehouse_id in order.warehouse_ids:
        kind, field = ExceptionKind.SHARED_WITH_ANOTHER_WAREHOUSE, "allocations"
        message = f"Order {order.number} is allocated to Whistl's warehouse and to another one."
    else:
        return None
    return Problem(
        kind=kind,
        subject_type=SubjectType.ORDER,
        subject=str(order.number),
        field=field,
        value="",
        message=f"{message} It was not sent: Whistl would send all of it.",
    )


def _apply_to_stopped(
    tx: Transaction, link: Link, row: Row, order: Order, *, allowed: Permission
) -> str:
    """Apply to an order that Whistl had and ended: its number there is used up, for ever."""
    now = link.now()
    if allowed is Permission.CANCELLED:
        if row.state == OrderState.CANCELLED:
            return "unchanged"
        reason = "cancelled in Centra"
        orders.move(tx, row, OrderState.CANCELLED, reason=reason, now=now, cancelled_at=now)
        exceptions.resolve(tx, SubjectType.ORDER, str(order.number), now=now)
        return "written"
    if row.state == OrderState.BLOCKED:
        return "unchanged"
    orders.move(
        tx,
        row,
        OrderState.BLOCKED,
        reason="resumed in Centra after Whistl had stopped it",
        now=now,
        screened_at=None,
        cancel_wanted_at=None,
        cancelled_at=None,
    )
    link.raise_exceptions(tx, [_stopped(row)])
    return "written"


def _apply_to_sent(
    tx: Transaction, link: Link, row: Row, order: Order, *, allowed: Permission
) -> str:
    now = link.now()
    if allowed is Permission.CANCELLED:
        if row.cancel_wanted_at is not None:
            return "unchanged"
        # Whether Whistl has it is found out first, in its own time.
        due_at = now if row.submitted_at is not None else row.due_at
        orders.update(tx, [row.centra_id], cancel_wanted_at=now, due_at=due_at)
        if row.state == OrderState.DESPATCHED:
            link.raise_exceptions(tx, [_left_already(row)])
        return "written"
    if row.cancel_wanted_at is not None:
        orders.update(tx, [row.centra_id], cancel_wanted_at=None)
    if row.state == OrderState.DESPATCHED:
        # It has left as it was: an edit does not reach it any more.
        return "unchanged"
    kind = ExceptionKind.EDITED_AFTER_SENDING
    if row.sent_hash is not None and row.sent_hash != content_hash(order):
        link.raise_exceptions(tx, [edited_after_sending(order.number)])
        return "written"
    exceptions.resolve(tx, SubjectType.ORDER, str(order.number), kinds=[kind], now=now)
    return "unchanged"


def _stopped(row: Row) -> Problem:
    return Problem(
        kind=ExceptionKind.CANCELLED_AT_WHISTL,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="status",
        value=row.whistl_status or "",
        message=(
            f"Order {row.number} is open again in Centra, but Whistl has stopped it "
            f"({row.whistl_number}) and cannot take that number a second time."
        ),
    )


def _left_already(row: Row) -> Problem:
    return Problem(
        kind=ExceptionKind.CANCELLED_AFTER_SENDING,
        subject_type=SubjectType.ORDER,
        subject=str(row.number),
        field="status",
        value=row.whistl_status or "",
        message=f"Order {row.number} was cancelled in Centra after it had left the warehouse.",
    )


def edited_after_sending(number: int) -> Problem:
    """Return what is told of an order that Whistl has in another version than Centra."""
    return Problem(
        kind=ExceptionKind.EDITED_AFTER_SENDING,
        subject_type=SubjectType.ORDER,
        subject=str(number),
        field="order",
        value="",
        message=f"Order {number} was changed in Centra after Whistl had accepted it.",
    )


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


def _close_short_picks(tx: Transaction, link: Link, row: Row, order: Order) -> None:
    """Close what was told of units not found, once Centra does not want them any more."""
    short = [line for line in order_contents.lines(tx, row.centra_id) if line.not_found]
    wanted = {line.line_id: line.quantity for line in order.lines}
    if short and all(
        wanted.get(line.line_id, 0) <= line.quantity - line.not_found for line in short
    ):
        kinds = [ExceptionKind.SHORT_PICK]
        exceptions.resolve(tx, SubjectType.ORDER, str(row.number), kinds=kinds, now=link.now())
