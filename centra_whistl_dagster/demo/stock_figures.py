"""How often the demo's stock was looked at: what sells out fast more often than what does not.

Belongs here: the product's last pass beside the simulators' count of looks. Does not belong here:
whether stock is right, which the simulators' truth says alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.workflows import archive
from centra_whistl_dagster.workflows.last_pass import last_pass

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
    """The SKUs that were looked at most, and the rest together."""

    most: tuple[Looked, ...]
    others: int
    """How many SKUs more there are."""
    others_times: float
    """How often the middle one of them was looked at."""

    def as_dict(self) -> dict[str, Any]:
        """Return what `demo.json` holds."""
        return asdict(self)


def stock_looks(passed: pd.DataFrame | None, times: Mapping[str, int]) -> StockLooks:
    """Bring the simulators' count together with what the product knows of each SKU."""
    if passed is None:
        return StockLooks(most=(), others=0, others_times=0.0)
    counted = {sku: times.get(sku, 0) for sku in passed.index}
    usual = median(counted.values())
    often = sorted(
        (sku for sku in counted if counted[sku] > usual), key=lambda sku: (-counted[sku], sku)
    )
    others = [counted[sku] for sku in counted if sku not in often]
    return StockLooks(
        most=tuple(
            Looked(sku=sku, times=counted[sku], why=_why(passed.loc[sku])) for sku in often[:_SHOWN]
        ),
        others=len(others),
        others_times=median(others),
    )


def _why(row: Any) -> str:
    free = max(0, int(row["centra_physical"]) - int(row["centra_allocated"]))
    minutes = int(row["minutes"])
    return f"sells {row['per_hour']:.0f} an hour, {free} left: a pass each {minutes} min"
