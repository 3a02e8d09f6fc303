# ruff: noqa: D106, RUF012  -- `Config` is where Pandera looks for a name and a key, and it wants a list.
"""The stock tables of the history: readings, levels over time, updates of Centra, divergence.

The rules of `tables` hold here too. The two level tables keep a row for as long as a SKU's figures
stay the same (`valid_from` to `valid_to`): a hundred readings of a million SKUs take 76 MB this
way, and 2.5 GB when every reading is kept whole. Does not belong here: orders (`tables`).
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from centra_whistl_dagster.history.columns import (
    AppendOnlyTable,
    HistoryTable,
    code,
    columns_of,
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
READING = "The Whistl reading compared with."


class StockSnapshots(HistoryTable):
    """One reading of all stock of one system. A refused one has no figures but its row count."""

    system: Series[str] = code("Whose stock.", isin=["whistl", "centra"])
    snapshot_id: Series[str] = text("Name of the reading.", str_length={"min_value": 1})
    taken_at: Series[pd.DatetimeTZDtype] = moment("The moment for which the figures are true.")
    read_at: Series[pd.DatetimeTZDtype] = moment("When it was read.")
    is_complete: Series[pd.BooleanDtype] = yes_no("Paged to the end: a SKU not in it is absent.")
    verdict: Series[str] = code("What the guards decided.", isin=["accepted", "refused"])
    reason: Series[str] = remark("Why the guards refused it; blank if accepted.")
    row_count: Series[pd.Int64Dtype] = count("SKUs in it.", ge=0)
    changed_count: Series[pd.Int64Dtype] = count("SKUs with new figures.", ge=0, nullable=True)
    absent_count: Series[pd.Int64Dtype] = count(
        "SKUs in the reading before and not in this one.", ge=0, nullable=True
    )
    emptied_count: Series[pd.Int64Dtype] = count(
        "SKUs sellable before and not now.", ge=0, nullable=True
    )
    sellable_units: Series[pd.Int64Dtype] = count(
        "Sum of the sellable units of SKUs that have any.", ge=0, nullable=True
    )

    class Config:
        name = "stock_snapshots"
        unique = ["system", "snapshot_id"]


class LevelTable(HistoryTable):
    """The figures of one SKU over one period; a subclass adds the figures, all whole numbers."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    is_present: Series[pd.BooleanDtype] = yes_no(
        "False: a complete reading did not list it; its figures are then empty, not zero."
    )
    valid_from: Series[pd.DatetimeTZDtype] = moment("When the figures began to hold.")
    valid_to: Series[pd.DatetimeTZDtype] = moment(
        "When the figures ceased to hold; empty: they still hold.", nullable=True
    )
    snapshot_id: Series[str] = text("The reading that brought them.")

    class Config:
        unique = ["sku", "valid_from"]

    @pa.dataframe_check
    @classmethod
    def only_a_present_sku_has_figures(cls, frame: pd.DataFrame) -> pd.Series:
        """Absent is not zero."""
        has_all = frame[list(figures_of(cls))].notna().all(axis=1)
        return frame["is_present"] == has_all


class StockLevels(LevelTable):
    """What Whistl had of one SKU over one period."""

    on_hand: Series[pd.Int64Dtype] = count(
        "Units in the building, quarantined ones too.", nullable=True
    )
    allocated: Series[pd.Int64Dtype] = count(
        "Units reserved for orders and not yet despatched.", nullable=True
    )
    quarantined: Series[pd.Int64Dtype] = count("Units that may not be sold.", nullable=True)
    available: Series[pd.Int64Dtype] = count(
        "Units that Whistl calls free; may be negative.", nullable=True
    )

    class Config:
        name = "stock_levels"


