"""Write to Centra the stock quantities that have to change, and raise exceptions about them.

Belongs here: which quantities are written, in what order, and what the ledger and the register of
exceptions hold of each. Does not belong here: working out the quantities
(`workflows.stock.reconciliation`), the calls (`workflows.stock.recorded_writes`) and the record for
the next sync (`workflows.stock.trail`).
"""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np

from centra_whistl_dagster.domain.effects import must_owner_hear
from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.cadence import SKUS_OF_A_BATCH
from centra_whistl_dagster.domain.stock.plan import hottest_first
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import generations, stock
from centra_whistl_dagster.ledger.engine import Lease
from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.transport import AccessDenied, IntegrationError
from centra_whistl_dagster.workflows.access import CallGroup, is_permitted
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses
from centra_whistl_dagster.workflows.shipments.completion import CENTRA_STOCK_LEASE, LEASE_SECONDS
from centra_whistl_dagster.workflows.stock.cadence import allowed_for_stock
from centra_whistl_dagster.workflows.stock.changed_orders import read_changed_orders
from centra_whistl_dagster.workflows.stock.reconciliation import Reconciliation, reconcile_stock
from centra_whistl_dagster.workflows.stock.recorded_writes import write_recorded
from centra_whistl_dagster.workflows.stock.sku_exceptions import (
    resolve_agreeing,
    update_absent_selling,
    update_oversold,
    update_write_exceptions,
)
from centra_whistl_dagster.workflows.stock.trail import keep_reconciliation
from centra_whistl_dagster.workflows.stock.twins import hold_twins

ON_ONE_SIDE = Skipped("on one side only")
NOT_PERMITTED = Skipped("the token may not write stock")
WAITS_AFTER_GAP = Skipped("after a gap in the ledger, parcels are compared with Centra first")
POSTPONED = Skipped("left for the next sync: the rest of Centra's quota is for orders")


def publish_stock(link: Link) -> Tally:
    """Write to Centra, in batches, the quantities that have to change, and read them back.

    Where Centra's quota does not suffice, SKUs that are wrongly for sale come first, then the
    fastest sellers; the rest is left for the next sync. Everything is worked out once more just
    before writing, while no shipment can be completed.

    Raises:
        LeaseTaken: shipments are being completed, and that does not end; or this took so long
            that it may have begun. Batches written before that stay written.
        NothingToReconcile: see `reconcile_stock`.
        IntegrationError: Whistl does not say what it did with our orders, and nothing was written;
            or Centra gave no usable answer to any batch, or to some batch of each of the last
            syncs, and what was not written is left for the next one.
        AccessDenied: Centra refuses the token as a whole, or to show what was written; the sync
            ends with the batch it refused. A token that only lacks the permission to write stock
            is not tried again.
    """
    with link.alone(CENTRA_STOCK_LEASE, seconds=LEASE_SECONDS) as lease:
        # The snapshot knows all that Whistl did until it was taken; so must the ledger. Units of an
        # order that Whistl has since ended would be counted as set aside, and sold twice.
        follow_order_statuses(link)
        # What people did in Centra moved its stock at once: by-hand shipments, cancelled lines.
        read_changed_orders(link)
        with link.ledger.transaction() as tx:
            lease.renew(tx)
        reconciliation, chosen, postponed = _chosen(link)
        with link.ledger.transaction() as tx:
            lease.renew(tx)
            update_oversold(tx, reconciliation)
            update_absent_selling(tx, reconciliation)
            resolve_agreeing(tx, reconciliation)
        intents = [each for each in _intents(link, reconciliation) if each.sku in chosen]
        tally = _tally_of_unwritten(reconciliation, intents, postponed)
        unfinished = {intent.sku for intent in intents} | postponed
        errors: list[IntegrationError | None] = []
        try:
            for start in range(0, len(intents), SKUS_OF_A_BATCH):
                batch = intents[start : start + SKUS_OF_A_BATCH]
                why_not = _why_not(link)
                if why_not is not None:
                    tally.add(why_not, len(intents) - start)
                    break
                written, error = _write(link, lease, reconciliation.snapshot_id, batch, tally)
                unfinished -= written
                errors.append(error)
                if isinstance(error, AccessDenied):
                    raise error
            if _why_not(link) is None:
                errors += hold_twins(link, lease, reconciliation.snapshot_id)
        finally:
            last = keep_reconciliation(
                link,
                reconciliation,
                unfinished,
                is_answered=not any(errors) if errors else None,
            )
    lost = [error for error in errors if error is not None]
    # Some batches of one sync alone may fail: the next sync writes them.
    if lost and (len(lost) == len(errors) or must_owner_hear(last.unanswered_syncs)):
        raise lost[-1]
    return tally


