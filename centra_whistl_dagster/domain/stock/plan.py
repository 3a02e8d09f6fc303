"""For every SKU: how long it can wait for its next sync, and what is held back for that long.

The rules of `domain.stock.buffer` and `domain.stock.cadence` are worked out once an hour for a
whole catalogue; looking the answers up as stock moves is then cheap enough for each minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Floats, Ints, Rows
from centra_whistl_dagster.domain.stock.buffer import buffer_units
from centra_whistl_dagster.domain.stock.cadence import Rung, needed_rung, risk_of_rung
from centra_whistl_dagster.domain.stock.exposure import Exposure
from centra_whistl_dagster.domain.stock.policy import SkuPolicy, StockPolicy, policy_for
from centra_whistl_dagster.domain.stock.reach import reach
from centra_whistl_dagster.domain.stock.velocity import Velocity


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPlan:
    """Tables by rung and SKU, in the order in which the SKUs were given."""

    ladder_minutes: tuple[int, ...]
    reaches: Ints
    """Shape (rungs, SKUs): units that demand until the next sync exceeds with the rung's risk."""
    buffers: Ints
    """Shape (rungs, SKUs): units to hold back when the SKU is synced at that interval."""
    longest_rung: Ints
    """Shape (SKUs,): a sale shortens it."""
    is_measured: Bools
    """Shape (SKUs,): something is known of the SKU's demand."""
    per_hour: Floats
    """Shape (SKUs,): all demand in the hour it was planned for."""

    def rungs(self, room: Ints, where: Rows = slice(None)) -> Ints:
        """Return the rung that each SKU needs, given what the shop could sell of it.

        Args:
            room: units, of the SKUs picked by `where`.
            where: some of the SKUs; all of them when left out.
        """
        rung = needed_rung(room, self.reaches[:, where])
        is_known = self.is_measured[where] | (room <= 0)
        allowed: Ints = np.where(is_known, np.minimum(rung, self.longest_rung[where]), 0)
        return allowed

    def buffers_at(self, rungs: Ints, where: Rows = slice(None)) -> Ints:
        """Return the units to hold back of each SKU while it is on its rung."""
        buffers: Ints = self.buffers[:, where]
        picked: Ints = np.take_along_axis(buffers, rungs[np.newaxis, :], axis=0)[0]
        return picked


def hottest_first(per_hour: Floats, change: Ints) -> Ints:
    """Return an order in which to write SKUs: too much for sale first, then by what they sell.

    Args:
        per_hour: units that each sells.
        change: units by which each is to change in Centra.
    """
    order: Ints = np.lexsort((-per_hour, change >= 0))
    return order


def in_short(
    minutes: Ints, looked_at: Floats, per_hour: Floats, skus: Sequence[str], longest: int
) -> tuple[Rung, ...]:
    """Summarise SKUs by the interval they need, shortest first; the longest is left out.

    Args:
        minutes: the interval of each SKU.
        looked_at: when each was last synced, in seconds since 1970.
        per_hour: units that each sells in an hour.
        skus: their names, in the same order.
        longest: minutes between two full syncs.
    """
    rungs = []
    for interval in np.unique(minutes[minutes < longest]).tolist():
        where = np.flatnonzero(minutes == interval)
        rungs.append(
            Rung(
                minutes=interval,
                skus=len(where),
                fastest=skus[int(where[per_hour[where].argmax()])],
                looked_at=datetime.fromtimestamp(float(looked_at[where].min()), UTC),
            )
        )
    return tuple(rungs)


def policies(skus: Sequence[str], now: datetime, policy: StockPolicy) -> dict[SkuPolicy, Ints]:
    """Return the positions of the SKUs that each distinct policy holds for now."""
    if not policy.sku_rules and not any(sale.is_on(now) for sale in policy.sales):
        return {policy_for("", now, policy): np.arange(len(skus), dtype=np.int64)}
    groups: dict[SkuPolicy, list[int]] = {}
    for position, sku in enumerate(skus):
        groups.setdefault(policy_for(sku, now, policy), []).append(position)
    return {held: np.asarray(where, dtype=np.int64) for held, where in groups.items()}


def plan(
    velocity: Velocity,
    *,
    busyness: float,
    exposure: Exposure,
    groups: dict[SkuPolicy, Ints],
    policy: StockPolicy,
) -> StockPlan:
    """Work out a catalogue's reaches and buffers for the hour to come.

    Args:
        velocity: one element a SKU.
        busyness: how much busier than average the hour is (`domain.stock.velocity.profile`).
        exposure: for how long the shop sells on one snapshot, beside the interval of a SKU.
        groups: positions by policy, from `policies`.
        policy: what operators set.
    """
    ladder = policy.cadence.ladder_minutes
    per_hour = velocity.per_hour * busyness
    shape = (len(ladder), len(per_hour))
    reaches, buffers = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    longest = np.zeros(len(per_hour), dtype=np.int64)
    for held, where in groups.items():
        longest[where] = sum(minutes <= held.most_minutes for minutes in ladder[1:])
        daily = 24 * velocity.per_hour[where]
        clumps = velocity.unseen_clumps.at(where)
        for rung, minutes in enumerate(ladder):
            hours = exposure.minutes(minutes) / 60
            risk = risk_of_rung(minutes, policy.cadence)
            reaches[rung, where] = reach(per_hour[where] * hours, velocity.dispersion[where], risk)
            buffers[rung, where] = buffer_units(clumps, hours * busyness, daily, held.buffer)
    return StockPlan(
        ladder_minutes=ladder,
        reaches=reaches,
        buffers=buffers,
        longest_rung=longest,
        is_measured=velocity.is_measured,
        per_hour=per_hour,
    )
