"""How often the demo's stock was read, and how much of it the product may hold back.

Whether stock is right, the simulators' truth says, given the buffers from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from centra_whistl_dagster.domain.stock.policy import StockPolicy, policy_for
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.last_sync import last_sync

_SHOWN = 5


def last_synced(ledger: Ledger, archive_path: Path) -> pd.DataFrame | None:
    """Return every SKU as the product's last stock sync found it; None before the first sync.

    Indexed by SKU; the columns are those of the product's archive of reconciled stock.
    """
    with ledger.reading() as tx:
        last = last_sync(tx)
    return None if last is None else archive.fetch(archive_path, last.file).set_index("sku")


def buffers(synced: pd.DataFrame | None, policy: StockPolicy, now: datetime) -> dict[str, int]:
    """Return the units of each SKU that the product may hold back: its own figure, up to the cap.

    Beyond the cap of the operators' policy, a difference is a fault and no buffer.
    """
    if synced is None:
        return {}
    return {
        str(sku): min(int(units), policy_for(str(sku), now, policy).buffer.cap_units)
        for sku, units in synced["buffer_wanted"].items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuReads:
    """How often the stock of one SKU was read, and why that often."""

    sku: str
    times: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReads:
    """The SKUs that could not wait for the full syncs, and the rest together."""

    often: int
    """How many SKUs were read more often than the rest."""
    most: tuple[SkuReads, ...]
    """Some of those that were read most."""
    others: int
    others_times: int
    """How often each of the others was read."""

    def as_dict(self) -> dict[str, object]:
        """Return what `demo.json` holds."""
        return asdict(self)


def stock_reads(synced: pd.DataFrame | None, times: Mapping[str, int]) -> StockReads:
    """Join the simulators' count of reads by SKU with what the product knows of each SKU."""
    if synced is None:
        return StockReads(often=0, most=(), others=0, others_times=0)
    in_both = synced[synced["in_whistl"] & synced["in_centra"]]
    counted = {sku: times.get(sku, 0) for sku in in_both.index}
    least = min(counted.values(), default=0)
    often = [sku for sku, count in counted.items() if count > least]
    most = sorted(often, key=lambda sku: (-counted[sku], -in_both.loc[sku, "per_hour"], sku))
    return StockReads(
        often=len(often),
        most=tuple(
            SkuReads(sku=sku, times=counted[sku], why=_why(in_both.loc[sku]))
            for sku in most[:_SHOWN]
        ),
        others=len(counted) - len(often),
        others_times=least,
    )


def _why(row: pd.Series[Any]) -> str:
    free = max(0, int(row["centra_physical"]) - int(row["centra_allocated"]))
    minutes = int(row["minutes"])
    return f"sells {row['per_hour']:.0f} an hour, {free} left: synced every {minutes} min"
