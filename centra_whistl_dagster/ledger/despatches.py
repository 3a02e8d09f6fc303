"""Despatch messages as received, and the parcels Centra must come to know of.

Belongs here: the inbox (one row per message and version, however often it comes) and the outbox of
parcels. Does not belong here: messages as they came (`messages`), chains of corrections
(`corrections`), what to do with a parcel (`workflows.shipments.completion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Unpack

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.despatches import (
    Despatch,
    Parcel,
    ShortLine,
    content_hash,
)
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import corrections, messages, records
from centra_whistl_dagster.ledger import state as ledger_state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import DespatchRow, ParcelChange, ParcelLineRow, ParcelRow
from centra_whistl_dagster.ledger.states import (
    DespatchState,
    MessageState,
    ParcelState,
)
from centra_whistl_dagster.ledger.tables import despatches, orders, parcel_lines, parcels

IS_IN_PARCEL = sa.and_(
    parcels.c.despatch_id == parcel_lines.c.despatch_id,
    parcels.c.parcel_number == parcel_lines.c.parcel_number,
)
"""Which of `parcels` a row of `parcel_lines` belongs to."""

FEED = ledger_state.WHISTL_DESPATCHES
"""Under which name the messages are kept as they came."""


def is_news(tx: Transaction, despatch: Despatch) -> bool:
    """Say whether storing a message would change anything."""
    hashed = content_hash(despatch)
    if not messages.known(tx, FEED, {hashed}):
        return True
    return _takes_back(_stored(tx, _under_its_own_id(tx, despatch)), despatch, hashed)


def receive(
    tx: Transaction, despatch: Despatch, *, raw: str | None = None, read_after: int = 0
) -> bool:
    """Store a despatch message; return False when nothing of it is new.

    Contents decide: the same id and version with other contents replaces what was stored, unless
    that came later in Whistl's sequence. Contents that were replaced are taken back when they come
    under a higher sequence.

    Args:
        tx: the transaction.
        despatch: what the message says.
        raw: the message as it came, kept until the despatch is applied.
        read_after: reading the feed after this sequence finds the message again.
    """
    hashed = content_hash(despatch)
    is_new = messages.keep(
        tx,
        feed=FEED,
        message_id=despatch.despatch_id,
        content_hash=hashed,
        sequence=despatch.sequence,
        read_after=read_after,
        state=MessageState.READ,
        body=raw,
    )
    despatch = _under_its_own_id(tx, despatch)
    stored = _stored(tx, despatch)
    if not is_new:
        if not _takes_back(stored, despatch, hashed):
            return False
        messages.keep_again(
            tx,
            feed=FEED,
            content_hash=hashed,
            sequence=despatch.sequence,
            read_after=read_after,
            body=raw,
        )
    elif stored is not None and not _is_replaced(stored, despatch, hashed):
        messages.settle(tx, FEED, hashed)
        return False
    _store(tx, despatch, hashed, stored)
    return True


def _under_its_own_id(tx: Transaction, despatch: Despatch) -> Despatch:
    if not corrections.is_of_another_order(tx, despatch):
        return despatch
    return replace(
        despatch,
        despatch_id=corrections.own_id(despatch, despatch.despatch_id),
        supersedes=despatch.despatch_id,
    )


def _stored(tx: Transaction, despatch: Despatch) -> DespatchRow | None:
    return tx.row(DespatchRow, sa.select(despatches).where(_this_version(despatch)))


def _is_replaced(stored: DespatchRow, despatch: Despatch, hashed: str) -> bool:
    """Say whether other contents of a stored version are newer than it."""
    stored_hash = stored.content_hash or content_hash(records.loads(Despatch, stored.body))
    return stored_hash != hashed and despatch.sequence >= stored.sequence


def _takes_back(stored: DespatchRow | None, despatch: Despatch, hashed: str) -> bool:
    """Say whether contents that came before have replaced those that are stored.

    Under the same sequence they have not: reading the feed again finds both, again and again.
    """
    return (
        stored is not None
        and despatch.sequence > stored.sequence
        and _is_replaced(stored, despatch, hashed)
    )


def _store(tx: Transaction, despatch: Despatch, hashed: str, stored: DespatchRow | None) -> None:
    root_id = corrections.root_id_of(tx, despatch)
    corrections.adopt_what_came_early(tx, despatch, root_id)
    values = {
        "sequence": despatch.sequence,
        "root_id": root_id,
        "whistl_number": despatch.order_number,
        "despatched_at": despatch.despatched_at,
        "is_order_complete": despatch.is_order_complete,
        "received_at": tx.now,
        "state": DespatchState.RECEIVED,
        "body": records.dumps(despatch),
        "content_hash": hashed,
    }
    if stored is None:
        key = {"despatch_id": despatch.despatch_id, "version": despatch.version}
        tx.execute(sa.insert(despatches).values(**key, **values))
        return
    if stored.content_hash is not None:
        messages.settle(tx, FEED, stored.content_hash)
    if stored.root_id != root_id:
        corrections.remove_unwritten(tx, stored.root_id)
    tx.execute(sa.update(despatches).where(_this_version(despatch)).values(**values))


def _this_version(despatch: Despatch) -> sa.ColumnElement[bool]:
    """Say which row holds this version of a message."""
    return sa.and_(
        despatches.c.despatch_id == despatch.despatch_id,
        despatches.c.version == despatch.version,
    )


def replace_unmatched(tx: Transaction, despatch: Despatch) -> bool:
    """Mark the forerunner of a message as superseded if it is about no order of the ledger."""
    is_known = sa.exists().where(orders.c.whistl_number == despatches.c.whistl_number)
    is_unmatched = sa.and_(
        despatches.c.despatch_id == despatch.supersedes,
        despatches.c.state == DespatchState.UNMATCHED,
        ~is_known,
    )
    query = sa.select(despatches.c.body).where(is_unmatched)
    replaced = [records.loads(Despatch, body) for body in tx.execute(query).scalars().all()]
    for forerunner in replaced:
        mark(tx, forerunner, DespatchState.SUPERSEDED)
    return bool(replaced)


def root_of(tx: Transaction, despatch: Despatch) -> str:
    """Return under which despatch id a stored message's parcels are kept."""
    query = sa.select(despatches.c.root_id).where(_this_version(despatch))
    return str(tx.execute(query).scalar_one())


