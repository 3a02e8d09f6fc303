"""Take confirmed orders in from Centra, and notice what Centra changed on orders already known.

Belongs here: reading by watermark with overlap, and the sweep. Does not belong here: what a reading
means for the order's state (`workflows.orders.readings`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import UNSENT
from centra_whistl_dagster.domain.tally import Failed, Fate, Tally
from centra_whistl_dagster.ledger import exceptions, orders, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.readings import apply_reading

OVERLAP = timedelta(minutes=2)
"""Read again from this long before the watermark: a row can become visible after a later one."""

_ROWS_PER_TRANSACTION = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one cheap request to Centra says there is to read."""

    orders: int
    """Orders that are new, or were touched since they were last read."""
    watermark: str
    """How far reading had got before this request."""


def look_for_news(link: Link) -> News:
    """Ask Centra, in one cheap request, whether there is anything to take in."""
    with link.ledger.reading() as tx:
        watermark = state.read(tx, state.CENTRA_ORDERS)
    stamps = link.centra.open_order_stamps(_since(watermark))
    with link.ledger.reading() as tx:
        known = orders.stamps(tx, [stamp.centra_id for stamp in (*stamps.open, *stamps.cancelled)])
        # An unreadable order cannot enter the ledger; every poll would take it for new.
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
        is_sweep: read every open order whatever its date, and each order of ours that is not among
            them and should be; finds what a change of dates, a lock or a new status hid.

    Raises:
        IntegrationError: Centra could not be read; the ledger is as it was.
    """
    with link.ledger.reading() as tx:
        watermark = state.read(tx, state.CENTRA_ORDERS)
    records = _swept(link, watermark) if is_sweep else _changed(link, watermark)
    tally = Tally(read=len(records))
    newest = max(
        [record.updated_at for record in records if isinstance(record, Order)],
        default=None,
    )
    for start in range(0, max(len(records), 1), _ROWS_PER_TRANSACTION):
        part = records[start : start + _ROWS_PER_TRANSACTION]
        with link.ledger.transaction() as tx:
            for record in part:
                tally.add(_take_in(tx, link, record))
            is_last = start + len(part) >= len(records)
            if is_last and newest is not None:
                _advance(tx, newest)
    return tally


def _changed(link: Link, watermark: str | None) -> list[Order | UnreadableOrder]:
    return list(link.centra.orders_changed_since(_since(watermark)))


def _swept(link: Link, watermark: str | None) -> list[Order | UnreadableOrder]:
    """Read every open order, those hidden from that list, and what was cancelled lately.

    The list of open orders has no cancellation in it: the watermark may pass one only once it was
    read by its date.
    """
    records = list(link.centra.orders_changed_since(None))
    records += _changed(link, watermark) if watermark else []
    # The later of two readings of one order is the fresher.
    records = list({str(record.number): record for record in records}.values())
    return records + _not_listed(link, records)


def _not_listed(link: Link, records: Iterable[Order | UnreadableOrder]) -> list[Order]:
    """Read, by their ids, orders that wait for something in Centra and are not in its open list."""
    listed = {record.centra_id for record in records if isinstance(record, Order)}
    with link.ledger.reading() as tx:
        waiting = {row.centra_id for row in orders.in_states(tx, UNSENT)}
        waiting |= orders.ids_with_units_not_found(tx)
    return link.centra.orders(sorted(waiting - listed)) if waiting - listed else []


def _since(watermark: str | None) -> datetime | None:
    return datetime.fromisoformat(watermark) - OVERLAP if watermark else None


def _advance(tx: Transaction, newest: datetime) -> None:
    known = state.read(tx, state.CENTRA_ORDERS)
    # One odd date in the future would hide every change until then.
    reached = min(newest, tx.now)
    if known is None or datetime.fromisoformat(known) < reached:
        state.set_to(tx, state.CENTRA_ORDERS, reached.isoformat())


def _take_in(tx: Transaction, link: Link, record: Order | UnreadableOrder) -> Fate:
    kind = ExceptionKind.UNREADABLE_RECORD
    if isinstance(record, UnreadableOrder):
        message = f"Centra's order {record.number} could not be read: {record.detail}"
        problem = exceptions.order_problem(record.number, kind, message, field=record.field)
        exceptions.open_or_refresh(tx, [problem])
        return Failed("unreadable")
    exceptions.resolve_order(tx, record.number, [kind])
    return apply_reading(tx, link, record)
