"""Past orders, read for a replay and split into those the shop sees and those it does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints

_COLUMN_NAMES = (
    {"order": "order_number", "sku": "sku", "quantity": "quantity", "at": "ordered_at"},
    {"order": "InvoiceNo", "sku": "StockCode", "quantity": "Quantity", "at": "InvoiceDate"},
)
"""Our own history, and the UCI "Online Retail" invoices (doi.org/10.24432/C5BW33)."""

_UCI_PRODUCT = r"^\d{5}"
"""The UCI data's products begin with five digits; POST, M, BANK CHARGES and so on are charges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Order lines by time, one element each."""

    skus: tuple[str, ...]
    seconds: Ints
    """Since `starts_at`."""
    sku: Ints
    """Position in `skus`."""
    quantity: Ints
    order: Ints
    is_unseen: Bools
    """The order came through a channel that the shop does not see."""
    starts_at: pd.Timestamp
    """Midnight before the first order, UTC."""

    @property
    def days(self) -> int:
        """Whole days from the first midnight to the end of the last order's day."""
        return int(self.seconds[-1] // 86_400) + 1


def read_demand(frame: pd.DataFrame, *, unseen_share: float, seed: int) -> Demand:
    """Read order lines.

    Times given to the minute are spread over that minute, an order's lines together. Cancellations
    and charges are left out.

    Args:
        frame: one row an order line, with the columns of the history or of the UCI data.
        unseen_share: of the orders, those that come through another channel, chosen at random.
        seed: of that choice, and of the seconds.

    Raises:
        ValueError: a column is missing, or no line is left.
    """
    lines = _lines(frame)
    if lines.empty:
        raise ValueError("the table has no order line with a product and a quantity above zero")
    rng = np.random.default_rng(seed)
    order_codes, orders = pd.factorize(lines["order"])
    is_unseen = rng.random(len(orders)) < unseen_share
    jitter = rng.integers(0, 60, len(orders))
    starts_at = lines["at"].min().floor("D")
    seconds = ((lines["at"] - starts_at) // pd.Timedelta(seconds=1)).to_numpy(dtype=np.int64)
    seconds = seconds // 60 * 60 + jitter[order_codes]
    sku_codes, skus = pd.factorize(lines["sku"], sort=True)
    by_time = np.lexsort((order_codes, seconds))
    return Demand(
        skus=tuple(str(sku) for sku in skus),
        seconds=seconds[by_time],
        sku=sku_codes.astype(np.int64)[by_time],
        quantity=lines["quantity"].to_numpy(dtype=np.int64)[by_time],
        order=order_codes.astype(np.int64)[by_time],
        is_unseen=is_unseen[order_codes][by_time],
        starts_at=starts_at,
    )


def _lines(frame: pd.DataFrame) -> pd.DataFrame:
    for names in _COLUMN_NAMES:
        if set(names.values()) <= set(frame.columns):
            break
    else:
        wanted = " or ".join(str(list(names.values())) for names in _COLUMN_NAMES)
        raise ValueError(f"order lines need the columns {wanted}; these are {list(frame.columns)}")
    lines = pd.DataFrame({ours: frame[theirs] for ours, theirs in names.items()}).dropna()
    lines = lines.astype({"order": str, "sku": str})
    lines["at"] = pd.to_datetime(lines["at"], utc=True)
    if names["order"] == "InvoiceNo":
        is_product = lines["sku"].str.match(_UCI_PRODUCT)
        lines = lines.loc[is_product & ~lines["order"].str.startswith("C")]
    bought: pd.DataFrame = lines.loc[lines["quantity"] > 0]
    return bought
