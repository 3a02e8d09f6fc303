"""Take confirmed orders in from Centra, and notice what Centra changed on orders already known.

Belongs here: reading by watermark with overlap, and what a fresh reading of an order means for the
order's state. Does not belong here: judging its contents (`workflows.screening`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.orders import Order, Permission, content_hash, permission
from centra_whistl_dagster.domain.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.states import UNSENT, OrderState
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import cursors, exceptions, orders
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.workflows.link import Link

OVERLAP = timedelta(minutes=2)
"""Read again from this long before the watermark: a row can become visible after a later one."""

_ROWS_PER_TRANSACTION = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a cheap look at Centra says there is to fetch."""

    orders: int
    """Orders that are new, or were touched since they were last read."""
    watermark: str
    """How far reading had got before this look."""


def look_for_news(link: Link) -> News:
    """Ask Centra, in one cheap request, whether there is anything to take in."""
    with link.ledger.reading() as tx:
        watermark = cursors.read(tx, cursors.CENTRA_ORDERS)
    stamps = link.centra.open_order_stamps(_since(watermark))
    with link.ledger.reading() as tx:
        known = orders.stamps(tx, [stamp.centra_id for stamp in (*stamps.open, *stamps.cancelled)])
        # An unreadable order cannot enter the ledger; it would look new at every glance.
        unreadable = exceptions.open_subjects(tx, ExceptionKind.UNREADABLE_RECORD)
    fresh = [
        stamp
        for stamp in stamps.open
        if str(stamp.number) not in unreadable
        and (stamp.centra_id not in known or known[stamp.centra_id] < stamp.updated_at)
    ]
    cancelled = [
        stamp
        for stamp in stamps.cancelled
        if stamp.centra_id in known and known[stamp.centra_id] < stamp.updated_at
    ]
    return News(orders=len(fresh) + len(cancelled), watermark=watermark or "")


def take_in_orders(link: Link, *, is_sweep: bool = False) -> Tally:
    """Read changed orders from Centra into the ledger.

    Args:
        link: the connection.
        is_sweep: read every open order whatever its date; finds what a change of dates hid.

    Raises:
        IntegrationError: Centra could not be read; the ledger is as it was.
    """
    with link.ledger.reading() as tx:
        watermark = cursors.read(tx, cursors.CENTRA_ORDERS)
    records = list(link.centra.orders_changed_since(None if is_sweep else _since(watermark)))
    tally = Tally(read=len(records))
    newest = max(
        [record.updated_at for record in records if isinstance(record, Order)],
        default=None,
    )
    for start in range(0, max(len(records), 1), _ROWS_PER_TRANSACTION):
        part = records[start : start + _ROWS_PER_TRANSACTION]
        with link.ledger.transaction() as tx:
            for record in part:
                _take_in(tx, link, record, tally)
            is_last = start + len(part) >= len(records)
            if is_last and newest is not None:
                _advance(tx, newest, now=link.now())
    return tally


def apply_reading(tx: Transaction, link: Link, order: Order) -> str:
    """Let a fresh reading of an order change its state; return what came of it.

    Returns:
        "written" when the ledger changed, "unchanged" when not, else the reason for skipping.
    """
    row = orders.find(tx, order.centra_id)
    allowed = permission_of(link, order, row)
    if row is None:
        return _take_in_new(tx, link, order, allowed)
    state = OrderState(row.state)
    if row.submitted_at is None and state in {*UNSENT, OrderState.CANCELLED}:
        return _apply_to_unsent(tx, link, row, order, allowed=allowed)
    orders.note_seen(tx, order)
    if state in {OrderState.BLOCKED, OrderState.CANCELLED}:
        return _apply_to_stopped(tx, link, row, order, allowed=allowed)
    if state is OrderState.COMPLETED:
        return "unchanged"
    return _apply_to_sent(tx, link, row, order, allowed=allowed)