def newest_applied_version(tx: Transaction, root_id: str, whistl_number: str) -> int | None:
    """Return the version of an order's message, or of its corrections, that was applied last."""
    query = sa.select(sa.func.max(despatches.c.version)).where(
        despatches.c.root_id == root_id,
        despatches.c.whistl_number == whistl_number,
        despatches.c.state == DespatchState.APPLIED,
    )
    return tx.execute(query).scalar_one_or_none()


def waiting(tx: Transaction) -> list[Despatch]:
    """Return messages that can be applied now, in the order Whistl sent them."""
    query = (
        sa.select(despatches.c.body)
        .where(_can_be_applied(tx))
        .order_by(despatches.c.sequence, despatches.c.version)
    )
    return [records.loads(Despatch, body) for body in tx.execute(query).scalars()]


def count_to_apply(tx: Transaction) -> int:
    """Return how many messages can be applied now."""
    query = sa.select(sa.func.count()).select_from(despatches).where(_can_be_applied(tx))
    return tx.execute(query).scalar_one()


def _can_be_applied(tx: Transaction) -> sa.ColumnElement[bool]:
    """Say which messages are to be applied; unmatched ones wait until Whistl has their order.

    One that overtakes the answer to its order is due as soon as that is found out; one that could
    not be applied, after a wait.
    """
    being_found_out = [OrderState.SENDING, OrderState.IN_DOUBT]
    is_accepted = sa.exists().where(
        orders.c.whistl_number == despatches.c.whistl_number,
        orders.c.submitted_at.is_not(None),
        orders.c.state.not_in(being_found_out),
    )
    is_unmatched = despatches.c.state == DespatchState.UNMATCHED
    is_postponed = sa.exists().where(messages.is_postponed(tx, FEED, despatches.c.content_hash))
    can_match = sa.or_(
        despatches.c.state == DespatchState.RECEIVED, sa.and_(is_unmatched, is_accepted)
    )
    return sa.and_(can_match, ~is_postponed)