class CentraLevels(LevelTable):
    """What Centra held of one SKU over one period."""

    physical: Series[pd.Int64Dtype] = count("Units that Centra counts in stock.", nullable=True)
    allocated: Series[pd.Int64Dtype] = count(
        "Units that Centra reserves for orders.", nullable=True
    )
    free: Series[pd.Int64Dtype] = count("Units that the shop may sell.", nullable=True)

    class Config:
        name = "centra_levels"


def figures_of(model: type[LevelTable]) -> tuple[str, ...]:
    """Return the columns of a level table that are compared between readings."""
    shared = {column.name for column in columns_of(LevelTable)}
    return tuple(column.name for column in columns_of(model) if column.name not in shared)


class StockUpdates(HistoryTable):
    """One quantity sent to Centra: the old and the new figure, its terms, and the outcome."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    snapshot_id: Series[str] = text("The Whistl reading it was calculated from.")
    intended_at: Series[pd.DatetimeTZDtype] = moment("When it was decided, before the call.")
    settled_at: Series[pd.DatetimeTZDtype] = moment("When the answer was known.", nullable=True)
    from_physical: Series[pd.Int64Dtype] = count("Centra's figure before.", nullable=True)
    to_physical: Series[pd.Int64Dtype] = count("The figure sent.", ge=0)
    whistl_available: Series[pd.Int64Dtype] = count("Term: units that Whistl called free.")
    units_held: Series[pd.Int64Dtype] = count(
        "Term: units of our orders that Whistl had deducted and Centra still counts.", ge=0
    )
    units_left: Series[pd.Int64Dtype] = count(
        "Term: units that left, or are leaving, and that the reading still counts.", ge=0
    )
    buffer: Series[pd.Int64Dtype] = count(
        "Term: units held back for demand that Centra cannot see.", ge=0
    )
    outcome: Series[str] = code("The outcome; empty while it is not known.", nullable=True)
    read_back: Series[pd.Int64Dtype] = count("Centra's figure afterwards.", nullable=True)

    class Config:
        name = "stock_updates"
        unique = ["sku", "snapshot_id", "intended_at"]


class BufferChanges(AppendOnlyTable):
    """One change of the units of a SKU held back for demand that Centra cannot see."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    changed_at: Series[pd.DatetimeTZDtype] = moment("When a stock sync first used it.")
    from_units: Series[pd.Int64Dtype] = count("Units held back before.", ge=0)
    to_units: Series[pd.Int64Dtype] = count("Units held back since.", ge=0)
    reason: Series[str] = remark("How it was calculated.")

    class Config:
        name = "buffer_changes"
        unique = ["sku", "changed_at"]


class StockComparisons(HistoryTable):
    """One comparison of Centra's stock with what it should be."""

    snapshot_id: Series[str] = text(READING, str_length={"min_value": 1})
    compared_at: Series[pd.DatetimeTZDtype] = moment("When.")
    sku_count: Series[pd.Int64Dtype] = count("SKUs compared.", ge=0)
    differing_count: Series[pd.Int64Dtype] = count("SKUs that differ.", ge=0)
    unexplained_count: Series[pd.Int64Dtype] = count("SKUs with an unexplained part.", ge=0)
    unexplained_units: Series[pd.Int64Dtype] = count("Unexplained units, in absolute value.", ge=0)
    differing_units: Series[pd.Int64Dtype] = count(
        "Sum of the differences of SKUs that both systems have, in absolute value.",
        ge=0,
        nullable=True,
    )

    class Config:
        name = "stock_comparisons"
        unique = ["snapshot_id"]


class ComparisonUnits(HistoryTable):
    """How many units one comparison was about."""

    snapshot_id: Series[str] = text(READING)
    compared_at: Series[pd.DatetimeTZDtype] = moment("When.")
    units: Series[pd.Int64Dtype] = count(
        "Units in the building beyond the orders sent to it, over all SKUs.", ge=0
    )

    class Config:
        name = "comparison_units"
        unique = ["snapshot_id"]


