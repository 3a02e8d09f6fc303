# ruff: noqa: D106, RUF012  -- `Config` is where Pandera looks for a name and a key, and it wants a list.
"""The stock tables of the history: readings, levels over time, what was written, how far apart.

The rules of `tables` hold here too. The two level tables keep a row for as long as a SKU's figures
stay the same (`valid_from` to `valid_to`): a hundred readings of a million SKUs take 76 MB so, and
2.5 GB when every reading is kept whole. Does not belong here: anything about orders (`tables`).
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from centra_whistl_dagster.history.columns import (
    HistoryTable,
    code,
    count,
    moment,
    remark,
    text,
    yes_no,
)

CAUSES = (
    "in_flight",
    "blocked",
    "shipped_not_completed",
    "other_channels",
    "quarantine",
    "buffer",
    "stale",
    "clamped",
    "one_side_only",
    "unexplained",
)
"""Why Centra's stock may differ from what it should be: columns of `divergence`."""

SKU = "SKU as the system spells it."
PRESENT = "False: a complete reading did not list it; its figures are then empty, not zero."


class StockSnapshots(HistoryTable):
    """One reading of all stock of one system. A refused one has no figures but its rows."""

    system: Series[str] = code("Whose stock.", isin=["whistl", "centra"])
    snapshot_id: Series[str] = text("Name of the reading.", str_length={"min_value": 1})
    taken_at: Series[pd.DatetimeTZDtype] = moment("The moment the figures are true for.")
    read_at: Series[pd.DatetimeTZDtype] = moment("When it was read.")
    is_complete: Series[pd.BooleanDtype] = yes_no("Paged to the end: a SKU not in it is absent.")
    verdict: Series[str] = code("What the guards said.", isin=["accepted", "refused"])
    reason: Series[str] = remark("Why the guards refused it; blank if they did not.")
    row_count: Series[pd.Int64Dtype] = count("SKUs in it.", ge=0)
    changed_count: Series[pd.Int64Dtype] = count("SKUs with new figures.", ge=0, nullable=True)
    absent_count: Series[pd.Int64Dtype] = count(
        "SKUs that were in the last and not here.", ge=0, nullable=True
    )
    emptied_count: Series[pd.Int64Dtype] = count(
        "SKUs sellable before and not now.", ge=0, nullable=True
    )
    sellable_units: Series[pd.Int64Dtype] = count(
        "Sum of sellable units where positive.", ge=0, nullable=True
    )

    class Config:
        name = "stock_snapshots"
        unique = ["system", "snapshot_id"]


class StockLevels(HistoryTable):
    """What Whistl had of one SKU over one stretch of time."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    on_hand: Series[pd.Int64Dtype] = count(
        "Units in the building, quarantined ones too.", nullable=True
    )
    allocated: Series[pd.Int64Dtype] = count(
        "Units reserved for orders and not yet gone.", nullable=True
    )
    quarantined: Series[pd.Int64Dtype] = count("Units that may not be sold.", nullable=True)
    available: Series[pd.Int64Dtype] = count(
        "Units Whistl says are free; may be negative.", nullable=True
    )
    is_present: Series[pd.BooleanDtype] = yes_no(PRESENT)
    valid_from: Series[pd.DatetimeTZDtype] = moment("From when the figures held.")
    valid_to: Series[pd.DatetimeTZDtype] = moment("Until when; empty: still.", nullable=True)
    snapshot_id: Series[str] = text("The reading that brought them.")

    class Config:
        name = "stock_levels"
        unique = ["sku", "valid_from"]

    @pa.dataframe_check
    @classmethod
    def an_absent_sku_has_no_figures(cls, frame: pd.DataFrame) -> pd.Series:
        """Absent is not zero."""
        return frame["is_present"] == frame["on_hand"].notna()


class CentraLevels(HistoryTable):
    """What Centra held of one SKU over one stretch of time."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    physical: Series[pd.Int64Dtype] = count("Units Centra believes are there.", nullable=True)
    allocated: Series[pd.Int64Dtype] = count("Units Centra has promised to orders.", nullable=True)
    free: Series[pd.Int64Dtype] = count("Units the shop may sell.", nullable=True)
    is_present: Series[pd.BooleanDtype] = yes_no(PRESENT)
    valid_from: Series[pd.DatetimeTZDtype] = moment("From when the figures held.")
    valid_to: Series[pd.DatetimeTZDtype] = moment("Until when; empty: still.", nullable=True)
    snapshot_id: Series[str] = text("The reading that brought them.")

    class Config:
        name = "centra_levels"
        unique = ["sku", "valid_from"]

    @pa.dataframe_check
    @classmethod
    def an_absent_sku_has_no_figures(cls, frame: pd.DataFrame) -> pd.Series:
        """Absent is not zero."""
        return frame["is_present"] == frame["physical"].notna()


