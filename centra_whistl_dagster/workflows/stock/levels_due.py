"""Which of Centra's levels a full sync reads, where all of them are too many for its quota.

First those that may have moved, then those read longest ago: what somebody has changed in Centra
by hand is found as the reading comes round to it. A level that nothing has moved stays as it was
read last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Bools
from centra_whistl_dagster.domain.stock.pace import pages_of_a_reading
from centra_whistl_dagster.ledger import catalogues, stock
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.ledger.sku_changes import levels_written_since, skus_changed_since
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.last_sync import LastSync, last_sync

_CLOCKS = timedelta(minutes=2)
"""Centra's clock and ours may differ by as much."""
_LONGEST = timedelta(days=1)
"""By then every level has been read again, but in the largest shops."""
_PART_FOR_NEW = 4
"""No more than a quarter of a reading is for sizes that were never read."""
_FIGURES = ["on_hand", "allocated", "quarantined", "available"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsDue:
    """What to read."""

    levels: pd.DataFrame
    """As they were read last, or shown after a write since."""
    is_due: Bools
    """For each of these rows."""
    new_sizes: list[int]
    """Sizes that Centra's catalogue has and the levels do not."""


def levels_due(link: Link, levels: pd.DataFrame) -> LevelsDue | None:
    """Return what to read of levels as they were read last; None: all of them fit in the quota."""
    hourly = link.centra.stock_requests_an_hour()
    ladder = link.configuration.stock.cadence.ladder_minutes
    if hourly is None:
        return None
    most = pages_of_a_reading(hourly, ladder[-1]) * link.centra.page_size
    if len(levels) <= most:
        return None
    with link.ledger.reading() as tx:
        last, snapshot = last_sync(tx), stock.latest_accepted(tx)
        if last is None or snapshot is None:
            return None
        before = stock.snapshot(tx, last.snapshot_id)
        since = max(levels["read_at"].min().to_pydatetime(), tx.now - _LONGEST) - _CLOCKS
        ours, written = skus_changed_since(tx, since), levels_written_since(tx, since)
        sizes = catalogues.active_centra_sizes(tx)
    levels = _as_written(levels, written)
    changed_at = pd.to_datetime(levels["sku"].map(ours), utc=True)
    is_moved = changed_at + _CLOCKS >= levels["read_at"]
    is_moved |= levels["sku"].isin(_moved_at_whistl(link, before, snapshot))
    is_moved |= _is_unsettled(link, last, levels, longest_minutes=ladder[-1])
    new = sorted(sizes.keys() - set(levels["product_size_id"]))
    turn = int(link.now().timestamp() // (60 * ladder[-1]))
    new = _in_turn(new, turn, most // _PART_FOR_NEW)
    is_due = _first(levels, is_moved.to_numpy(), most - len(new))
    return LevelsDue(levels=levels, is_due=is_due, new_sizes=new)


def _in_turn(sizes: list[int], turn: int, most: int) -> list[int]:
    """Return no more than `most`, others at each turn: some may have no stock to be read, ever."""
    if len(sizes) <= most:
        return sizes
    first = turn * most % len(sizes)
    return [*sizes[first:], *sizes[:first]][:most]


def _moved_at_whistl(link: Link, before: SnapshotRow | None, now: SnapshotRow) -> set[str]:
    """Return the SKUs whose row is not that of the snapshot that was used last."""
    after = _rows(link, now)
    if before is None or not archive.is_kept(link.settings.archive_path, before.file):
        return set(after.index)
    is_same = (after == _rows(link, before).reindex(after.index)).all(axis="columns")
    return set(after.index[~is_same])


def _rows(link: Link, snapshot: SnapshotRow) -> pd.DataFrame:
    frame = archive.fetch(link.settings.archive_path, snapshot.file)
    return frame.set_index("sku")[_FIGURES]


def _as_written(
    levels: pd.DataFrame, written: Mapping[str, tuple[datetime, int | None]]
) -> pd.DataFrame:
    """Return levels with what Centra showed after writes that came later than their reading."""
    at = pd.to_datetime(levels["sku"].map({sku: at for sku, (at, _) in written.items()}), utc=True)
    shown = levels["sku"].map({sku: units for sku, (_, units) in written.items()})
    is_shown = (at >= levels["read_at"]) & shown.notna()
    physical = levels["physical"].where(~is_shown, shown).astype("int64")
    return levels.assign(physical=physical, free=physical - levels["allocated"])


def _is_unsettled(
    link: Link, last: LastSync, levels: pd.DataFrame, *, longest_minutes: int
) -> Bools:
    """Say of which SKUs Centra does not show what was wanted, and which are synced more often."""
    frame = archive.fetch(link.settings.archive_path, last.file).set_index("sku")
    wanted = levels["sku"].map(frame["physical"].where(frame["in_whistl"] & frame["in_centra"]))
    is_apart = wanted.notna() & (wanted != levels["physical"])
    is_sooner = levels["sku"].map(frame["minutes"]) < longest_minutes
    either: Bools = (is_apart | is_sooner).to_numpy()
    return either


def _first(levels: pd.DataFrame, is_moved: Bools, most: int) -> Bools:
    """Return which rows come first: moved ones, then the oldest, no more than `most`."""
    order = np.lexsort((levels["read_at"].to_numpy(), ~is_moved))
    is_due = np.zeros(len(levels), dtype=np.bool_)
    is_due[order[:most]] = True
    return is_due
