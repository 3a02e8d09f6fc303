"""Erase what identifies a person from everything the ledger keeps about an order.

What an order needs to stay known (number, state, SKUs, amounts, times) stays. Does not belong here:
when an order may be erased (`workflows.upkeep.personal_data`), and retention (`retention`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import replace

import sqlalchemy as sa
from markupsafe import escape

from centra_whistl_dagster.domain.orders.despatches import Despatch, content_hash
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.shipping import SentShipment
from centra_whistl_dagster.ledger import order_contents, order_story, records, tables
from centra_whistl_dagster.ledger.despatches import of_order as messages_of_order
from centra_whistl_dagster.ledger.despatches import parcels_of_order
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import DespatchRow, OrderRow, ParcelRow
from centra_whistl_dagster.ledger.states import DeskSubject

ERASED = "[erased]"
_SHORTEST = 5
"""A value of fewer characters, such as a house number, would be found in texts about others."""
_FREE_TEXT = (
    tables.exceptions.c.value,
    tables.exceptions.c.message,
    tables.exceptions.c.closed_note,
    tables.alerts.c.title,
    tables.alerts.c.body,
    tables.alerts.c.last_error,
    tables.order_events.c.reason,
    tables.order_events.c.note,
    tables.submissions.c.detail,
    tables.desk_actions.c.note,
    tables.failing_steps.c.fingerprint,
    tables.release_requests.c.reason,
)
"""Columns that hold sentences: our own words, and whatever a person typed."""


def raw_messages(
    tx: Transaction, row: OrderRow, values: Collection[str] = ()
) -> list[tuple[int, str]]:
    """Return ids and bodies of raw messages that name an order, or hold one of these values."""
    query = sa.select(tables.messages.c.id, tables.messages.c.body).where(
        tables.messages.c.body.is_not(None)
    )
    numbers = order_story.all_numbers(tx, row)
    wanted = [form.casefold() for value in values for form in (value, json.dumps(value)[1:-1])]
    return [
        (message_id, body)
        for message_id, body in tx.execute(query).tuples()
        if body is not None
        and (
            order_story.names_order(body, numbers)
            or any(value in body.casefold() for value in wanted)
        )
    ]


def identifying_values(tx: Transaction, row: OrderRow) -> list[str]:
    """Return what in an order's contents and parcels identifies a person, the longest first."""
    found: set[str] = set()
    for order in order_contents.payloads(tx, [row.centra_id]).values():
        found |= _in_order(order)
    for message in _messages(tx, row):
        found |= _in_despatch(records.loads(Despatch, message.body))
    found |= {parcel.tracking_number for parcel in parcels_of_order(tx, row.centra_id)}
    found = {value for value in found if _is_distinctive(value.strip())}
    return sorted(found, key=len, reverse=True)


def erase(tx: Transaction, row: OrderRow) -> None:
    """Erase the person from one order: contents, raw messages, tracking numbers, notes, texts."""
    values = identifying_values(tx, row)
    order_contents.forget(tx, [row.centra_id])
    for message_id, _ in raw_messages(tx, row, values):
        tx.execute(
            sa.update(tables.messages).where(tables.messages.c.id == message_id).values(body=None)
        )
    blank_tracking(tx, row)
    _erase_texts(tx, row, values)
    tx.execute(
        sa.update(tables.orders)
        .where(tables.orders.c.centra_id == row.centra_id)
        .values(erased_at=tx.now)
    )


def blank_tracking(tx: Transaction, row: OrderRow) -> None:
    """Remove the tracking numbers of an order's parcels, from messages and from what was sent."""
    for message in _messages(tx, row):
        blank_message(tx, message)
    for parcel in parcels_of_order(tx, row.centra_id):
        _blank_parcel(tx, parcel)


def _is_distinctive(value: str) -> bool:
    """Say whether texts about others hardly contain a value: a company may be called Order."""
    return len(value) >= _SHORTEST and any(
        character.isdigit() or character in "@ " for character in value
    )