class StockUpdates(HistoryTable):
    """One quantity sent to Centra: from what, to what, why, and what Centra made of it."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    snapshot_id: Series[str] = text("The Whistl reading it was worked out from.")
    intended_at: Series[pd.DatetimeTZDtype] = moment("When it was decided, before the call.")
    settled_at: Series[pd.DatetimeTZDtype] = moment("When the answer was known.", nullable=True)
    from_physical: Series[pd.Int64Dtype] = count("Centra's figure before.", nullable=True)
    to_physical: Series[pd.Int64Dtype] = count("The figure sent.", ge=0)
    whistl_available: Series[pd.Int64Dtype] = count("Term: what Whistl said is free.")
    units_held: Series[pd.Int64Dtype] = count(
        "Term: units of our orders Whistl had taken out and Centra still holds.", ge=0
    )
    units_left: Series[pd.Int64Dtype] = count(
        "Term: units gone, or going, that the reading still counts.", ge=0
    )
    buffer: Series[pd.Int64Dtype] = count("Term: units kept back against unseen demand.", ge=0)
    outcome: Series[str] = code("What came of it; empty while it is not known.", nullable=True)
    read_back: Series[pd.Int64Dtype] = count("Centra's figure afterwards.", nullable=True)

    class Config:
        name = "stock_updates"
        unique = ["sku", "snapshot_id", "intended_at"]


class BufferChanges(HistoryTable):
    """One change of what is held back of a SKU for demand that Centra cannot see."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    changed_at: Series[pd.DatetimeTZDtype] = moment("When a pass over stock first used it.")
    from_units: Series[pd.Int64Dtype] = count("Units held back before.", ge=0)
    to_units: Series[pd.Int64Dtype] = count("Units held back since.", ge=0)
    reason: Series[str] = remark("The sum in words.")

    class Config:
        name = "buffer_changes"
        unique = ["sku", "changed_at"]


class StockComparisons(HistoryTable):
    """One comparison of Centra's stock with what it should be."""

    snapshot_id: Series[str] = text(
        "The Whistl reading compared with.", str_length={"min_value": 1}
    )
    compared_at: Series[pd.DatetimeTZDtype] = moment("When.")
    sku_count: Series[pd.Int64Dtype] = count("SKUs compared.", ge=0)
    differing_count: Series[pd.Int64Dtype] = count("SKUs that differ.", ge=0)
    unexplained_count: Series[pd.Int64Dtype] = count("SKUs with an unexplained part.", ge=0)
    unexplained_units: Series[pd.Int64Dtype] = count("Unexplained units, signs dropped.", ge=0)

    class Config:
        name = "stock_comparisons"
        unique = ["snapshot_id"]


class Divergence(HistoryTable):
    """One SKU whose free stock in Centra was not what Whistl's says, and why, in units."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    snapshot_id: Series[str] = text("The Whistl reading compared with.")
    compared_at: Series[pd.DatetimeTZDtype] = moment("When.")
    expected: Series[pd.Int64Dtype] = count("Free stock as Whistl's figures have it.")
    actual: Series[pd.Int64Dtype] = count("Free stock in Centra.")
    difference: Series[pd.Int64Dtype] = count(
        "Actual less expected: above 0 the shop has too much."
    )
    in_flight: Series[pd.Int64Dtype] = count(
        "Part from orders sent that Whistl had not reserved yet."
    )
    blocked: Series[pd.Int64Dtype] = count("Part from orders Whistl does not know.")
    shipped_not_completed: Series[pd.Int64Dtype] = count(
        "Part from goods gone that Centra still holds."
    )
    other_channels: Series[pd.Int64Dtype] = count("Part reserved for other channels.")
    quarantine: Series[pd.Int64Dtype] = count("Part from quarantined units.")
    buffer: Series[pd.Int64Dtype] = count("Part kept back on purpose.")
    stale: Series[pd.Int64Dtype] = count("Part from what moved since the reading.")
    clamped: Series[pd.Int64Dtype] = count("Part from a figure Centra did not take.")
    one_side_only: Series[pd.Int64Dtype] = count("Part because only one system has the SKU.")
    unexplained: Series[pd.Int64Dtype] = count("What is left.")

    class Config:
        name = "divergence"
        unique = ["snapshot_id", "sku"]

    @pa.dataframe_check
    @classmethod
    def the_difference_is_actual_less_expected(cls, frame: pd.DataFrame) -> pd.Series:
        """The sign is the same everywhere."""
        return frame["difference"] == frame["actual"] - frame["expected"]

    @pa.dataframe_check
    @classmethod
    def the_causes_add_up_to_the_difference(cls, frame: pd.DataFrame) -> pd.Series:
        """What no cause accounts for stands under `unexplained`, so nothing can go missing."""
        return frame[list(CAUSES)].sum(axis=1) == frame["difference"]
