"""The availability rules over an aligned table of both systems' stock.

Belongs here: from aligned columns to the numbers to write, and to a preview of what a refused
snapshot would have done. Does not belong here: any arithmetic (`domain.stock.availability`), or the
joining of columns (`history.alignment`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from centra_whistl_dagster.domain.stock.availability import (
    CentraStock,
    OurUnits,
    Reconciled,
    WarehouseStock,
    reconcile,
)
from centra_whistl_dagster.domain.stock.quantiles import Ints

Columns = Mapping[str, Any]
"""Aligned columns by name, all of one length: `whistl_on_hand`, `centra_physical`, `ours_held`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledCatalogue:
    """Every SKU of either system, with every step to its number."""

    steps: Reconciled
    """Meaningful where both systems have the SKU."""
    in_whistl: Any
    """The snapshot names it. Where false its stock is unknown, not zero."""
    in_centra: Any
    to_write: Ints
    """Positions of the SKUs whose quantity in Centra has to change."""


def reconcile_columns(columns: Columns, buffer: Ints) -> ReconciledCatalogue:
    """Work out what Centra should hold of every SKU that both systems have.

    Args:
        columns: `in_whistl`, `in_centra`, then `whistl_`, `centra_` and `ours_` with the fields of
            `WarehouseStock`, `CentraStock` and `OurUnits`, zero where that system lacks the SKU.
        buffer: units wanted of each.
    """
    steps = reconcile(
        _record(WarehouseStock, columns, "whistl"),
        _record(OurUnits, columns, "ours"),
        _record(CentraStock, columns, "centra"),
        buffer,
    )
    in_whistl, in_centra = columns["in_whistl"], columns["in_centra"]
    return ReconciledCatalogue(
        steps=steps,
        in_whistl=in_whistl,
        in_centra=in_centra,
        to_write=np.flatnonzero(steps.needs_write & in_whistl & in_centra),
    )


def _record(kind: type[Any], columns: Columns, prefix: str) -> Any:
    return kind(**{each.name: columns[f"{prefix}_{each.name}"] for each in fields(kind)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What writing a snapshot would do to the shop, for the person who may release it."""

    rising: int
    """SKUs that would show more."""
    falling: int
    emptied: int
    """SKUs for sale now that would not be."""
    units_added: int
    units_removed: int


def preview(catalogue: ReconciledCatalogue) -> Preview:
    """Say what writing would do."""
    steps, where = catalogue.steps, catalogue.to_write
    change = steps.change[where]
    allocated = steps.centra.allocated[where]
    is_for_sale = steps.centra.physical[where] > allocated
    return Preview(
        rising=int((change > 0).sum()),
        falling=int((change < 0).sum()),
        emptied=int((is_for_sale & (steps.physical[where] <= allocated)).sum()),
        units_added=int(change[change > 0].sum()),
        units_removed=int(-change[change < 0].sum()),
    )