def _why_not(link: Link) -> Skipped | None:
    """Return why no stock may be written now, if so."""
    with link.ledger.reading() as tx:
        if not is_permitted(tx, link.settings, CallGroup.STOCK):
            return NOT_PERMITTED
        # A parcel that Centra has completed, and the ledger has not, would be added once more.
        is_known = not generations.are_parcels_unchecked(tx)
    return None if is_known else WAITS_AFTER_GAP


def _chosen(link: Link) -> tuple[Reconciliation, Set[str], Set[str]]:
    """Work everything out, with Centra's levels read anew of what is about to be written.

    Parcels may have been completed, or orders placed, since all levels were read: a sum of new
    parcels and old levels would look oversold.

    Returns:
        the reconciliation, the SKUs to write, and those that wait for the next sync.
    """
    first = reconcile_stock(link)
    intents = [intent.sku for intent in _intents(link, first)]
    most = allowed_for_stock(link).batches * SKUS_OF_A_BATCH
    chosen, postponed = set(intents[:most]), set(intents[most:])
    doubtful = chosen | first.oversold.keys()
    anew = reconcile_stock(link, read_anew=doubtful) if doubtful else first
    return anew, chosen, postponed


def _tally_of_unwritten(
    reconciliation: Reconciliation, intents: Sequence[StockIntent], postponed: Set[str]
) -> Tally:
    """Count the SKUs that this sync does not write."""
    catalogue = reconciliation.catalogue
    on_one_side = int(np.count_nonzero(catalogue.in_whistl != catalogue.in_centra))
    tally = Tally(read=len(reconciliation.skus))
    tally.add(ON_ONE_SIDE, on_one_side)
    tally.add(POSTPONED, len(postponed))
    tally.add(Fate.UNCHANGED, tally.read - on_one_side - len(intents) - len(postponed))
    return tally


def _intents(link: Link, reconciliation: Reconciliation) -> list[StockIntent]:
    """Return what has to be written, most urgent first."""
    steps, demand = reconciliation.catalogue.steps, reconciliation.demand
    where = _to_write(link, reconciliation)
    order = where[hottest_first(demand.per_hour[where], steps.change[where])]
    return [
        StockIntent(
            sku=reconciliation.skus[at],
            product_size_id=int(reconciliation.product_size_ids[at]),
            from_quantity=int(steps.centra.physical[at]),
            to_quantity=int(steps.physical[at]),
            whistl_available=int(steps.warehouse.available[at]),
            units_held=int(steps.ours.held[at]),
            units_left=int(steps.ours.left[at]),
            buffer=int(steps.buffer_used[at]),
        )
        for at in order.tolist()
    ]


def _to_write(link: Link, reconciliation: Reconciliation) -> Ints:
    """Return where Centra must get another figure, or may get a lower one that it never got."""
    catalogue, skus = reconciliation.catalogue, reconciliation.skus
    steps = catalogue.steps
    too_much = np.flatnonzero(steps.holds_too_much & catalogue.in_whistl & catalogue.in_centra)
    with link.ledger.reading() as tx:
        last = stock.last_written(tx, [skus[at] for at in too_much.tolist()])
    never_sent = [
        at
        for at in too_much.tolist()
        if (written := last.get(skus[at])) is None
        or (written.quantity, written.read_back)
        != (int(steps.physical[at]), int(steps.centra.physical[at]))
    ]
    return np.union1d(catalogue.to_write, np.asarray(never_sent, dtype=np.int64))


def _write(
    link: Link, lease: Lease, snapshot_id: str, batch: Sequence[StockIntent], tally: Tally
) -> tuple[set[str], IntegrationError | None]:
    """Write a batch.

    Returns:
        the SKUs of which the shop offers no more than it should, and why it is not known of others
        what came of them.
    """
    answer = write_recorded(
        link,
        lease,
        snapshot_id,
        batch,
        description=f"Whistl stock {snapshot_id}",
        note=update_write_exceptions,
    )
    if answer is None:
        tally.add(NOT_PERMITTED, len(batch))
        return set(), None
    of_sku = {intent.sku: answer.by_size[intent.product_size_id] for intent in batch}
    for each in of_sku.values():
        tally.add(_fate(each.outcome))
    may_wait = {each.sku for each in batch if of_sku[each.sku].may_wait(each.to_quantity)}
    return may_wait, answer.error


def _fate(outcome: WriteOutcome) -> Fate:
    if outcome is WriteOutcome.WRITTEN:
        return Fate.WRITTEN
    return Failed(outcome.replace("_", " "))