def _messages(tx: Transaction, row: OrderRow) -> Iterable[DespatchRow]:
    for number in order_story.whistl_numbers(tx, row):
        yield from messages_of_order(tx, number)


def blank_message(tx: Transaction, message: DespatchRow) -> None:
    """Remove the tracking numbers of one despatch message."""
    despatch = records.loads(Despatch, message.body)
    blank = replace(
        despatch,
        parcels=tuple(
            replace(parcel, courier_tracking_number="", whistl_tracking_number="", tracking_url="")
            for parcel in despatch.parcels
        ),
    )
    is_it = sa.and_(
        tables.despatches.c.despatch_id == message.despatch_id,
        tables.despatches.c.version == message.version,
    )
    # The same message, read again, must still be known by what it said.
    hashed = message.content_hash or content_hash(despatch)
    tx.execute(
        sa.update(tables.despatches)
        .where(is_it)
        .values(body=records.dumps(blank), content_hash=hashed)
    )


def _blank_parcel(tx: Transaction, parcel: ParcelRow) -> None:
    sent = parcel.sent
    if sent is not None:
        sent = records.dumps(replace(records.loads(SentShipment, sent), tracking_number=""))
    is_it = sa.and_(
        tables.parcels.c.despatch_id == parcel.despatch_id,
        tables.parcels.c.parcel_number == parcel.parcel_number,
    )
    tx.execute(sa.update(tables.parcels).where(is_it).values(tracking_number="", sent=sent))


def _erase_texts(tx: Transaction, row: OrderRow, values: Collection[str]) -> None:
    ids = [each.id for each in order_story.exceptions_of(tx, row)]
    tx.execute(
        sa.update(tables.exceptions)
        .where(tables.exceptions.c.id.in_(ids))
        .values(value="", closed_note=None, message=f"{ERASED} Order {row.number}.")
    )
    tx.execute(
        sa.update(tables.desk_actions)
        .where(
            tables.desk_actions.c.subject_type == DeskSubject.EXCEPTION,
            tables.desk_actions.c.subject.in_([str(each) for each in ids]),
        )
        .values(note="")
    )
    tx.execute(
        sa.update(tables.order_events)
        .where(tables.order_events.c.centra_id == row.centra_id)
        .values(note=None)
    )
    for column in _FREE_TEXT if values else ():
        _erase_values(tx, column, values)
    if values:
        in_markup = sorted({str(escape(value)) for value in values}, key=len, reverse=True)
        _erase_values(tx, tables.alerts.c.html, in_markup)


def _erase_values(tx: Transaction, column: sa.Column[str], values: Collection[str]) -> None:
    """Erase values from a column's texts, whether a person typed them in capitals or not."""
    wanted = re.compile("|".join(re.escape(value) for value in values), re.IGNORECASE)
    # SQLite knows the capitals of ASCII letters alone, so the database chooses by these.
    parts = {_longest_ascii_part(value).lower() for value in values}
    may_name = sa.or_(*(sa.func.lower(column).contains(part, autoescape=True) for part in parts))
    key = list(column.table.primary_key)
    query = sa.select(*key, column).where(column.is_not(None), may_name)
    for *identity, text in tx.execute(query).all():
        if (cleaned := wanted.sub(ERASED, text)) != text:
            is_it = sa.and_(*(part == value for part, value in zip(key, identity, strict=True)))
            tx.execute(sa.update(column.table).where(is_it).values({column.name: cleaned}))


def _longest_ascii_part(value: str) -> str:
    return max(re.split(r"[^\x00-\x7f]+", value), key=len)


def _in_order(order: Order) -> set[str]:
    found = {order.other_comment, *(shipment.tracking_number for shipment in order.shipments)}
    to = order.delivery
    if to is not None:
        found |= {to.name, to.company, to.attention, to.line1, to.line2}
        found |= {to.phone, to.other_phone, to.email}
    return found


def _in_despatch(despatch: Despatch) -> set[str]:
    return {
        value
        for parcel in despatch.parcels
        for value in (
            *(parcel.courier_tracking_number, parcel.whistl_tracking_number),
            parcel.tracking_url,
        )
    }
