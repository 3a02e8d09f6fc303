"""Bring both systems' stock and our orders to one number per SKU: what Centra should hold.

Belongs here: reading Centra's side, gathering what the sum needs, the buffer that each SKU's demand
asks for. Does not belong here: the sum itself (`domain.availability`), whether a snapshot may be
believed (`domain.guards`), and writing (`workflows.stock_sync`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.availability import LineStanding, OurUnits, units_of_line
from centra_whistl_dagster.history.reconcile import align, columns_of
from centra_whistl_dagster.ledger import cursors, standings
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.engine import Row
from centra_whistl_dagster.ledger.standings import LineUnits
from centra_whistl_dagster.stock.plan import plan, policies
from centra_whistl_dagster.stock.quantiles import Floats, Ints
from centra_whistl_dagster.stock.reconcile import ReconciledCatalogue, reconcile_columns
from centra_whistl_dagster.workflows import archive
from centra_whistl_dagster.workflows.last_pass import last_pass
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.sales_velocity import measure_velocity

_ASSUMED_SECONDS_TO_WRITE = 120.0
"""From a snapshot being taken to its numbers being in Centra, until that has been measured."""


class NothingToReconcile(Exception):
    """There is no stock of one side to work with yet, or what there is must not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What each SKU's demand asks for, in the order of the reconciled SKUs."""

    per_hour: Floats
    """Units, seen and unseen, in this hour of the week."""
    unseen_per_hour: Floats
    """Of them, those that Centra does not see."""
    unseen_dispersion: Floats
    """Their variance over their mean."""
    write_minutes: float
    """From a snapshot being taken to its numbers being in Centra, as measured."""
    buffer: Ints
    """Units to hold back."""
    minutes: Ints
    """The longest interval it can be left alone for at the stated risk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Both systems' stock side by side, SKU by SKU, with the number that Centra should hold."""

    snapshot_id: str
    taken_at: datetime
    skus: Sequence[str]
    product_size_ids: Sequence[int]
    catalogue: ReconciledCatalogue
    demand: Demand
    is_whole: bool
    """Every SKU of either system is among them."""


def read_centra_levels(link: Link, *, within_minutes: int | None = None) -> int:
    """Read stock levels from Centra into the archive and return how many SKUs were read.

    What is reconciled next is what was read here.

    Args:
        link: the connections.
        within_minutes: read those SKUs only that need this interval or a shorter one, and keep the
            others as they were read last. None reads all.

    Raises:
        IntegrationError: Centra could not be read to the end; the last reading stays.
    """
    read_at = link.now()
    others, wanted = _others_and_wanted(link, within_minutes)
    levels = link.centra.stock_levels() if wanted is None else link.centra.stock_levels_of(wanted)
    read = _levels_frame(levels).assign(read_at=pd.Timestamp(read_at))
    frame = read if others is None else pd.concat([others, read], ignore_index=True)
    # Two sizes under one SKU cannot be told apart by a warehouse that knows only SKUs; screening
    # says so, and neither is written.
    frame = frame.drop_duplicates("sku", keep=False)
    name = f"C--{read_at:{archive.STAMP}}"
    file = archive.keep(link.settings.archive_path, archive.CENTRA_STOCK, name, read_at, frame)
    with link.ledger.transaction() as tx:
        cursors.set_to(tx, cursors.CENTRA_LEVELS, str(file), now=read_at)
    return len(read)


def _others_and_wanted(
    link: Link, within_minutes: int | None
) -> tuple[pd.DataFrame | None, list[int] | None]:
    """Return the last reading of SKUs that can wait, and the sizes that cannot; None for all."""
    with link.ledger.reading() as tx:
        levels_file = cursors.read(tx, cursors.CENTRA_LEVELS)
        last = last_pass(tx)
    if within_minutes is None or levels_file is None or last is None:
        return None, None
    levels = archive.fetch(link.settings.archive_path, levels_file)
    passed = archive.fetch(link.settings.archive_path, last.file)
    is_due = levels["sku"].isin(passed.loc[passed["minutes"] <= within_minutes, "sku"])
    return levels[~is_due], levels.loc[is_due, "product_size_id"].tolist()


def reconcile_stock(link: Link) -> Reconciliation:
    """Work out what Centra should hold of each SKU that was read from it last.

    Rests on the last good readings and on the ledger as it is now.

    Raises:
        NothingToReconcile: a reading is missing, or the snapshot has grown too old to be used.
    """
    with link.ledger.reading() as tx:
        snapshot = stock_rows.latest_accepted(tx)
    if snapshot is None:
        raise NothingToReconcile("no usable stock snapshot has been read from Whistl yet")
    _refuse_old(link, snapshot)
    levels = _centra_levels(link)
    with link.ledger.reading() as tx:
        is_fresh = levels["read_at"] == cursors.moved_at(tx, cursors.CENTRA_LEVELS)
    return _reconcile(link, snapshot, levels[is_fresh], is_whole=bool(is_fresh.all()))


