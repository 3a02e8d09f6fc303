"""The availability rules over an aligned table of both systems' stock.

From aligned columns to the numbers to write, and to a preview of what a refused snapshot would have
done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints
from centra_whistl_dagster.domain.stock.availability import (
    CentraStock,
    OurUnits,
    Reconciled,
    WarehouseStock,
    reconcile,
)

Columns = Mapping[str, Ints | Bools]
"""Aligned columns by name, all of one length: `whistl_on_hand`, `centra_physical`, `ours_held`.
`history.alignment` joins them as 32-bit numbers, which is quicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledCatalogue:
    """Every SKU of either system, with every step of the sum."""

    steps: Reconciled
    """Meaningful where both systems have the SKU."""
    in_whistl: Bools
    """The snapshot names it. Where false its stock is unknown, not zero."""
    in_centra: Bools
    to_write: Ints
    """Positions of the SKUs whose quantity in Centra has to change."""


def reconcile_columns(columns: Columns, buffer: Ints) -> ReconciledCatalogue:
    """Work out what Centra should hold of every SKU that both systems have.

    Args:
        columns: `in_whistl`, `in_centra`, then `whistl_`, `centra_` and `ours_` with the fields of
            `WarehouseStock`, `CentraStock` and `OurUnits`, zero where that system lacks the SKU.
        buffer: units to hold back of each SKU, where there is room.
    """
    whistl = WarehouseStock(**_units(WarehouseStock, columns, "whistl"))
    # Every sum of `reconcile` begins with this column: in 64 bits none can overflow.
    available = whistl.available.astype(np.int64, copy=False)
    steps = reconcile(
        replace(whistl, available=available),
        OurUnits(**_units(OurUnits, columns, "ours")),
        CentraStock(**_units(CentraStock, columns, "centra")),
        buffer,
    )
    in_whistl, in_centra = columns["in_whistl"] != 0, columns["in_centra"] != 0
    return ReconciledCatalogue(
        steps=steps,
        in_whistl=in_whistl,
        in_centra=in_centra,
        to_write=np.flatnonzero(steps.needs_write & in_whistl & in_centra),
    )


def _units(
    kind: type[WarehouseStock | OurUnits | CentraStock], columns: Columns, prefix: str
) -> dict[str, Any]:
    """Return the fields of a side. One that a table does not have keeps its default: none."""
    given = {field.name: columns.get(f"{prefix}_{field.name}") for field in fields(kind)}
    return {name: column for name, column in given.items() if column is not None}


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
    """Say what writing the catalogue's numbers would do."""
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
