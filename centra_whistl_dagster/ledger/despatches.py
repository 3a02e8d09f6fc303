"""Despatch messages as received, and the parcels Centra must come to know of.

Belongs here: the inbox (one row per message and version, however often it comes) and the outbox of
parcels. Does not belong here: what to do with a parcel, which is `workflows.shipments.completion`'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ShortLine
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import records
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import DespatchRow, ParcelChange, ParcelLineRow, ParcelRow
from centra_whistl_dagster.ledger.states import DespatchState, ParcelState
from centra_whistl_dagster.ledger.tables import despatches, orders, parcel_lines, parcels

IS_IN_PARCEL = sa.and_(
    parcels.c.despatch_id == parcel_lines.c.despatch_id,
    parcels.c.parcel_number == parcel_lines.c.parcel_number,
)
"""Which of `parcels` a row of `parcel_lines` belongs to."""


def receive(tx: Transaction, despatch: Despatch) -> bool:
    """Store a despatch message; return False when that version was already there."""
    known = tx.execute(sa.select(despatches.c.version).where(_this_version(despatch)))
    if known.one_or_none() is not None:
        return False
    root_id = _root(tx, despatch)
    _adopt_what_came_early(tx, despatch, root_id)
    tx.execute(
        sa.insert(despatches).values(
            despatch_id=despatch.despatch_id,
            version=despatch.version,
            sequence=despatch.sequence,
            root_id=root_id,
            whistl_number=despatch.order_number,
            despatched_at=despatch.despatched_at,
            is_order_complete=despatch.is_order_complete,
            received_at=tx.now,
            state=DespatchState.RECEIVED,
            body=records.dumps(despatch),
        )
    )
    return True


def _this_version(despatch: Despatch) -> sa.ColumnElement[bool]:
    """Say which row holds this version of a message."""
    return sa.and_(
        despatches.c.despatch_id == despatch.despatch_id,
        despatches.c.version == despatch.version,
    )


def _root(tx: Transaction, despatch: Despatch) -> str:
    """Return the id under which the first message of a chain of corrections came."""
    if despatch.supersedes is None:
        return despatch.despatch_id
    query = sa.select(despatches.c.root_id).where(despatches.c.despatch_id == despatch.supersedes)
    return tx.execute(query.limit(1)).scalar_one_or_none() or despatch.supersedes


def _adopt_what_came_early(tx: Transaction, despatch: Despatch, root_id: str) -> None:
    """Bring corrections of this message that came before it to their true root, to be applied anew.

    They took this message for the first of its chain. What Centra was told of them stays told.
    """
    took_it_for_the_root = despatches.c.root_id == despatch.despatch_id
    early = tx.execute(
        sa.update(despatches)
        .where(took_it_for_the_root, despatches.c.despatch_id != despatch.despatch_id)
        .values(root_id=root_id, state=DespatchState.RECEIVED)
    )
    if early.rowcount and root_id != despatch.despatch_id:
        for parcel_row in parcels_of_root(tx, despatch.despatch_id):
            if parcel_row.state in {ParcelState.OPEN, ParcelState.HELD}:
                remove_parcel(tx, parcel_row)


def root_of(tx: Transaction, despatch: Despatch) -> str:
    """Return under which despatch id a stored message's parcels are kept."""
    query = sa.select(despatches.c.root_id).where(_this_version(despatch))
    return str(tx.execute(query).scalar_one())


def newest_applied_version(tx: Transaction, root_id: str) -> int | None:
    """Return the version of a message, or of its corrections, that was applied last."""
    query = sa.select(sa.func.max(despatches.c.version)).where(
        despatches.c.root_id == root_id, despatches.c.state == DespatchState.APPLIED
    )
    return tx.execute(query).scalar_one_or_none()


def waiting(tx: Transaction) -> list[Despatch]:
    """Return messages not applied yet, in the order Whistl sent them."""
    query = (
        sa.select(despatches.c.body)
        .where(despatches.c.state.in_([DespatchState.RECEIVED, DespatchState.UNMATCHED]))
        .order_by(despatches.c.sequence, despatches.c.version)
    )
    return [records.loads(Despatch, body) for body in tx.execute(query).scalars()]


def count_to_apply(tx: Transaction) -> int:
    """Return how many messages can be applied now; unmatched ones wait until Whistl has an order.

    One that overtakes the answer to its order is due as soon as that is found out.
    """
    being_found_out = [OrderState.SENDING, OrderState.IN_DOUBT]
    is_accepted = sa.exists().where(
        orders.c.whistl_number == despatches.c.whistl_number,
        orders.c.submitted_at.is_not(None),
        orders.c.state.not_in(being_found_out),
    )
    is_unmatched = despatches.c.state == DespatchState.UNMATCHED
    query = sa.select(sa.func.count()).where(
        sa.or_(despatches.c.state == DespatchState.RECEIVED, sa.and_(is_unmatched, is_accepted))
    )
    return tx.execute(query).scalar_one()


def short_lines(tx: Transaction, whistl_number: str) -> list[ShortLine]:
    """Return what the applied messages about an order say was not found, corrected ones apart."""
    query = sa.select(despatches.c.root_id, despatches.c.body).where(
        despatches.c.whistl_number == whistl_number, despatches.c.state == DespatchState.APPLIED
    )
    newest = dict(tx.execute(query.order_by(despatches.c.version)).tuples().all())
    return [line for body in newest.values() for line in records.loads(Despatch, body).short_lines]


def mark(tx: Transaction, despatch: Despatch, state: DespatchState) -> None:
    """Move one version of a message."""
    tx.execute(sa.update(despatches).where(_this_version(despatch)).values(state=state))


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


def parcels_of_root(tx: Transaction, root_id: str) -> list[ParcelRow]:
    """Return the parcels of a message and its corrections."""
    query = sa.select(parcels).where(parcels.c.despatch_id == root_id).with_for_update()
    return tx.rows(ParcelRow, query.order_by(parcels.c.parcel_number))


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
    """Take out of the outbox a parcel that Centra was not told of; a corrected one comes in."""
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
    """Move a parcel unless somebody moved it meanwhile; say whether it was moved."""
    changed = tx.execute(
        sa.update(parcels)
        .where(
            parcels.c.despatch_id == row.despatch_id,
            parcels.c.parcel_number == row.parcel_number,
            parcels.c.state == row.state,
        )
        .values(state=to, state_since=tx.now, **change)
    )
    return changed.rowcount == 1
