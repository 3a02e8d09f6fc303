"""Compare a new stock snapshot with the last good one, with Centra, and with our own orders.

Does not belong here: what is counted (`domain.stock.feed_movement`) and how it is judged
(`domain.stock.guards`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Bools
from centra_whistl_dagster.domain.stock.feed_movement import Compared, below_ours, measure
from centra_whistl_dagster.domain.stock.guards import Against
from centra_whistl_dagster.history.alignment import align, columns_of
from centra_whistl_dagster.ledger import feed_evidence, standings, stock
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import last_levels, read_centra_levels

LATELY = timedelta(days=2)
"""How far back our orders are compared with a snapshot that shows none of them."""
_COLUMNS = ("on_hand", "allocated", "available", "on_order")
_OURS = ("taken", "taken_lately", "left", "reserved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a new snapshot is compared with."""

    row: SnapshotRow | None
    """The last good snapshot; None before there was one."""
    stock: pd.DataFrame
    """Its rows; none where they are lost."""
    shop: pd.DataFrame
    """`sku` and `free`: what Centra has for sale, as it was read last."""
    ours: pd.DataFrame
    """By `sku`, the columns of `_OURS`: see `Compared`."""

    @property
    def skus(self) -> set[str]:
        """The SKUs of the last good snapshot."""
        return set(self.stock["sku"])


def known_before(link: Link, taken_at: datetime) -> Before:
    """Gather what a snapshot taken at a moment is compared with.

    Whistl is asked for our orders' statuses first: the snapshot knows all that it did until then.
    Before Centra's stock was ever read, it is read now.

    Raises:
        IntegrationError: Whistl or Centra could not be read.
    """
    follow_order_statuses(link)
    if (levels := last_levels(link)) is None:
        read_centra_levels(link)
        levels = last_levels(link)
    shop = pd.DataFrame({"sku": [], "free": []}) if levels is None else levels.frame
    with link.ledger.reading() as tx:
        row = stock.latest_accepted(tx)
        ours = {"reserved": feed_evidence.units_reserved(tx, at=taken_at)}
        if row is not None:
            since = row.taken_at
            ours |= {
                "taken": standings.units_taken(tx, since=since, until=taken_at),
                "taken_lately": standings.units_taken(tx, since=since - LATELY, until=taken_at),
                "left": feed_evidence.units_left(tx, since=since, until=taken_at),
            }
    is_kept = row is not None and archive.is_kept(link.settings.archive_path, row.file)
    return Before(
        row=row,
        stock=archive.fetch(link.settings.archive_path, row.file) if row and is_kept else _NO_STOCK,
        shop=shop[["sku", "free"]].astype({"sku": "str", "free": "int64"}),
        ours=_by_sku(ours),
    )


def compare(frame: pd.DataFrame, before: Before) -> tuple[Against, set[str]]:
    """Measure a snapshot.

    Returns:
        what was measured, and the SKUs with fewer units allocated than our own orders hold, which
        must not be used.
    """
    aligned = align(
        {"now": _figures(frame), "before": _figures(before.stock), "shop": before.shop},
        {"ours": before.ours},
    )
    columns = columns_of(aligned)
    compared = _compared(columns)
    contradicting = np.flatnonzero(below_ours(compared)).tolist()
    skus = aligned.column("sku")
    against = Against(
        taken_at=before.row.taken_at if before.row else None,
        rows=len(before.stock),
        still_named=int(np.count_nonzero(compared.in_now & compared.in_before)),
        counts=measure(compared),
    )
    return against, {str(skus[at]) for at in contradicting}


def _compared(columns: Mapping[str, np.ndarray]) -> Compared:
    def side(name: str) -> Bools:
        return np.asarray(columns[f"in_{name}"] != 0, dtype=bool)

    return Compared(
        in_now=side("now"),
        in_before=side("before"),
        in_shop=side("shop"),
        available_now=columns["now_available"],
        available_before=columns["before_available"],
        on_hand_now=columns["now_on_hand"],
        on_hand_before=columns["before_on_hand"],
        on_order_now=columns["now_on_order"],
        on_order_before=columns["before_on_order"],
        allocated_now=columns["now_allocated"],
        allocated_before=columns["before_allocated"],
        shop_free=columns["shop_free"],
        taken=columns["ours_taken"],
        taken_lately=columns["ours_taken_lately"],
        left=columns["ours_left"],
        reserved=columns["ours_reserved"],
    )


def _figures(frame: pd.DataFrame) -> pd.DataFrame:
    if "on_order" not in frame:  # kept by an earlier release
        frame = frame.assign(on_order=-1)
    return frame[["sku", *_COLUMNS]]


_NO_STOCK = pd.DataFrame({"sku": pd.Series(dtype="str")}).assign(
    **{name: pd.Series(dtype="int64") for name in _COLUMNS}
)


def _by_sku(ours: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    skus = sorted({sku for units in ours.values() for sku in units})
    columns = {
        name: pd.Series([ours.get(name, {}).get(sku, 0) for sku in skus], dtype="int64")
        for name in _OURS
    }
    return pd.DataFrame({"sku": pd.Series(skus, dtype="str"), **columns})
