"""How often the demo's stock was looked at: what sells out fast more often than what does not.

Belongs here: the product's last pass beside the simulators' count of looks. Does not belong here:
whether stock is right, which the simulators' truth says alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.last_sync import last_pass

_SHOWN = 5


def passed_over(ledger: Ledger, archive_path: Path) -> pd.DataFrame | None:
    """Return every SKU as the product's last pass over it found it; None before the first."""
    with ledger.reading() as tx:
        last = last_pass(tx)
    return None if last is None else archive.fetch(archive_path, last.file).set_index("sku")


def buffers(passed: pd.DataFrame | None) -> dict[str, int]:
    """Return what the product holds back of each SKU on purpose."""
    if passed is None:
        return {}
    return {str(sku): int(units) for sku, units in passed["buffer_wanted"].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How often the stock of one SKU was asked for, and why that often."""

    sku: str
    times: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLooks:
    """The SKUs that could not wait for the passes over every SKU, and the rest together."""

    often: int
    """How many SKUs were looked at more often than the rest."""
    most: tuple[Looked, ...]
    """Of them, some that were looked at most."""
    others: int
    others_times: int
    """How often each of the others was looked at."""

    def as_dict(self) -> dict[str, Any]:
        """Return what `demo.json` holds."""
        return asdict(self)


def stock_looks(passed: pd.DataFrame | None, times: Mapping[str, int]) -> StockLooks:
    """Bring the simulators' count together with what the product knows of each SKU."""
    if passed is None:
        return StockLooks(often=0, most=(), others=0, others_times=0)
    in_both = passed[passed["in_whistl"] & passed["in_centra"]]
    counted = {sku: times.get(sku, 0) for sku in in_both.index}
    least = min(counted.values(), default=0)
    often = [sku for sku, count in counted.items() if count > least]
    most = sorted(often, key=lambda sku: (-counted[sku], -in_both.loc[sku, "per_hour"], sku))
    return StockLooks(
        often=len(often),
        most=tuple(
            Looked(sku=sku, times=counted[sku], why=_why(in_both.loc[sku])) for sku in most[:_SHOWN]
        ),
        others=len(counted) - len(often),
        others_times=least,
    )


def _why(row: Any) -> str:
    free = max(0, int(row["centra_physical"]) - int(row["centra_allocated"]))
    minutes = int(row["minutes"])
    return f"sells {row['per_hour']:.0f} an hour, {free} left: a pass each {minutes} min"
