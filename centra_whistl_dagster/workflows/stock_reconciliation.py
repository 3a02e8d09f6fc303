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
from centra_whistl_dagster.domain.cadence import Need
from centra_whistl_dagster.history.reconcile import align, columns_of
from centra_whistl_dagster.ledger import cursors, standings
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.engine import Row
from centra_whistl_dagster.ledger.standings import LineUnits
from centra_whistl_dagster.stock.plan import plan, policies
from centra_whistl_dagster.stock.quantiles import Floats, Ints
from centra_whistl_dagster.stock.reconcile import ReconciledCatalogue, reconcile_columns
from centra_whistl_dagster.workflows import archive
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
    need: Need
    """The most pressing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Both systems' stock side by side, SKU by SKU, with the number that Centra should hold."""

    snapshot_id: str
    taken_at: datetime
    skus: Sequence[str]
    product_size_ids: Sequence[int]
    catalogue: ReconciledCatalogue
    demand: Demand


def read_centra_levels(link: Link) -> int:
    """Read all stock levels from Centra into the archive and return how many SKUs that were.

    Raises:
        IntegrationError: Centra could not be read to the end; the last reading stays.
    """
    read_at = link.now()
    frame = _levels_frame(link.centra.stock_levels())
    name = f"C--{read_at:{archive.STAMP}}"
    file = archive.keep(link.settings.archive_path, archive.CENTRA_STOCK, name, read_at, frame)
    with link.ledger.transaction() as tx:
        cursors.set_to(tx, cursors.CENTRA_LEVELS, str(file), now=read_at)
    return len(frame)


def reconcile_stock(link: Link) -> Reconciliation:
    """Work out, from the last good readings and the ledger as it is now, what Centra should hold.

    Raises:
        NothingToReconcile: a reading is missing, or the snapshot has grown too old to be used.
    """
    with link.ledger.reading() as tx:
        snapshot = stock_rows.latest_accepted(tx)
    if snapshot is None:
        raise NothingToReconcile("no usable stock snapshot has been read from Whistl yet")
    _refuse_old(link, snapshot)
    return reconcile_with(link, snapshot)


def reconcile_with(link: Link, snapshot: Row) -> Reconciliation:
    """Work the same out with a snapshot of one's choice, however old.

    Raises:
        NothingToReconcile: Centra's stock has not been read yet.
    """
    with link.ledger.reading() as tx:
        levels_file = cursors.read(tx, cursors.CENTRA_LEVELS)
        if levels_file is None:
            raise NothingToReconcile("Centra's stock has not been read yet")
        lines = standings.of_open_lines(tx, taken_at=snapshot.taken_at)
    folder = link.settings.archive_path
    aligned = align(
        {
            "whistl": archive.fetch(folder, snapshot.file),
            "centra": archive.fetch(folder, levels_file),
        },
        {"ours": our_units(lines)},
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
        longest = policy.cadence.ladder_minutes[-1]
        return Demand(
            per_hour=np.zeros(len(skus)),
            unseen_per_hour=np.zeros(len(skus)),
            unseen_dispersion=np.ones(len(skus)),
            write_minutes=_ASSUMED_SECONDS_TO_WRITE / 60,
            buffer=np.zeros(len(skus), dtype=np.int64),
            minutes=np.full(len(skus), longest, dtype=np.int64),
            need=Need(minutes=longest, skus=0),
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
        need=laid.need(rungs, skus),
    )


def _levels_frame(levels: Iterable[Any]) -> pd.DataFrame:
    rows = [
        (level.sku, level.product_size_id, level.physical, level.allocated, level.free)
        for level in levels
        if level.sku and level.is_active
    ]
    frame = pd.DataFrame(rows, columns=["sku", "product_size_id", "physical", "allocated", "free"])
    # Two sizes under one SKU cannot be told apart by a warehouse that knows only SKUs; screening
    # says so, and neither is written.
    return frame.drop_duplicates("sku", keep=False).astype({"sku": "str"})


def _refuse_old(link: Link, snapshot: Row) -> None:
    age = link.now() - snapshot.taken_at
    oldest = timedelta(minutes=link.configuration.stock.guard.oldest_minutes)
    if age > oldest:
        raise NothingToReconcile(
            f"Whistl's last usable stock is {age.total_seconds() / 60:.0f} minutes old; at most "
            f"{oldest.total_seconds() / 60:.0f} are allowed. Centra keeps its figures"
        )