def permission_of(link: Link, order: Order, row: Row | None) -> Permission:
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


def _since(watermark: str | None) -> datetime | None:
    return datetime.fromisoformat(watermark) - OVERLAP if watermark else None


def _advance(tx: Transaction, newest: datetime, *, now: datetime) -> None:
    known = cursors.read(tx, cursors.CENTRA_ORDERS)
    if known is None or datetime.fromisoformat(known) < newest:
        cursors.set_to(tx, cursors.CENTRA_ORDERS, newest.isoformat(), now=now)


def _take_in(tx: Transaction, link: Link, record: Order | UnreadableOrder, tally: Tally) -> None:
    if isinstance(record, UnreadableOrder):
        link.raise_exceptions(tx, [_unreadable(record)])
        tally.failed["unreadable"] += 1
        return
    exceptions.resolve(
        tx,
        SubjectType.ORDER,
        str(record.number),
        kinds=[ExceptionKind.UNREADABLE_RECORD],
        now=link.now(),
    )
    outcome = apply_reading(tx, link, record)
    if outcome == "written":
        tally.written += 1
    elif outcome == "unchanged":
        tally.unchanged += 1
    else:
        tally.skipped[outcome] += 1


def _unreadable(record: UnreadableOrder) -> Problem:
    return Problem(
        kind=ExceptionKind.UNREADABLE_RECORD,
        subject_type=SubjectType.ORDER,
        subject=str(record.number),
        field=record.field,
        value="",
        message=f"Centra's order {record.number} could not be read: {record.detail}",
    )


def _take_in_new(tx: Transaction, link: Link, order: Order, allowed: Permission) -> str:
    if allowed is Permission.CANCELLED:
        return "cancelled before it was seen"
    is_free = allowed is Permission.MAY_BE_SENT
    orders.add(
        tx,
        order,
        whistl_number=f"{link.settings.order_number_prefix}{order.number}",
        state=OrderState.RECEIVED if is_free else OrderState.WAITING,
        reason="confirmed in Centra" if is_free else _why_waiting(order),
        now=link.now(),
    )
    return "written"


def _apply_to_unsent(
    tx: Transaction, link: Link, row: Row, order: Order, *, allowed: Permission
) -> str:
    now = link.now()
    state = OrderState(row.state)
    is_changed = row.content_hash != content_hash(order)
    if is_changed:
        orders.refresh(tx, order, now=now)
    else:
        orders.note_seen(tx, order)
    wanted, reason = _wanted_state(order, state, allowed=allowed, is_changed=is_changed)
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
    order: Order, state: OrderState, *, allowed: Permission, is_changed: bool
) -> tuple[OrderState, str]:
    """Return where an order that Whistl was never told of belongs now, and why."""
    if allowed is Permission.CANCELLED:
        return OrderState.CANCELLED, "cancelled in Centra"
    if allowed is Permission.WAITING:
        return OrderState.WAITING, _why_waiting(order)
    if state is OrderState.WAITING:
        return OrderState.RECEIVED, "released in Centra"
    if state is OrderState.CANCELLED:
        return OrderState.RECEIVED, "resumed in Centra"
    if is_changed:
        return OrderState.RECEIVED, "changed in Centra"
    return state, ""


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
        return "written"
    if row.cancel_wanted_at is not None:
        orders.update(tx, [row.centra_id], cancel_wanted_at=None)
    kind = ExceptionKind.EDITED_AFTER_SENDING
    if row.sent_hash is not None and row.sent_hash != content_hash(order):
        link.raise_exceptions(tx, [_edited(order)])
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


def _edited(order: Order) -> Problem:
    return Problem(
        kind=ExceptionKind.EDITED_AFTER_SENDING,
        subject_type=SubjectType.ORDER,
        subject=str(order.number),
        field="order",
        value="",
        message=f"Order {order.number} was changed in Centra after Whistl had accepted it.",
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
