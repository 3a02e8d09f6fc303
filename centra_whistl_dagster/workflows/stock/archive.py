"""Stock as it was read, kept as files, so that a later step and a rebuild see the same figures."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

STAMP = "%Y%m%dT%H%M%S%f"
"""How a moment is written in a file's name."""
WHISTL_STOCK = "whistl_stock"
CENTRA_STOCK = "centra_stock"
DEMAND = "demand"
RECONCILED = "reconciled"
DIVERGENCE = "divergence"
BUFFER_CHANGES = "buffer_changes"
POSITIONS = "stock_positions"
COMPARISON_UNITS = "comparison_units"
FOR_HISTORY = (WHISTL_STOCK, CENTRA_STOCK, DIVERGENCE, BUFFER_CHANGES, POSITIONS, COMPARISON_UNITS)
"""The history is made from these."""
FOR_NEXT_SYNC = (RECONCILED, DEMAND)
"""Of these only the newest is ever read again."""

_MARK = b"PAR1"


def keep(folder: Path, kind: str, name: str, taken_at: datetime, frame: pd.DataFrame) -> Path:
    """Write a reading to the archive and return where it is, relative to `folder`.

    A file appears under its name only when it is whole.
    """
    relative = Path(kind) / f"{taken_at:%Y-%m-%d}" / f"{_safe(name)}.parquet"
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two threads may keep the same reading at the same moment.
    half = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.half")
    frame.to_parquet(half, index=False)
    half.replace(path)
    return relative


def fetch(folder: Path, relative: str) -> pd.DataFrame:
    """Read a reading back.

    Raises:
        FileNotFoundError: the file is lost; `lost_files.forget_lost_files` lets it be read anew.
    """
    return pd.read_parquet(folder / relative)


def fetch_sku(folder: Path, relative: str, sku: str) -> dict[str, Any] | None:
    """Read one SKU's row of a reading back; None where the reading or the SKU is not there."""
    try:
        frame = pd.read_parquet(folder / relative, filters=[("sku", "==", sku)])
    except FileNotFoundError:
        return None
    rows = frame.to_dict("records")
    return {str(name): value for name, value in rows[0].items()} if rows else None


def kept_since(folder: Path, kind: str, since: datetime | None) -> list[Path]:
    """Return the readings of a kind kept since a day, oldest first, relative to `folder`."""
    first = f"{since:%Y-%m-%d}" if since else ""
    days = sorted(path for path in (folder / kind).glob("*") if path.name >= first)
    return [path.relative_to(folder) for day in days for path in sorted(day.glob("*.parquet"))]


def is_kept(folder: Path, relative: str) -> bool:
    """Say whether a reading is still there, and whole: Parquet begins and ends with a mark."""
    path = folder / relative
    if not path.is_file() or path.stat().st_size < len(_MARK):
        return False
    with path.open("rb") as file:
        file.seek(-len(_MARK), os.SEEK_END)
        return file.read() == _MARK


def remove(folder: Path, kind: str, before: datetime, in_use: Collection[str]) -> int:
    """Remove readings of a kind from days before a moment, except those in use; count them."""
    removed = 0
    for day in (folder / kind).glob("*"):
        if day.name >= f"{before:%Y-%m-%d}":
            continue
        for path in day.glob("*.parquet"):
            if str(path.relative_to(folder)) not in in_use:
                path.unlink()
                removed += 1
        if not any(day.iterdir()):
            day.rmdir()
    return removed


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
