"""Which of Centra's levels a partial sync reads: those whose figure may have to change.

All due SKUs are worked out first, with Centra's levels as they were read last and the orders that
came since. A SKU that would be written what Centra has already costs no call. What somebody changes
in Centra by hand is found by the full sync, which reads every level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.cadence import may_differ
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import last_levels
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.new_orders import with_new_orders
from centra_whistl_dagster.workflows.stock.reconciliation import (
    Reconciliation,
    reconcile_levels,
    usable_snapshot,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSkus:
    """The SKUs that a partial sync covers, as worked out without a call."""

    skus: tuple[str, ...]
    minutes: Ints
    """The longest interval between two syncs of each, by what is for sale now."""
    to_read: frozenset[str]
    """Those whose figure in Centra may have to change."""


def due_skus(link: Link, snapshot: SnapshotRow, within_minutes: int) -> DueSkus | None:
    """Return the SKUs that a partial sync covers; None before the first full sync.

    Those are the SKUs that need this interval or a shorter one, and those of which Whistl has less
    than at their last sync.
    """
    levels = last_levels(link)
    with link.ledger.reading() as tx:
        last = last_sync(tx)
    if levels is None or last is None:
        return None
    synced = archive.fetch(link.settings.archive_path, last.file).set_index("sku")
    whistl = archive.fetch(link.settings.archive_path, snapshot.file).set_index("sku")
    is_due = levels.frame["sku"].map(synced["minutes"]) <= within_minutes
    # What must no longer be for sale costs little more where something is written anyway.
    available = levels.frame["sku"].map(whistl["available"])
    has_fallen = available < levels.frame["sku"].map(synced["whistl_available"])
    due = with_new_orders(link, levels.frame[is_due | has_fallen])
    found = reconcile_levels(link, snapshot, due, within_minutes=within_minutes)
    return DueSkus(
        skus=tuple(found.skus),
        minutes=found.demand.minutes,
        to_read=_to_read(found, due, synced),
    )


def skus_to_read(link: Link, within_minutes: int | None) -> frozenset[str] | None:
    """Return the SKUs whose levels this sync reads; None: all that it covers.

    Raises:
        NothingToReconcile: there is no snapshot to work with, or it has grown too old.
    """
    if within_minutes is None:
        return None
    due = due_skus(link, usable_snapshot(link), within_minutes)
    return None if due is None else due.to_read


def _to_read(found: Reconciliation, due: pd.DataFrame, synced: pd.DataFrame) -> frozenset[str]:
    steps, catalogue = found.catalogue.steps, found.catalogue
    before = synced.reindex(list(found.skus))
    is_needed = may_differ(
        wanted=steps.physical,
        shown=np.asarray(steps.centra.physical),
        held=np.asarray(steps.ours.held),
        left=np.asarray(steps.ours.left),
        wanted_before=_column(before, "physical"),
        held_before=_column(before, "units_held"),
        left_before=_column(before, "units_left"),
    )
    # What Centra has on back-order is in no figure that is known without asking it.
    has_demand = due.get("demand", pd.Series(0, index=due.index)) > 0
    waiting = set(due.loc[has_demand, "sku"])
    where = np.flatnonzero(is_needed & catalogue.in_centra)
    return frozenset({found.skus[at] for at in where.tolist()} | waiting)


def _column(frame: pd.DataFrame, name: str) -> Ints:
    """Return a column of figures; of a SKU that was not synced before, one that none can equal."""
    return frame[name].fillna(-(2**60)).to_numpy(dtype=np.int64)