def reconcile_with(link: Link, snapshot: Row) -> Reconciliation:
    """Work the same out for every SKU, with a snapshot of one's choice, however old.

    Raises:
        NothingToReconcile: Centra's stock has not been read yet.
    """
    return _reconcile(link, snapshot, _centra_levels(link), is_whole=True)


def _centra_levels(link: Link) -> pd.DataFrame:
    with link.ledger.reading() as tx:
        levels_file = cursors.read(tx, cursors.CENTRA_LEVELS)
    if levels_file is None:
        raise NothingToReconcile("Centra's stock has not been read yet")
    return archive.fetch(link.settings.archive_path, levels_file)


def _reconcile(
    link: Link, snapshot: Row, levels: pd.DataFrame, *, is_whole: bool
) -> Reconciliation:
    with link.ledger.reading() as tx:
        lines = standings.of_open_lines(tx, taken_at=snapshot.taken_at)
    whistl = archive.fetch(link.settings.archive_path, snapshot.file)
    if not is_whole:
        whistl = whistl[whistl["sku"].isin(levels["sku"])]
    aligned = align(
        {"whistl": whistl, "centra": levels.drop(columns="read_at")}, {"ours": our_units(lines)}
    )
    columns = columns_of(aligned)
    skus = aligned.column("sku").to_pylist()
    room = reconcile_columns(columns, np.zeros(len(skus), dtype=np.int64)).steps.room
    demand = _demand(link, skus, np.asarray(room, dtype=np.int64))
    return Reconciliation(
        snapshot_id=snapshot.snapshot_id,
        taken_at=snapshot.taken_at,
        skus=skus,
        product_size_ids=columns["centra_product_size_id"],
        catalogue=reconcile_columns(columns, demand.buffer),
        demand=demand,
        is_whole=is_whole,
    )


def our_units(lines: Iterable[LineUnits]) -> pd.DataFrame:
    """Return what our open orders mean for stock: one row a SKU, the columns of `OurUnits`."""
    names = [each.name for each in fields(LineUnits)]
    table = pd.DataFrame([[getattr(line, name) for name in names] for line in lines], columns=names)
    columns = {name: table[name].to_numpy(dtype=np.int64) for name in names if name != "sku"}
    columns["is_blocked"] = columns["is_blocked"].astype(bool)
    units = units_of_line(LineStanding(**columns))
    by_line = pd.DataFrame({each.name: getattr(units, each.name) for each in fields(OurUnits)})
    by_line.insert(0, "sku", table["sku"].astype("str"))
    return by_line.groupby("sku", as_index=False).sum()


def _demand(link: Link, skus: list[str], room: Ints) -> Demand:
    """Lay the stock policy over measured demand; before there is any, nothing is held back."""
    policy = link.configuration.stock
    measured = measure_velocity(link, skus)
    if measured is None:
        return Demand(
            per_hour=np.zeros(len(skus)),
            unseen_per_hour=np.zeros(len(skus)),
            unseen_dispersion=np.ones(len(skus)),
            write_minutes=_ASSUMED_SECONDS_TO_WRITE / 60,
            buffer=np.zeros(len(skus), dtype=np.int64),
            minutes=np.full(len(skus), policy.cadence.ladder_minutes[0], dtype=np.int64),
        )
    with link.ledger.reading() as tx:
        taken = stock_rows.seconds_to_write(tx)
    write_minutes = (median(taken) if taken else _ASSUMED_SECONDS_TO_WRITE) / 60
    laid = plan(
        measured.velocity,
        busyness=measured.busyness,
        write_minutes=write_minutes,
        groups=policies(skus, link.now(), policy),
        policy=policy,
    )
    rungs = laid.rungs(room)
    return Demand(
        per_hour=laid.per_hour,
        unseen_per_hour=np.asarray(measured.velocity.unseen_per_hour) * measured.busyness,
        unseen_dispersion=np.asarray(measured.velocity.unseen_dispersion),
        write_minutes=write_minutes,
        buffer=laid.buffers_at(rungs),
        minutes=np.asarray(policy.cadence.ladder_minutes, dtype=np.int64)[rungs],
    )


def _levels_frame(levels: Iterable[Any]) -> pd.DataFrame:
    rows = [
        (level.sku, level.product_size_id, level.physical, level.allocated, level.free)
        for level in levels
        if level.sku and level.is_active
    ]
    frame = pd.DataFrame(rows, columns=["sku", "product_size_id", "physical", "allocated", "free"])
    return frame.astype({"sku": "str"})


def _refuse_old(link: Link, snapshot: Row) -> None:
    age = link.now() - snapshot.taken_at
    oldest = timedelta(minutes=link.configuration.stock.guard.oldest_minutes)
    if age > oldest:
        raise NothingToReconcile(
            f"Whistl's last usable stock is {age.total_seconds() / 60:.0f} minutes old; at most "
            f"{oldest.total_seconds() / 60:.0f} are allowed. Centra keeps its figures"
        )
