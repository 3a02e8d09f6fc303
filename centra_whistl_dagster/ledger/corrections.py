"""Which despatch messages correct which: chains with one root, under whose id parcels are kept.

A correction is one only of a message about the same order, and every chain is about one order. A
message that names another order's as its forerunner is the root of a chain of its own, so that it
can take nothing from that order.
"""

from __future__ import annotations

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parcel_exceptions import resolve_finished
from centra_whistl_dagster.ledger.rows import DespatchRow
from centra_whistl_dagster.ledger.states import DespatchState, ParcelState
from centra_whistl_dagster.ledger.tables import despatches, orders, parcel_lines, parcels

_UNWRITTEN = [ParcelState.OPEN, ParcelState.HELD]


def root_id_of(tx: Transaction, despatch: Despatch) -> str:
    """Return the id of the first message of the chain that a message belongs to."""
    if despatch.supersedes is None:
        own = own_id(despatch, despatch.despatch_id)
        return own if despatch.order_number in _orders_under(tx, own) else despatch.despatch_id
    query = sa.select(despatches.c.root_id, despatches.c.whistl_number).where(
        despatches.c.despatch_id.in_([despatch.supersedes, own_id(despatch, despatch.supersedes)])
    )
    forerunners = tx.execute(query).tuples().all()
    of_this_order = [str(root) for root, number in forerunners if number == despatch.order_number]
    if of_this_order:
        return of_this_order[0]
    if forerunners:
        # They are about another order.
        return despatch.despatch_id
    # A forerunner that is not here yet is taken for the root, by one order only: parcels are kept
    # under their root's id, and those of two orders would be taken for one another's.
    is_taken = _orders_under(tx, despatch.supersedes) - {despatch.order_number}
    return own_id(despatch, despatch.supersedes) if is_taken else despatch.supersedes


def own_id(despatch: Despatch, despatch_id: str) -> str:
    """Return the id under which to store a message whose own id another order's message uses."""
    return f"{despatch_id} of {despatch.order_number}"


def is_of_another_order(tx: Transaction, despatch: Despatch) -> bool:
    """Say whether another order's message has the id of this one, in whatever version."""
    query = sa.select(despatches.c.despatch_id).where(
        despatches.c.despatch_id == despatch.despatch_id,
        despatches.c.whistl_number != despatch.order_number,
    )
    return tx.execute(query.limit(1)).one_or_none() is not None


def adopt_what_came_early(tx: Transaction, despatch: Despatch, root_id: str) -> None:
    """Bring corrections that came before this message to their true root, to be applied anew.

    They took this message for the first of their chain. What Centra was sent of them stays sent,
    and comes under the true root, so that it is not sent again.
    """
    is_of_this_order = despatches.c.whistl_number == despatch.order_number
    _part_other_orders(tx, despatch.despatch_id, ~is_of_this_order)
    for taken_for_the_root in (despatch.despatch_id, own_id(despatch, despatch.despatch_id)):
        early = tx.execute(
            sa.update(despatches)
            .where(
                despatches.c.root_id == taken_for_the_root,
                despatches.c.despatch_id != despatch.despatch_id,
                is_of_this_order,
            )
            .values(root_id=root_id, state=DespatchState.RECEIVED)
        )
        if early.rowcount and root_id != taken_for_the_root:
            _join(tx, taken_for_the_root, root_id)


def remove_unwritten(tx: Transaction, root_id: str) -> None:
    """Remove the parcels of a chain that Centra was not sent."""
    for parcel_number, state in _parcels_of(tx, root_id).items():
        if state in _UNWRITTEN:
            _remove(tx, root_id, parcel_number)


def _join(tx: Transaction, old_root: str, new_root: str) -> None:
    """Keep under another root the parcels that Centra was sent, and remove the other parcels."""
    remove_unwritten(tx, old_root)
    there = _parcels_of(tx, new_root)
    for parcel_number in _parcels_of(tx, old_root):
        if there.get(parcel_number) in _UNWRITTEN:
            _remove(tx, new_root, parcel_number)
            del there[parcel_number]
        if parcel_number not in there:
            _rename(tx, old_root, parcel_number, new_root)


def _parcels_of(tx: Transaction, root_id: str) -> dict[int, ParcelState]:
    query = sa.select(parcels.c.parcel_number, parcels.c.state)
    return dict(tx.execute(query.where(parcels.c.despatch_id == root_id)).tuples().all())


def _remove(tx: Transaction, root_id: str, parcel_number: int) -> None:
    for table in (parcel_lines, parcels):
        is_it = (table.c.despatch_id == root_id, table.c.parcel_number == parcel_number)
        tx.execute(sa.delete(table).where(*is_it))
    resolve_finished(tx, root_id, parcel_number)


def _rename(tx: Transaction, root_id: str, parcel_number: int, new_root: str) -> None:
    for table in (parcel_lines, parcels):
        is_it = (table.c.despatch_id == root_id, table.c.parcel_number == parcel_number)
        tx.execute(sa.update(table).where(*is_it).values(despatch_id=new_root))
    resolve_finished(tx, root_id, parcel_number)


def _orders_under(tx: Transaction, root_id: str) -> set[str]:
    """Return the numbers of the orders whose messages have a root."""
    query = sa.select(despatches.c.whistl_number).where(despatches.c.root_id == root_id)
    return set(tx.execute(query.distinct()).scalars())


def _part_other_orders(
    tx: Transaction, despatch_id: str, is_of_another_order: sa.ColumnElement[bool]
) -> None:
    """Give other orders' messages that took a message for their root a root of their own order."""
    own_root = sa.literal(f"{despatch_id} of ") + despatches.c.whistl_number
    forerunner = despatches.alias()
    came = sa.exists().where(forerunner.c.despatch_id == despatches.c.root_id)
    took_it_for_the_root = sa.or_(
        despatches.c.root_id == despatch_id, sa.and_(despatches.c.root_id == own_root, ~came)
    )
    query = sa.select(despatches).where(
        took_it_for_the_root, despatches.c.despatch_id != despatch_id, is_of_another_order
    )
    new_roots: dict[str, str] = {}
    for row in tx.rows(DespatchRow, query.order_by(despatches.c.version, despatches.c.sequence)):
        new_root = new_roots.setdefault(row.whistl_number, row.despatch_id)
        _move(tx, row, new_root)


def _move(tx: Transaction, row: DespatchRow, new_root: str) -> None:
    """Move a message, and the parcels of its order, to another root, to be applied anew."""
    of_order = sa.select(orders.c.centra_id).where(orders.c.whistl_number == row.whistl_number)
    query = sa.select(parcels.c.parcel_number).where(
        parcels.c.despatch_id == row.root_id, parcels.c.centra_id.in_(of_order)
    )
    for parcel_number in tx.execute(query).scalars().all():
        _rename(tx, row.root_id, parcel_number, new_root)
    tx.execute(
        sa.update(despatches)
        .where(despatches.c.despatch_id == row.despatch_id, despatches.c.version == row.version)
        .values(root_id=new_root, state=DespatchState.RECEIVED)
    )
