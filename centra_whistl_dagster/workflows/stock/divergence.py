"""Measure how far the two systems' stock is apart, and keep it with its causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints
from centra_whistl_dagster.domain.stock.catalogue import ReconciledCatalogue
from centra_whistl_dagster.domain.stock.divergence import LastWrite, explain
from centra_whistl_dagster.history.stock_tables import CAUSES
from centra_whistl_dagster.ledger import standings, stock
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
    unexplained: list[dict[str, str | int]]
    """Rows for people: SKUs whose difference has a part without a cause."""
    oversold: list[dict[str, str | int]]
    """Rows for people: SKUs of which more is sold than exists."""


def measure_divergence(link: Link) -> Compared:
    """Read Centra's stock as the last sync left it, and compare it with Whistl's.

    An unexplained difference is measured a second time before it is reported: an order or a
    cancellation of these very seconds may have been seen on one side only.

    Raises:
        IntegrationError: Centra could not be read.
        NothingToReconcile: a reading is missing, or the snapshot has grown too old.
    """
    usable_snapshot(link)  # else Centra would be read for nothing
    reconciliation, rows = _compare(link)
    if rows["unexplained"].any():
        reconciliation, rows = _compare(link)
    now, skus = link.now(), len(reconciliation.skus)
    steps = reconciliation.catalogue.steps
    units = int(np.maximum(steps.warehouse.on_hand - steps.ours.held, 0).sum())
    name = f"{reconciliation.snapshot_id}--{now:{archive.STAMP}}--{skus}"
    folder = link.settings.archive_path
    archive.keep(folder, archive.DIVERGENCE, name, now, rows)
    compared = {"snapshot_id": reconciliation.snapshot_id, "compared_at": now, "units": units}
    name = f"U--{now:{archive.STAMP}}"
    archive.keep(folder, archive.COMPARISON_UNITS, name, now, pd.DataFrame([compared]))
    unexplained = rows[rows["unexplained"] != 0]
    return Compared(
        skus=skus,
        differing=len(rows),
        units_by_cause={cause: int(rows[cause].abs().sum()) for cause in CAUSES},
        unexplained=[
            {"SKU": sku, "Centra has free": free, "unexplained": units}
            for sku, free, units in zip(
                unexplained["sku"].tolist(),
                unexplained["actual"].tolist(),
                unexplained["unexplained"].tolist(),
                strict=True,
            )
        ],
        oversold=[
            {"SKU": sku, "units too many": units} for sku, units in reconciliation.oversold.items()
        ],
    )


def _compare(link: Link) -> tuple[Reconciliation, pd.DataFrame]:
    asked_at = link.now()
    read_centra_levels(link)
    # Centra may have allocated stock to orders that were not read yet. Now they are known.
    take_in_orders(link)
    reconciliation = reconcile_stock(link)
    skus = reconciliation.skus
    with link.ledger.reading() as tx:
        until = tx.now + timedelta(seconds=1)
        placed = standings.units_ordered(tx, since=asked_at, until=until)
    units: Counter[str] = Counter()
    for sku, quantity, _seen_at in placed:
        units[sku] += quantity
    rows = divergence_rows(
        skus,
        reconciliation.catalogue,
        _last_write(link, skus, np.asarray(reconciliation.catalogue.steps.change != 0)),
        np.array([units[sku] for sku in skus], dtype=np.int64),
    )
    return reconciliation, rows


def _last_write(link: Link, skus: Sequence[str], is_wrong: Bools) -> LastWrite:
    """Return what is known of the SKUs whose figure in Centra is wrong; others need no cause."""
    wrong = [skus[at] for at in np.flatnonzero(is_wrong).tolist()]
    with link.ledger.reading() as tx:
        written = stock.last_written(tx, wrong)
        moments = {sku: write.at for sku, write in written.items()}
        completed = standings.units_completed_since(tx, moments)
    known = np.array([sku in written for sku in skus], dtype=np.bool_)
    quantity = [written[sku].quantity if sku in written else 0 for sku in skus]
    shown = [written[sku].read_back if sku in written else 0 for sku in skus]
    left = np.array([completed.get(sku, 0) for sku in skus], dtype=np.int64)
    return LastWrite(
        is_known=known,
        physical_now=np.array(quantity, dtype=np.int64) - left,
        not_taken=np.array(shown, dtype=np.int64) - np.array(quantity, dtype=np.int64),
    )


def divergence_rows(
    skus: ArrayLike,
    catalogue: ReconciledCatalogue,
    last_write: LastWrite,
    placed_meanwhile: Ints | int = 0,
) -> pd.DataFrame:
    """Return the history's divergence rows: each SKU whose free stock is not the expected figure.

    `expected` is what the building has beyond the orders sent to it (`on_hand - held`), `actual` is
    what Centra shows free, and the causes add up to the difference. Orders that only Centra knows
    count as `unexplained`, and missing units that a quantity of zero cannot show as `clamped`. For
    `placed_meanwhile` see `domain.stock.divergence.explain`.
    """
    steps = catalogue.steps
    causes = explain(steps, last_write, placed_meanwhile)
    both = catalogue.in_whistl & catalogue.in_centra
    expected = steps.warehouse.on_hand - (steps.ours.held - steps.missing)
    actual = steps.centra.physical - steps.centra.allocated
    difference = actual - expected
    frame: pd.DataFrame = pd.DataFrame(
        {
            "sku": skus,
            "expected": expected,
            "actual": actual,
            "difference": difference,
            "in_flight": (causes.awaiting_stock - causes.in_flight) * both,
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
