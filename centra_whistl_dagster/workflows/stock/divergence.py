"""Measure how far the two systems' stock is apart, and keep it with its causes.

Belongs here: gathering what was last written, keeping the comparison. Does not belong here: the
split into causes (`domain.stock.divergence`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.catalogue import ReconciledCatalogue
from centra_whistl_dagster.domain.stock.divergence import LastWrite, explain
from centra_whistl_dagster.history.stock_tables import CAUSES
from centra_whistl_dagster.ledger import standings
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import take_in_orders
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.reconciliation import (
    Reconciliation,
    reconcile_stock,
    usable_snapshot,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One comparison of both systems."""

    skus: int
    differing: int
    units_by_cause: dict[str, int]
    unexplained: list[dict[str, Any]]
    """SKUs of whose difference a part has no cause."""
    oversold: list[dict[str, Any]]


def measure_divergence(link: Link) -> Compared:
    """Read Centra's stock as the last pass left it, and compare.

    What is unexplained is looked at once more before it is called so: an order or a cancellation of
    these very seconds may have been seen on one side only.

    Raises:
        IntegrationError: Centra could not be read.
        NothingToReconcile: a reading is missing, or the snapshot has grown too old.
    """
    usable_snapshot(link)  # else Centra would be read for nothing
    found, rows = _compare(link)
    if rows["unexplained"].any():
        found, rows = _compare(link)
    now = link.now()
    archive.keep(
        link.settings.archive_path,
        archive.DIVERGENCE,
        f"{found.snapshot_id}--{now:{archive.STAMP}}--{len(found.skus)}",
        now,
        rows,
    )
    unexplained = rows[rows["unexplained"] != 0]
    return Compared(
        skus=len(found.skus),
        differing=len(rows),
        units_by_cause={cause: int(rows[cause].abs().sum()) for cause in CAUSES},
        unexplained=[
            {"SKU": row.sku, "Centra has free": row.actual, "unexplained": row.unexplained}
            for row in unexplained.itertuples()
        ],
        oversold=_oversold(found),
    )


def _compare(link: Link) -> tuple[Reconciliation, pd.DataFrame]:
    asked_at = link.now()
    read_centra_levels(link)
    # Orders that Centra had allocated by then and that nobody had read yet: now they are known.
    take_in_orders(link)
    found = reconcile_stock(link)
    with link.ledger.reading() as tx:
        until = link.now() + timedelta(seconds=1)
        placed = standings.units_ordered(tx, since=asked_at, until=until)
    units: Counter[str] = Counter()
    for sku, quantity in placed:
        units[sku] += quantity
    rows = divergence_rows(
        np.asarray(found.skus),
        found.catalogue,
        _last_write(link, found.skus),
        np.array([units[sku] for sku in found.skus], dtype=np.int64),
    )
    return found, rows


def _oversold(found: Reconciliation) -> list[dict[str, Any]]:
    steps, both = found.catalogue.steps, found.catalogue.in_whistl & found.catalogue.in_centra
    where = np.flatnonzero((steps.oversold > 0) & both).tolist()
    return [{"SKU": found.skus[at], "units too many": int(steps.oversold[at])} for at in where]


def _last_write(link: Link, skus: Any) -> LastWrite:
    with link.ledger.reading() as tx:
        written = stock_rows.last_written(tx)
        completed = standings.units_completed_since(
            tx, {sku: each.at for sku, each in written.items()}
        )
    known = np.array([sku in written for sku in skus], dtype=np.int64)
    quantity = [written[sku].quantity if sku in written else 0 for sku in skus]
    shown = [written[sku].read_back if sku in written else 0 for sku in skus]
    left = np.array([completed.get(sku, 0) for sku in skus], dtype=np.int64)
    return LastWrite(
        is_known=known,
        physical_now=np.array(quantity, dtype=np.int64) - left,
        not_taken=np.array(shown, dtype=np.int64) - np.array(quantity, dtype=np.int64),
    )


def divergence_rows(
    skus: Any,
    catalogue: ReconciledCatalogue,
    last_write: LastWrite,
    placed_meanwhile: Any = 0,
) -> pd.DataFrame:
    """Return the history's divergence rows: each SKU whose free stock is other than expected.

    `expected` is what the building has beyond the orders it was given (`on_hand - held`), `actual`
    what Centra shows free, and the causes add up to the difference. Orders that Centra has and this
    connection does not know stand under `unexplained`, and units that could not be shown missing
    below none under `clamped`. For `placed_meanwhile` see `domain.stock.divergence.explain`.
    """
    steps = catalogue.steps
    causes = explain(steps, last_write, placed_meanwhile)
    both = catalogue.in_whistl & catalogue.in_centra
    expected = steps.warehouse.on_hand - steps.ours.held
    actual = steps.centra.physical - steps.centra.allocated
    difference = actual - expected
    frame: pd.DataFrame = pd.DataFrame(
        {
            "sku": skus,
            "expected": expected,
            "actual": actual,
            "difference": difference,
            "in_flight": -causes.in_flight * both,
            "blocked": -causes.blocked * both,
            "shipped_not_completed": causes.shipped_not_completed * both,
            "other_channels": -causes.other_channels * both,
            "quarantine": -causes.quarantined * both,
            "buffer": -causes.buffer * both,
            "stale": causes.stale * both,
            "clamped": (causes.clamped + causes.floored) * both,
            "one_side_only": difference * (1 - both),
            "unexplained": (causes.unexplained - causes.unknown_orders) * both,
        },
        copy=False,
    )
    differing: pd.DataFrame = frame.loc[difference != 0]
    return differing