def sequence_back(tx: Transaction, count: int) -> int:
    """Return the sequence after which the last so many messages come, 0 if there are fewer.

    Counted in messages and not in numbers: one absurd number does not hide the others.
    """
    query = sa.select(despatches.c.sequence).order_by(despatches.c.sequence.desc())
    return tx.execute(query.offset(count).limit(1)).scalar_one_or_none() or 0


def short_lines(tx: Transaction, whistl_number: str) -> list[ShortLine]:
    """Return what the applied messages about an order say was not found, corrected ones apart."""
    query = sa.select(despatches.c.root_id, despatches.c.body).where(
        despatches.c.whistl_number == whistl_number, despatches.c.state == DespatchState.APPLIED
    )
    newest = dict(tx.execute(query.order_by(despatches.c.version)).tuples().all())
    return [line for body in newest.values() for line in records.loads(Despatch, body).short_lines]


def mark(tx: Transaction, despatch: Despatch, state: DespatchState) -> None:
    """Move one version of a message; the raw message is kept while it is to be applied."""
    tx.execute(sa.update(despatches).where(_this_version(despatch)).values(state=state))
    if state not in {DespatchState.RECEIVED, DespatchState.UNMATCHED}:
        query = sa.select(despatches.c.content_hash).where(_this_version(despatch))
        if (hashed := tx.execute(query).scalar_one()) is not None:
            messages.settle(tx, FEED, hashed)


def postpone(tx: Transaction, despatch: Despatch) -> None:
    """Count an attempt to apply a message, and say when the next one is due."""
    query = sa.select(despatches.c.content_hash).where(_this_version(despatch))
    hashed = tx.execute(query).scalar_one()
    if hashed is not None and (row := messages.find(tx, FEED, hashed)) is not None:
        messages.postpone(tx, row)


def of_order(tx: Transaction, whistl_number: str) -> list[DespatchRow]:
    """Return all messages about an order, in sequence."""
    query = sa.select(despatches).where(despatches.c.whistl_number == whistl_number)
    return tx.rows(DespatchRow, query.order_by(despatches.c.sequence, despatches.c.version))


def parcel(tx: Transaction, despatch_id: str, parcel_number: int) -> ParcelRow | None:
    """Return one parcel's row."""
    query = sa.select(parcels).where(
        parcels.c.despatch_id == despatch_id, parcels.c.parcel_number == parcel_number
    )
    return tx.row(ParcelRow, query.with_for_update())


def parcels_of_root(tx: Transaction, root_id: str, centra_id: str) -> list[ParcelRow]:
    """Return an order's parcels of a message and its corrections."""
    query = sa.select(parcels).where(
        parcels.c.despatch_id == root_id, parcels.c.centra_id == centra_id
    )
    return tx.rows(ParcelRow, query.with_for_update().order_by(parcels.c.parcel_number))


def parcels_of_order(tx: Transaction, centra_id: str) -> list[ParcelRow]:
    """Return an order's parcels."""
    query = sa.select(parcels).where(parcels.c.centra_id == centra_id)
    return tx.rows(ParcelRow, query.order_by(parcels.c.despatch_id, parcels.c.parcel_number))


