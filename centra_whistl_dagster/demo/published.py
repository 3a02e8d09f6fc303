"""The copy of the history that the demo's analysts have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from centra_whistl_dagster.history.publish import open_published


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published copy."""

    at: datetime
    orders: int
    """How many orders are in it."""


def find_published(path: Path) -> Published | None:
    """Return the copy that is there now; None before the first."""
    return _read(path, path.stat().st_mtime) if path.exists() else None


@lru_cache(maxsize=1)
def _read(path: Path, changed_at: float) -> Published:
    with open_published(path) as reader:
        orders = reader.row_counts()["orders"]
    return Published(at=datetime.fromtimestamp(changed_at, UTC), orders=orders)
