"""Bring both systems' stock and our orders to one number per SKU: what Centra should hold.

Belongs here: gathering what the sum needs, and the buffer that each SKU's demand asks for. Does not
belong here: the sum itself (`domain.stock.availability`), reading either side
(`workflows.stock.centra_levels`, `workflows.stock.snapshots`), and writing
(`workflows.stock.sync`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints
from centra_whistl_dagster.domain.stock.availability import LineStanding, OurUnits, units_of_line
from centra_whistl_dagster.domain.stock.catalogue import ReconciledCatalogue, reconcile_columns
from centra_whistl_dagster.domain.stock.clumps import Clumps
from centra_whistl_dagster.domain.stock.exposure import Exposure, measured_exposure
from centra_whistl_dagster.domain.stock.plan import plan, policies
from centra_whistl_dagster.history.alignment import align, columns_of
from centra_whistl_dagster.ledger import absences, standings, stock
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.ledger.standings import LineUnits
from centra_whistl_dagster.workflows.link import Installation, Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.age import age_of
from centra_whistl_dagster.workflows.stock.centra_levels import last_levels, read_again
from centra_whistl_dagster.workflows.stock.exposure import exposure_now
from centra_whistl_dagster.workflows.stock.new_orders import (
    KNOWN_AT,
    was_in_levels,
    with_new_orders,
)
from centra_whistl_dagster.workflows.stock.sales_velocity import measure_velocity

_NOTHING_READ = "Centra's stock has not been read yet"


class NothingToReconcile(Exception):
    """There is no stock of one side to work with yet, or what there is must not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What each SKU's demand asks for, in the order of the reconciled SKUs."""

    per_hour: Floats
    """Units, seen and unseen, in this hour of the week."""
    unseen_per_hour: Floats
    """The part of `per_hour` that Centra does not see."""
    unseen_clumps: Clumps
    """How that comes, in the week's average hour."""
    busyness: float
    """How much busier than that this hour is."""
    exposure: Exposure
    """For how long the shop sells on one snapshot, as measured."""
    buffer: Ints
    """Units to hold back."""
    minutes: Ints
    """The longest interval between two syncs of the SKU at the stated risk."""

    @property
    def exposure_minutes(self) -> Floats:
        """From a snapshot being taken until the next one's figure of the SKU is in Centra."""
        return self.exposure.minutes_of(self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Both systems' stock side by side, SKU by SKU, with the number that Centra should hold."""

    at: datetime
    """When it was worked out, with the policies of that moment."""
    snapshot_id: str
    taken_at: datetime
    skus: Sequence[str]
    product_size_ids: Ints
    catalogue: ReconciledCatalogue
    demand: Demand
    within_minutes: int | None
    """It covers only SKUs that need this interval or a shorter one; None: all of both systems."""
    not_read: frozenset[str] = frozenset()
    """SKUs whose level in Centra is that of an earlier reading: this one had no quota for them."""

    @property
    def is_whole(self) -> bool:
        """Whether it covers every SKU of either system."""
        return self.within_minutes is None

    @property
    def oversold(self) -> dict[str, int]:
        """By SKU, units sold in Centra that the warehouse does not have."""
        catalogue, units = self.catalogue, self.catalogue.steps.oversold
        where = np.flatnonzero((units > 0) & catalogue.in_whistl & catalogue.in_centra)
        return {self.skus[at]: int(units[at]) for at in where.tolist()}


def usable_snapshot(link: Link) -> SnapshotRow:
    """Return the newest good snapshot.

    Raises:
        NothingToReconcile: there is none yet, or it has grown too old to be used.
    """
    with link.ledger.reading() as tx:
        snapshot = stock.latest_accepted(tx)
    if snapshot is None:
        raise NothingToReconcile("no usable stock snapshot has been read from Whistl yet")
    age = age_of(link, snapshot)
    if age.is_too_old:
        raise NothingToReconcile(f"{age}. Centra keeps its figures")
    return snapshot


def reconcile_stock(link: Link, *, read_anew: Collection[str] = ()) -> Reconciliation:
    """Work out what Centra should hold of each SKU that was read from Centra last.

    Uses the last good readings, and the ledger as it is now.

    Args:
        link: the connection.
        read_anew: SKUs whose level in Centra is read once more first.

    Raises:
        NothingToReconcile: a reading is missing, or the snapshot has grown too old to be used.
        IntegrationError: Centra could not be read anew.
    """
    snapshot = usable_snapshot(link)
    read = last_levels(link)
    if read is None:
        raise NothingToReconcile(_NOTHING_READ)
    known = read.just_read
    is_old = known["read_at"] < read.read_at
    if is_old.any():
        older = with_new_orders(link, known[is_old])
        known = pd.concat([known[~is_old], older], ignore_index=True)
    levels = read_again(link, known, read_anew)
    found = reconcile_levels(link, snapshot, levels, within_minutes=read.within_minutes)
    not_read = frozenset(levels.loc[levels["read_at"] < read.read_at, "sku"])
    return replace(found, not_read=not_read)


def reconcile_with(link: Installation, snapshot: SnapshotRow) -> Reconciliation:
    """Work the same out for every SKU with the given snapshot, however old it is.

    Raises:
        NothingToReconcile: Centra's stock has not been read yet.
    """
    read = last_levels(link)
    if read is None:
        raise NothingToReconcile(_NOTHING_READ)
    return reconcile_levels(link, snapshot, read.frame, within_minutes=None)


def reconcile_levels(
    link: Installation, snapshot: SnapshotRow, levels: pd.DataFrame, *, within_minutes: int | None
) -> Reconciliation:
    """Work it out for these levels of Centra, and for what Whistl has beside them if all are given.

    Args:
        link: the connection.
        snapshot: Whistl's side.
        levels: Centra's side, with the columns of `Levels.frame`, or `with_new_orders`.
        within_minutes: the levels are of SKUs only that need this interval or a shorter one.
    """
    with link.ledger.reading() as tx:
        now = tx.now
        lines = standings.of_open_lines(tx, taken_at=snapshot.taken_at)
        zero_after = link.configuration.stock.convention.absent_sku.zero_after
        absent = absences.absent_for(tx, zero_after) if zero_after else []
    whistl = archive.fetch(link.settings.archive_path, snapshot.file)
    whistl = _with_none_of(whistl, absent)
    if within_minutes is not None:
        whistl = whistl[whistl["sku"].isin(levels["sku"])]
    aligned = align(
        {"whistl": whistl, "centra": _without_times(levels)},
        {"ours": our_units(lines, levels)},
    )
    columns = columns_of(aligned)
    skus = aligned.column("sku").to_pylist()
    room = reconcile_columns(columns, np.zeros(len(skus), dtype=np.int64)).steps.room
    demand = _demand(link, skus, np.asarray(room, dtype=np.int64), now)
    return Reconciliation(
        at=now,
        snapshot_id=snapshot.snapshot_id,
        taken_at=snapshot.taken_at,
        skus=skus,
        product_size_ids=columns["centra_product_size_id"],
        catalogue=reconcile_columns(columns, demand.buffer),
        demand=demand,
        within_minutes=within_minutes,
    )


def _without_times(levels: pd.DataFrame) -> pd.DataFrame:
    return levels.drop(columns=["read_at", KNOWN_AT], errors="ignore")


def _with_none_of(whistl: pd.DataFrame, absent: Sequence[str]) -> pd.DataFrame:
    """Add a row of zeros for each SKU of which Whistl has none, though it does not say so."""
    listed = set(whistl["sku"]) if absent else set()
    none = pd.DataFrame(
        {"sku": pd.Series([sku for sku in absent if sku not in listed], dtype="str")}
    )
    if none.empty:
        return whistl
    zeros = none.assign(**{name: 0 for name in whistl.columns if name != "sku"})
    return pd.concat([whistl, zeros], ignore_index=True)


def our_units(lines: Iterable[LineUnits], levels: pd.DataFrame) -> pd.DataFrame:
    """Return what our open orders mean for stock: one row a SKU, the columns of `OurUnits`.

    Args:
        lines: of our orders.
        levels: Centra's, with when each was read, or `with_new_orders`.
    """
    names = [field.name for field in fields(LineUnits)]
    table = pd.DataFrame([[getattr(line, name) for name in names] for line in lines], columns=names)
    figures = [name for name in names if name not in {"sku", "is_blocked", "first_seen_at"}]
    columns = {name: table[name].to_numpy(dtype=np.int64) for name in figures}
    columns["is_blocked"] = table["is_blocked"].to_numpy(dtype=np.bool_)
    columns["was_in_levels"] = was_in_levels(table["sku"], table["first_seen_at"], levels)
    units = units_of_line(LineStanding(**columns))
    by_line = pd.DataFrame({field.name: getattr(units, field.name) for field in fields(OurUnits)})
    by_line.insert(0, "sku", table["sku"].astype("str"))
    return by_line.groupby("sku", as_index=False).sum()


def _demand(link: Installation, skus: list[str], room: Ints, now: datetime) -> Demand:
    """Apply the stock policy to measured demand; before any was measured, nothing is held back."""
    policy = link.configuration.stock
    measured = measure_velocity(link, skus)
    if measured is None:
        return _no_demand(len(skus), shortest_minutes=policy.cadence.ladder_minutes[0])
    with link.ledger.reading() as tx:
        exposure = exposure_now(tx)
    stock_plan = plan(
        measured.velocity,
        busyness=measured.busyness,
        exposure=exposure,
        groups=policies(skus, now, policy),
        policy=policy,
    )
    rungs = stock_plan.rungs(room)
    return Demand(
        per_hour=stock_plan.per_hour,
        unseen_per_hour=np.asarray(measured.velocity.unseen_per_hour) * measured.busyness,
        unseen_clumps=measured.velocity.unseen_clumps,
        busyness=measured.busyness,
        exposure=exposure,
        buffer=stock_plan.buffers_at(rungs),
        minutes=np.asarray(policy.cadence.ladder_minutes, dtype=np.int64)[rungs],
    )


def _no_demand(skus: int, *, shortest_minutes: int) -> Demand:
    """Return what is assumed before any demand was measured: no buffer, and syncs at each tick."""
    return Demand(
        per_hour=np.zeros(skus),
        unseen_per_hour=np.zeros(skus),
        unseen_clumps=Clumps(per_hour=np.zeros(skus), units=np.ones(skus), spread=np.zeros(skus)),
        busyness=1.0,
        exposure=measured_exposure((), ()),
        buffer=np.zeros(skus, dtype=np.int64),
        minutes=np.full(skus, shortest_minutes, dtype=np.int64),
    )
