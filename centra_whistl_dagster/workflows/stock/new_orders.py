"""Which orders a level of Centra's stock shows: those known before it was read."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Bools
from centra_whistl_dagster.ledger import standings
from centra_whistl_dagster.workflows.link import Link

KNOWN_AT = "known_at"
"""The column of levels to which later orders were added: until when. Empty: as they were read."""


def was_in_levels(
    skus: pd.Series[str], first_seen_at: pd.Series[pd.Timestamp], levels: pd.DataFrame
) -> Bools:
    """Say of order lines whether Centra's level of their SKU must show them.

    A level that was read before an order was known says nothing of it, unless the order was added
    to the level since.

    Args:
        skus: of the lines.
        first_seen_at: when each line's order came to be known here; empty: long before.
        levels: Centra's, with when each was read, or `with_new_orders`.
    """
    by_sku = levels.set_index("sku")
    shown_until = by_sku["read_at"]
    if KNOWN_AT in by_sku:
        shown_until = by_sku[KNOWN_AT].fillna(shown_until)
    shown_until = shown_until.reindex(skus).set_axis(skus.index)
    seen_at = pd.to_datetime(first_seen_at, utc=True)
    known: Bools = (seen_at.isna() | ~(seen_at > shown_until)).to_numpy(dtype=np.bool_)
    return known


def with_new_orders(link: Link, levels: pd.DataFrame) -> pd.DataFrame:
    """Return levels as they are with what was ordered since each was read.

    The column `KNOWN_AT` says until when they show all orders.
    """
    if levels.empty:
        return levels
    with link.ledger.reading() as tx:
        known_at = tx.now
        lines = standings.units_ordered(
            tx,
            since=levels["read_at"].min().to_pydatetime(),
            # Orders of this very moment too: `was_in_levels` takes them for shown.
            until=known_at + timedelta.resolution,
        )
    table = pd.DataFrame(lines, columns=["sku", "units", "first_seen_at"])
    new = table[~was_in_levels(table["sku"], table["first_seen_at"], levels)]
    units = levels["sku"].map(new.groupby("sku")["units"].sum()).fillna(0).astype("int64")
    return levels.assign(
        allocated=levels["allocated"] + units,
        free=levels["free"] - units,
        **{KNOWN_AT: pd.Timestamp(known_at)},
    )