def add_parcel(
    tx: Transaction,
    *,
    root_id: str,
    despatch: Despatch,
    parcel: Parcel,
    centra_id: str,
    state: ParcelState,
    line_ids: dict[int, int],
) -> None:
    """Put a parcel in the outbox; `line_ids` gives Centra's line id by Whistl's line number."""
    key = {"despatch_id": root_id, "parcel_number": parcel.parcel_number}
    tx.execute(
        sa.insert(parcels).values(
            **key,
            centra_id=centra_id,
            state=state,
            state_since=tx.now,
            carrier_name=parcel.carrier_name,
            service_name=parcel.service_name,
            tracking_number=parcel.tracking_number,
            despatched_at=despatch.despatched_at,
        )
    )
    skus = {line.line_number: line.sku for line in parcel.lines}
    tx.execute(
        sa.insert(parcel_lines),
        [
            {
                **key,
                "line_number": line_number,
                "line_id": line_ids[line_number],
                "sku": skus[line_number],
                "quantity": quantity,
            }
            for line_number, quantity in parcel.units.items()
        ],
    )


def remove_parcel(tx: Transaction, row: ParcelRow) -> None:
    """Remove a parcel that was never sent to Centra; the corrected one replaces it."""
    for table in (parcel_lines, parcels):
        tx.execute(
            sa.delete(table).where(
                table.c.despatch_id == row.despatch_id,
                table.c.parcel_number == row.parcel_number,
            )
        )


def parcels_due(tx: Transaction, states: Sequence[ParcelState]) -> list[ParcelRow]:
    """Return parcels in any of the states that are due, oldest despatch first.

    Of those held, only ones that are to be tried again have a time.
    """
    needs_no_time = sa.and_(parcels.c.due_at.is_(None), parcels.c.state != ParcelState.HELD)
    query = sa.select(parcels).where(
        parcels.c.state.in_(list(states)), sa.or_(needs_no_time, parcels.c.due_at <= tx.now)
    )
    return tx.rows(ParcelRow, query.order_by(parcels.c.despatched_at, parcels.c.despatch_id))


def faulty_parcels(tx: Transaction, *, checked_before: datetime) -> list[ParcelRow]:
    """Return parcels that are not written because their message is faulty, longest unchecked first.

    No time is set for them: only a correction, or a person in Centra, can do something about them.
    """
    query = sa.select(parcels).where(
        parcels.c.state == ParcelState.HELD,
        parcels.c.due_at.is_(None),
        parcels.c.state_since < checked_before,
    )
    return tx.rows(ParcelRow, query.order_by(parcels.c.state_since, parcels.c.despatch_id))


def lines_of_parcel(tx: Transaction, despatch_id: str, parcel_number: int) -> list[ParcelLineRow]:
    """Return what is in a parcel."""
    query = sa.select(parcel_lines).where(
        parcel_lines.c.despatch_id == despatch_id,
        parcel_lines.c.parcel_number == parcel_number,
    )
    return tx.rows(ParcelLineRow, query.order_by(parcel_lines.c.line_number))


def units_shipped_by_line(tx: Transaction, centra_id: str) -> dict[int, int]:
    """Return, per line number, the units in all of an order's parcels, whatever their state."""
    query = (
        sa.select(parcel_lines.c.line_number, sa.func.sum(parcel_lines.c.quantity))
        .join(parcels, IS_IN_PARCEL)
        .where(parcels.c.centra_id == centra_id)
        .group_by(parcel_lines.c.line_number)
    )
    return {line: int(units) for line, units in tx.execute(query).tuples()}


def move_parcel(
    tx: Transaction,
    row: ParcelRow,
    to: ParcelState,
    **change: Unpack[ParcelChange],
) -> bool:
    """Move a parcel unless somebody moved it meanwhile; say whether it was moved.

    Attempts are compared too: the late answer to an older attempt settles no newer one.
    """
    changed = tx.execute(
        sa.update(parcels)
        .where(
            parcels.c.despatch_id == row.despatch_id,
            parcels.c.parcel_number == row.parcel_number,
            parcels.c.state == row.state,
            parcels.c.attempts == row.attempts,
        )
        .values(state=to, state_since=tx.now, **change)
    )
    return changed.rowcount == 1
