"""Count demand from one snapshot to the next: what Centra saw sold, and what left unseen.

Movements that are no demand are left out, so that buffers and intervals are those of the day before
as soon as they are over.

The counts are carried forward and kept in the archive. What they mean is `domain.stock.velocity`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.demand_counts import (
    average,
    nothing_yet,
    units_by_hour,
    with_clumps_of_units,
    with_interval,
    with_lines,
)
from centra_whistl_dagster.domain.stock.movements import INTERVALS_KEPT, demand_of, is_bulk
from centra_whistl_dagster.domain.stock.velocity import (
    Observed,
    Velocity,
    aged,
    estimate,
    hour_of_week,
    hours_of_week_between,
    most_usual,
    profile,
    unexplained,
)
from centra_whistl_dagster.ledger import standings, state, stock
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.workflows.link import Installation, Link
from centra_whistl_dagster.workflows.stock import archive

_PROFILE_DAYS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The counts of every SKU up to one snapshot."""

    skus: list[str]
    observed: Observed
    until: datetime
    fallen: tuple[int, ...] = ()
    """Of the last intervals between two snapshots, how many SKUs fell that no order of ours took
    from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Demand per SKU, and how much busier than average this hour is."""

    velocity: Velocity
    """Columns, in the order of the SKUs that were asked for."""
    busyness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedUntil:
    """Where the counts are kept, and the moment they go up to."""

    file: str
    until: datetime
    fallen: tuple[int, ...] = ()


_STORED = TypeAdapter(CountedUntil)


def count_demand(link: Link) -> Counted | None:
    """Carry the counts forward to the newest usable snapshot; None before there is one."""
    with link.ledger.reading() as tx:
        latest, kept = stock.latest_accepted(tx), counted_until(tx)
    if latest is None:
        return None
    before = _fetch(link, kept) if kept else None
    if before is not None and before.until >= latest.taken_at:
        return before
    counted = _carry_forward(link, before, latest) if before else _first_counts(link, latest)
    frame = pd.DataFrame({"sku": pd.Series(counted.skus, dtype="str"), **asdict(counted.observed)})
    file = archive.keep(
        link.settings.archive_path, archive.DEMAND, latest.snapshot_id, latest.taken_at, frame
    )
    record = CountedUntil(file=str(file), until=counted.until, fallen=counted.fallen)
    with link.ledger.transaction() as tx:
        state.set_to(tx, state.SALES_VELOCITY, _STORED.dump_json(record).decode())
    return counted


def measure_velocity(link: Installation, skus: Sequence[str]) -> Measured | None:
    """Return the demand of these SKUs as last counted; None before anything was."""
    with link.ledger.reading() as tx:
        now, kept, began = tx.now, counted_until(tx), stock.first_taken_at(tx)
        since = now - timedelta(days=_PROFILE_DAYS)
        since = max(since, began) if began else since
        sales = standings.units_by_ordering_hour(tx, since=since)
    if kept is None:
        return None
    counted = _fetch(link, kept)
    pooling = link.configuration.stock.pooling
    week = profile(units_by_hour(sales, LONDON), hours_of_week_between(since, now, LONDON))
    return Measured(
        velocity=estimate(_on(skus, counted), average(counted.observed), pooling),
        busyness=week[hour_of_week(now, LONDON)],
    )


def counted_until(tx: Transaction) -> CountedUntil | None:
    """Return where the last counts are; None before there were any."""
    stored = state.read(tx, state.SALES_VELOCITY)
    return None if stored is None else _STORED.validate_json(stored)


def _fetch(link: Installation, kept: CountedUntil) -> Counted:
    frame = archive.fetch(link.settings.archive_path, kept.file)
    columns = {
        field.name: np.asarray(frame.get(field.name, np.zeros(len(frame))), dtype=np.float64)
        for field in fields(Observed)
    }
    observed = Observed(**columns)
    if "unseen_clumps" not in frame.columns:  # a file of an earlier release
        observed = with_clumps_of_units(observed)
    return Counted(
        skus=frame["sku"].tolist(), observed=observed, until=kept.until, fallen=kept.fallen
    )


def _first_counts(link: Link, latest: SnapshotRow) -> Counted:
    skus = archive.fetch(link.settings.archive_path, latest.file)["sku"].tolist()
    return Counted(skus=skus, observed=nothing_yet(len(skus)), until=latest.taken_at)


def _carry_forward(link: Link, before: Counted, latest: SnapshotRow) -> Counted:
    now = _available(link, latest)
    with link.ledger.reading() as tx:
        earlier = stock.accepted_at(tx, before.until)
        lines = standings.units_ordered(tx, since=before.until, until=latest.taken_at)
        taken = standings.units_taken(tx, since=before.until, until=latest.taken_at)
    skus = sorted({*before.skus, *now.index})
    hours = (latest.taken_at - before.until).total_seconds() / 3600
    half_life = link.configuration.stock.pooling.half_life_days
    observed = _with_orders(aged(_on(skus, before), hours, half_life), skus, lines)
    fallen = before.fallen
    if earlier is not None:
        was = _available(link, earlier)
        both = [sku for sku in skus if sku in was.index and sku in now.index]
        ours = np.array([taken.get(sku, 0) for sku in both], dtype=np.int64)
        available = np.asarray(now.loc[both], dtype=np.int64)
        unseen, _arrived = unexplained(np.asarray(was.loc[both], dtype=np.int64), available, ours)
        where = pd.Index(skus).get_indexer(both)
        most = most_usual(observed, average(observed), link.configuration.stock.pooling)[where]
        fell = int(np.count_nonzero(unseen))
        is_demand = not (latest.is_released or is_bulk(fell, len(both), fallen))
        units = demand_of(unseen, available, most) if is_demand else np.zeros_like(unseen)
        observed = with_interval(observed, units, hours, where)
        fallen = (*fallen, fell)[-INTERVALS_KEPT:]
    return Counted(skus=skus, observed=observed, until=latest.taken_at, fallen=fallen)


def _available(link: Link, snapshot: SnapshotRow) -> pd.Series[int]:
    """Return a snapshot's `available` by SKU."""
    frame = archive.fetch(link.settings.archive_path, snapshot.file)
    return frame.set_index("sku")["available"]


def _with_orders(
    observed: Observed, skus: Sequence[str], lines: Sequence[tuple[str, int, datetime]]
) -> Observed:
    """Add the units of order lines to the counts of their SKUs; other SKUs' lines are left out."""
    places = {sku: at for at, sku in enumerate(skus)}
    known = [(places[sku], units) for sku, units, _seen_at in lines if sku in places]
    positions = np.array([at for at, _ in known], dtype=np.int64)
    quantities = np.array([units for _, units in known], dtype=np.int64)
    return with_lines(observed, positions, quantities)


def _on(skus: Sequence[str], before: Counted) -> Observed:
    """Return the counts in the order of another list of SKUs; a new SKU has none."""
    frame = pd.DataFrame(asdict(before.observed), index=pd.Index(before.skus))
    counts = frame.reindex(pd.Index(skus)).fillna(0.0)
    return Observed(**{field.name: counts[field.name].to_numpy() for field in fields(Observed)})
