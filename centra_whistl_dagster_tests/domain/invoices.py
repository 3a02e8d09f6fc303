"""Real orders to replay: when each invoice of a British shop was written, December to June."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Floats

INVOICES = Path(
    os.environ.get("UCI_INVOICES", "../shared/data/online_retail_2010-12_2011-06.parquet")
)
REASON = "the UCI invoices are not here"


def order_moments() -> Floats:
    """Return when each order came, in seconds since 1970 UTC; credit notes are left out."""
    rows = pd.read_parquet(INVOICES, columns=["InvoiceNo", "InvoiceDate"])
    orders = rows[~rows["InvoiceNo"].astype(str).str.startswith("C")]
    first = orders.groupby("InvoiceNo")["InvoiceDate"].min().sort_values()
    in_utc = first.dt.tz_localize("Europe/London").dt.tz_convert("UTC")
    return np.sort(in_utc.astype("datetime64[s, UTC]").astype("int64").to_numpy(np.float64))
