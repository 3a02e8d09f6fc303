"""Count demand from one snapshot to the next: what Centra saw sold, and what went without it.

Belongs here: carrying the counts forward and keeping them. Does not belong here: what they mean
(`domain.stock.velocity`) or how they are counted over a catalogue (`domain.stock.demand_counts`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.demand_counts import (
    average,
    nothing_yet,
    units_by_hour,
    with_interval,
    with_lines,
)
from centra_whistl_dagster.domain.stock.velocity import (
    Observed,
    Velocity,
    aged,
    estimate,
    hour_of_week,
    hours_of_week_between,
    profile,
    unexplained,
)
from centra_whistl_dagster.ledger import standings, state
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive

_PROFILE_DAYS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The counts of every SKU up to one snapshot."""

    skus: list[str]
    observed: Observed
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Demand per SKU, and how much busier than average this hour is."""

    velocity: Velocity
    """Columns, in the order of the SKUs that were asked for."""
    busyness: float


def count_demand(link: Link) -> Counted | None:
    """Carry the counts forward to the newest usable snapshot; None before there is one."""
    with link.ledger.reading() as tx:
        latest = stock_rows.latest_accepted(tx)
        kept = counted_until(tx)
    if latest is None:
        return None
    before = _fetch(link, kept)
    if before is not None and before.until >= latest.taken_at:
        return before
    counted = _carry_forward(link, before, latest)
    frame = pd.DataFrame({"sku": pd.Series(counted.skus, dtype="str"), **asdict(counted.observed)})
    file = archive.keep(
        link.settings.archive_path, archive.DEMAND, latest.snapshot_id, latest.taken_at, frame
    )
    value = json.dumps({"file": str(file), "until": counted.until.isoformat()})
    with link.ledger.transaction() as tx:
        state.set_to(tx, state.SALES_VELOCITY, value, now=link.now())
    return counted


def measure_velocity(link: Link, skus: list[str]) -> Measured | None:
    """Return the demand of these SKUs as last counted; None before anything was."""
    with link.ledger.reading() as tx:
        counted = _fetch(link, counted_until(tx))
        since = link.now() - timedelta(days=_PROFILE_DAYS)
        began = stock_rows.first_taken_at(tx)
        since = max(since, began) if began else since
        sales = standings.units_by_ordering_hour(tx, since=since)
    if counted is None:
        return None
    pooling = link.configuration.stock.pooling
    seen = hours_of_week_between(since, link.now(), LONDON)
    week = profile(units_by_hour(sales, LONDON), seen)
    return Measured(
        velocity=estimate(_on(skus, counted), average(counted.observed), pooling),
        busyness=week[hour_of_week(link.now(), LONDON)],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedUntil:
    """Where the counts are kept, and the moment they go up to."""

    file: str
    until: datetime


def counted_until(tx: Transaction) -> CountedUntil | None:
    """Return where the last counts are; None before there were any."""
    kept = state.read(tx, state.SALES_VELOCITY)
    if kept is None:
        return None
    told = json.loads(kept)
    return CountedUntil(file=told["file"], until=datetime.fromisoformat(told["until"]))


def _fetch(link: Link, kept: CountedUntil | None) -> Counted | None:
    if kept is None:
        return None
    frame = archive.fetch(link.settings.archive_path, kept.file)
    return Counted(
        skus=frame["sku"].tolist(),
        observed=Observed(
            **{each.name: frame[each.name].to_numpy(dtype=np.float64) for each in fields(Observed)}
        ),
        until=kept.until,
    )


def _carry_forward(link: Link, before: Counted | None, latest: Row) -> Counted:
    stock = archive.fetch(link.settings.archive_path, latest.file)
    if before is None:
        skus = stock["sku"].tolist()
        return Counted(skus=skus, observed=nothing_yet(len(skus)), until=latest.taken_at)
    now = stock.set_index("sku")["available"]
    skus = sorted({*before.skus, *now.index})
    observed = _on(skus, before)
    with link.ledger.reading() as tx:
        earlier = stock_rows.accepted_at(tx, before.until)
        lines = standings.units_ordered(tx, since=before.until, until=latest.taken_at)
        taken = standings.units_taken(tx, since=before.until, until=latest.taken_at)
    hours = (latest.taken_at - before.until).total_seconds() / 3600
    half_life = link.configuration.stock.pooling.half_life_days
    observed = aged(observed, hours, half_life)
    places = {sku: at for at, sku in enumerate(skus)}
    known = [(places[sku], units) for sku, units in lines if sku in places]
    positions = np.array([at for at, _ in known], dtype=np.int64)
    units = np.array([units for _, units in known], dtype=np.int64)
    observed = with_lines(observed, positions, units)
    if earlier is None:
        return Counted(skus=skus, observed=observed, until=latest.taken_at)
    was = archive.fetch(link.settings.archive_path, earlier.file).set_index("sku")["available"]
    both = [sku for sku in skus if sku in was.index and sku in now.index]
    ours = np.array([taken.get(sku, 0) for sku in both], dtype=np.int64)
    unseen, _arrived = unexplained(
        was.loc[both].to_numpy(dtype=np.int64), now.loc[both].to_numpy(dtype=np.int64), ours
    )
    where = np.array([places[sku] for sku in both], dtype=np.int64)
    return Counted(
        skus=skus,
        observed=with_interval(observed, unseen, hours, where),
        until=latest.taken_at,
    )


def _on(skus: list[str], before: Counted) -> Observed:
    """Lay the counts out over another list of SKUs; one that is new has none."""
    frame = pd.DataFrame(asdict(before.observed), index=pd.Index(before.skus))
    laid = frame.reindex(skus).fillna(0.0)
    return Observed(**{each.name: laid[each.name].to_numpy() for each in fields(Observed)})
