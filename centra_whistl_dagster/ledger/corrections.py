"""Which despatch messages correct which: chains with one root, under whose id parcels are kept.

A correction is one only of a message about the same order. A message that names another order's as
its forerunner is the root of a chain of its own, so that it can take nothing from that order.
"""

from __future__ import annotations

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import DespatchState, ParcelState
from centra_whistl_dagster.ledger.tables import despatches, orders, parcel_lines, parcels

_UNWRITTEN = [ParcelState.OPEN, ParcelState.HELD]


def root_id_of(tx: Transaction, despatch: Despatch) -> str:
    """Return the id of the first message of the chain that a message belongs to."""
    if despatch.supersedes is None:
        return despatch.despatch_id
    query = sa.select(despatches.c.root_id, despatches.c.whistl_number).where(
        despatches.c.despatch_id.in_([despatch.supersedes, own_id(despatch, despatch.supersedes)])
    )
    forerunners = tx.execute(query).tuples().all()
    of_this_order = [str(root) for root, number in forerunners if number == despatch.order_number]
    if of_this_order:
        return of_this_order[0]
    # A forerunner that is not here yet is taken for the root; one of another order is none of ours.
    return despatch.despatch_id if forerunners else despatch.supersedes


def own_id(despatch: Despatch, despatch_id: str) -> str:
    """Return what a message is kept as whose id is that of a message about another order."""
    return f"{despatch_id} of {despatch.order_number}"


def adopt_what_came_early(tx: Transaction, despatch: Despatch, root_id: str) -> None:
    """Bring corrections that came before this message to their true root, to be applied anew.

    They took this message for the first of their chain. What Centra was sent of them stays sent.
    """
    took_it_for_the_root = sa.and_(
        despatches.c.root_id == despatch.despatch_id,
        despatches.c.despatch_id != despatch.despatch_id,
    )
    is_of_this_order = despatches.c.whistl_number == despatch.order_number
    others = tx.execute(
        sa.select(despatches.c.despatch_id, despatches.c.whistl_number).where(
            took_it_for_the_root, ~is_of_this_order
        )
    ).tuples()
    for despatch_id, whistl_number in others.all():
        _make_root_of_its_own(tx, despatch.despatch_id, despatch_id, whistl_number)
    early = tx.execute(
        sa.update(despatches)
        .where(took_it_for_the_root, is_of_this_order)
        .values(root_id=root_id, state=DespatchState.RECEIVED)
    )
    if early.rowcount and root_id != despatch.despatch_id:
        remove_unwritten(tx, despatch.despatch_id)


def remove_unwritten(tx: Transaction, root_id: str) -> None:
    """Take out of the outbox the parcels of a chain that Centra was not sent."""
    query = sa.select(parcels.c.parcel_number).where(
        parcels.c.despatch_id == root_id, parcels.c.state.in_(_UNWRITTEN)
    )
    for parcel_number in tx.execute(query).scalars().all():
        for table in (parcel_lines, parcels):
            tx.execute(
                sa.delete(table).where(
                    table.c.despatch_id == root_id, table.c.parcel_number == parcel_number
                )
            )


def _make_root_of_its_own(
    tx: Transaction, old_root: str, despatch_id: str, whistl_number: str
) -> None:
    """Take a message, and its order's parcels, out of the chain of another order's message."""
    of_order = sa.select(orders.c.centra_id).where(orders.c.whistl_number == whistl_number)
    query = sa.select(parcels.c.parcel_number).where(
        parcels.c.despatch_id == old_root, parcels.c.centra_id.in_(of_order)
    )
    for parcel_number in tx.execute(query).scalars().all():
        for table in (parcel_lines, parcels):
            tx.execute(
                sa.update(table)
                .where(table.c.despatch_id == old_root, table.c.parcel_number == parcel_number)
                .values(despatch_id=despatch_id)
            )
    tx.execute(
        sa.update(despatches)
        .where(despatches.c.despatch_id == despatch_id, despatches.c.root_id == old_root)
        .values(root_id=despatch_id, state=DespatchState.RECEIVED)
    )