class ComparisonCauses(HistoryTable):
    """One cause of divergence in one comparison: sums of `divergence`, for figures over time."""

    snapshot_id: Series[str] = text(READING)
    cause: Series[str] = code("Which column of `divergence`.", isin=list(CAUSES))
    compared_at: Series[pd.DatetimeTZDtype] = moment("When.")
    skus: Series[pd.Int64Dtype] = count("SKUs with a part of that cause.", ge=1)
    units: Series[pd.Int64Dtype] = count("Sum of the parts: above 0, the shop offers too much.")
    units_without_sign: Series[pd.Int64Dtype] = count("Sum of the parts in absolute value.", ge=1)

    class Config:
        name = "comparison_causes"
        unique = ["snapshot_id", "cause"]


class StockPositions(AppendOnlyTable):
    """One change of the units of a SKU that are oversold, withheld, or still to be written."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    changed_at: Series[pd.DatetimeTZDtype] = moment("The stock sync that found it.")
    oversold_before: Series[pd.Int64Dtype] = count("Oversold before.", ge=0)
    oversold_units: Series[pd.Int64Dtype] = count(
        "Units that Centra has sold and nobody has, since.", ge=0
    )
    withheld_before: Series[pd.Int64Dtype] = count("Withheld before.", ge=0)
    withheld_units: Series[pd.Int64Dtype] = count(
        "Units that exist and that the buffer keeps from the shop, since.", ge=0
    )
    unwritten_before: Series[pd.Int64Dtype] = count("Unwritten before.", ge=0)
    unwritten_units: Series[pd.Int64Dtype] = count(
        "Units by which Centra's figure is wrong because it could not be written, since.", ge=0
    )
    was_sold_out_by_buffer: Series[pd.BooleanDtype] = yes_no(
        "Before: the shop offered none of the SKU, and would have offered some without the buffer."
    )
    is_sold_out_by_buffer: Series[pd.BooleanDtype] = yes_no("The same, since.")
    demand_in_30_days: Series[pd.Int64Dtype] = count(
        "Units that it sells in 30 days at the pace of the hour of the sync.", ge=0
    )

    class Config:
        name = "stock_positions"
        unique = ["sku", "changed_at"]


class Divergence(HistoryTable):
    """One SKU whose free stock in Centra differs from Whistl's figures, and why, in units."""

    sku: Series[str] = text(SKU, str_length={"min_value": 1})
    snapshot_id: Series[str] = text(READING)
    compared_at: Series[pd.DatetimeTZDtype] = moment("When.")
    expected: Series[pd.Int64Dtype] = count("Free stock by Whistl's figures.")
    actual: Series[pd.Int64Dtype] = count("Free stock in Centra.")
    difference: Series[pd.Int64Dtype] = count(
        "Actual less expected: above 0, the shop offers too much."
    )
    in_flight: Series[pd.Int64Dtype] = count(
        "Part from orders sent that Whistl had not reserved yet."
    )
    blocked: Series[pd.Int64Dtype] = count("Part from orders not sent to Whistl.")
    shipped_not_completed: Series[pd.Int64Dtype] = count(
        "Part from despatched goods that Centra still counts."
    )
    other_channels: Series[pd.Int64Dtype] = count("Part reserved for other channels.")
    quarantine: Series[pd.Int64Dtype] = count("Part from quarantined units.")
    buffer: Series[pd.Int64Dtype] = count("Part held back on purpose.")
    stale: Series[pd.Int64Dtype] = count("Part from movements since the reading.")
    clamped: Series[pd.Int64Dtype] = count("Part from a figure that Centra did not accept.")
    one_side_only: Series[pd.Int64Dtype] = count("Part because only one system has the SKU.")
    unexplained: Series[pd.Int64Dtype] = count("What no cause accounts for.")

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
        """What no cause accounts for is under `unexplained`, so nothing can go missing."""
        return frame[list(CAUSES)].sum(axis=1) == frame["difference"]
