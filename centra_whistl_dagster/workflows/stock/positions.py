"""Keep, for each SKU, the units oversold, withheld and not yet written, whenever one changes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

_UNITS = ("oversold", "withheld", "unwritten")
COLUMNS = (
    "sku",
    "changed_at",
    *(f"{name}_{when}" for name in _UNITS for when in ("before", "units")),
    "was_sold_out_by_buffer",
    "is_sold_out_by_buffer",
    "demand_in_30_days",
)


def with_positions(steps: pd.DataFrame, unfinished: Collection[str]) -> pd.DataFrame:
    """Add the positions to the steps of a reconciliation, `unwritten` of those left unwritten.

    A SKU that only one system has can be neither oversold nor withheld.
    """
    is_in_both = steps["in_whistl"] & steps["in_centra"]
    change = (steps["physical"] - steps["centra_physical"]).abs()
    sold_out = (steps["buffer_used"] > 0) & (steps["physical"] <= steps["centra_allocated"])
    return steps.assign(
        position_oversold=steps["oversold"] * is_in_both,
        position_withheld=steps["buffer_used"] * is_in_both,
        position_unwritten=change * is_in_both * steps["sku"].isin(list(unfinished)),
        is_sold_out_by_buffer=sold_out & is_in_both,
    )


def position_changes(
    now: pd.DataFrame, before: pd.DataFrame | None, at: datetime, *, is_whole: bool
) -> pd.DataFrame:
    """Return the history's rows: SKUs of which a position is another than at their last sync.

    Args:
        now: the SKUs of this sync, from `with_positions`.
        before: every SKU as it was at its last sync; None before the first one.
        at: when.
        is_whole: this sync covered every SKU, so that one it lacks is in neither system.
    """
    # Demand moves at every sync; on its own it is no change.
    demand = now.set_index("sku")["per_hour"] * 24 * 30
    kept = [*(f"position_{name}" for name in _UNITS), "is_sold_out_by_buffer"]
    empty = pd.DataFrame(columns=["sku", *kept])
    known = empty if before is None or kept[0] not in before else before[["sku", *kept]]
    joined = now[["sku", *kept]].merge(
        known, on="sku", how="outer" if is_whole else "left", suffixes=("", "_before")
    )
    rows = pd.DataFrame({"sku": joined["sku"], "changed_at": pd.Timestamp(at)})
    for name in _UNITS:
        for when, suffix in (("before", "_before"), ("units", "")):
            column = joined[f"position_{name}{suffix}"]
            rows[f"{name}_{when}"] = pd.to_numeric(column).fillna(0).astype("int64")
    sold_out = joined[["is_sold_out_by_buffer", "is_sold_out_by_buffer_before"]]
    sold_out = sold_out.astype("boolean").fillna(value=False).astype(bool)
    rows["was_sold_out_by_buffer"] = sold_out["is_sold_out_by_buffer_before"]
    rows["is_sold_out_by_buffer"] = sold_out["is_sold_out_by_buffer"]
    rows["demand_in_30_days"] = (
        joined["sku"].map(demand).astype(float).fillna(0).round().astype("int64")
    )
    differs = sold_out["is_sold_out_by_buffer"] != sold_out["is_sold_out_by_buffer_before"]
    for name in _UNITS:
        differs |= rows[f"{name}_before"] != rows[f"{name}_units"]
    changed: pd.DataFrame = rows.loc[differs, list(COLUMNS)]
    return changed
