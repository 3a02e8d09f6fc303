"""Take confirmed orders in from Centra, and notice what Centra changed on orders already known.

Reads by watermark with overlap, and sweeps. What a reading means for the order's state is decided
in `workflows.orders.readings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import UNSENT
from centra_whistl_dagster.domain.tally import Failed, Fate, Tally
from centra_whistl_dagster.ledger import orders, state, unreadable
from centra_whistl_dagster.ledger.engine import RecordNotStored, Transaction
from centra_whistl_dagster.ledger.unreadable import Source
from centra_whistl_dagster.workflows.exceptions.step_failures import place_of
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.readings import apply_reading
from centra_whistl_dagster.workflows.orders.rechecks import changed_sent_orders, note_round

OVERLAP = timedelta(minutes=2)
"""Read again from this long before the watermark: a row can become visible after a later one."""

_ROWS_PER_TRANSACTION = 100
UNREADABLE_TRIED_AGAIN = timedelta(minutes=2)
"""How long an order that cannot be read is left alone."""


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
        watermark = state.reached(tx, state.CENTRA_ORDERS)
    stamps = link.centra.open_order_stamps(_since(watermark))
    with link.ledger.reading() as tx:
        known = orders.stamps(tx, [stamp.centra_id for stamp in (*stamps.open, *stamps.cancelled)])
        # An unreadable order cannot enter the ledger; every poll would take it for new.
        tried_since = tx.now - UNREADABLE_TRIED_AGAIN
        broken = unreadable.subjects(tx, Source.CENTRA, tried_since=tried_since)
    fresh = [
        stamp
        for stamp in stamps.open
        if str(stamp.number) not in broken
        and (stamp.centra_id not in known or known[stamp.centra_id] < stamp.updated_at)
    ]
    cancelled = [
        stamp
        for stamp in stamps.cancelled
        if stamp.centra_id in known and known[stamp.centra_id] < stamp.updated_at
    ]
    return News(
        orders=len(fresh) + len(cancelled), watermark=watermark.isoformat() if watermark else ""
    )


def take_in_orders(link: Link, *, is_sweep: bool = False) -> Tally:
    """Read changed orders from Centra into the ledger, and those sent orders that are due.

    Args:
        link: the connection.
        is_sweep: read every open order whatever its date, and each order of ours that is not among
            them and should be; finds what a change of dates, a lock or a new status hid.

    Raises:
        IntegrationError: Centra could not be read; what could not be read is read next time.
    """
    note_round(link)
    with link.ledger.reading() as tx:
        watermark = state.reached(tx, state.CENTRA_ORDERS)
    read_at = link.now()
    records = _swept(link, watermark) if is_sweep else _changed(link, watermark)
    tally = Tally(read=len(records))
    _take_in_parts(link, records, tally, read_at=read_at)
    sent = changed_sent_orders(link)
    tally.read += len(sent)
    _take_in_parts(link, sent, tally)
    return tally


def read_again(link: Link, centra_ids: Sequence[str]) -> Tally:
    """Read orders that the ledger has again, whatever their dates say.

    Raises:
        IntegrationError: Centra could not be read.
    """
    records = list(link.centra.orders_with_ids(centra_ids))
    tally = Tally(read=len(records))
    _take_in_parts(link, records, tally)
    return tally


def _take_in_parts(
    link: Link,
    records: Sequence[Order | UnreadableOrder],
    tally: Tally,
    *,
    read_at: datetime | None = None,
) -> None:
    """Take records in, some at a time.

    With `read_at`, when reading by time of change began, the watermark moves: with the last part,
    so that a part that was not kept is read again.
    """
    moments = [record.updated_at for record in records if isinstance(record, Order)]
    for start in range(0, max(len(records), 1), _ROWS_PER_TRANSACTION):
        part = records[start : start + _ROWS_PER_TRANSACTION]
        is_last = start + len(part) >= len(records)
        with link.ledger.transaction() as tx:
            for record in part:
                tally.add(take_in_alone(tx, link, record))
            if is_last and read_at is not None:
                state.advance(tx, state.CENTRA_ORDERS, moments, read_at=read_at)


def _changed(link: Link, watermark: datetime | None) -> list[Order | UnreadableOrder]:
    return list(link.centra.orders_changed_since(_since(watermark)))


def _swept(link: Link, watermark: datetime | None) -> list[Order | UnreadableOrder]:
    """Read every open order, those hidden from that list, and what was cancelled lately.

    The list of open orders has no cancellation in it: the watermark may pass one only once it was
    read by its date.
    """
    records = list(link.centra.orders_changed_since(None))
    records += _changed(link, watermark) if watermark else []
    # The later of two readings of one order is the fresher.
    records = list({str(record.number): record for record in records}.values())
    return records + _not_listed(link, records)


def _not_listed(
    link: Link, records: Iterable[Order | UnreadableOrder]
) -> list[Order | UnreadableOrder]:
    """Read, by their ids, orders that wait for something in Centra and are not in its open list."""
    listed = {record.centra_id for record in records if isinstance(record, Order)}
    with link.ledger.reading() as tx:
        waiting = {row.centra_id for row in orders.in_states(tx, UNSENT)}
        waiting |= orders.ids_with_units_not_found(tx)
    return list(link.centra.orders_with_ids(sorted(waiting - listed))) if waiting - listed else []


def _since(watermark: datetime | None) -> datetime | None:
    return watermark - OVERLAP if watermark else None


def take_in_alone(tx: Transaction, link: Link, record: Order | UnreadableOrder) -> Fate:
    """Take a record in; one that fails takes none of those read with it along."""
    try:
        with tx.one_record():
            return take_in(tx, link, record)
    except RecordNotStored as error:
        unreadable.report_not_stored(
            tx, Source.CENTRA, record.number, place=place_of(error.cause), error=error
        )
        return Failed("could not be stored")


def take_in(tx: Transaction, link: Link, record: Order | UnreadableOrder) -> Fate:
    """Let a record that was read change the order's state, or report that it cannot be read."""
    if isinstance(record, UnreadableOrder):
        unreadable.report(
            tx, Source.CENTRA, record.number, field=record.field, detail=record.detail
        )
        return Failed("unreadable")
    unreadable.resolve(tx, Source.CENTRA, record.number)
    return apply_reading(tx, link, record)
