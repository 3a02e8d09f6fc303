"""For every SKU: how long it may be left alone, and what is held back for that long.

Belongs here: laying the rules of `domain.stock.buffer` and `domain.stock.cadence` over a catalogue;
looking the answers up as stock moves is then cheap enough for each minute. Does not belong here:
any rule, or the decision of a tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from centra_whistl_dagster.domain.stock.buffer import buffer_units
from centra_whistl_dagster.domain.stock.cadence import Rung, needed_rung, risk_of_rung
from centra_whistl_dagster.domain.stock.policy import SkuPolicy, StockPolicy, policy_for
from centra_whistl_dagster.domain.stock.quantiles import Floats, Ints, covering, reach
from centra_whistl_dagster.domain.stock.velocity import Velocity


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPlan:
    """Tables by rung and SKU, in the order in which the SKUs were given."""

    ladder_minutes: tuple[int, ...]
    reaches: Ints
    """Shape (rungs, SKUs): units that demand until the next pass exceeds with the rung's risk."""
    buffers: Ints
    """Shape (rungs, SKUs): units to hold back when the SKU is passed over at that interval."""
    longest_rung: Ints
    """Shape (SKUs,): a sale shortens it."""
    is_measured: Any
    """Shape (SKUs,): something is known of its demand."""
    per_hour: Floats
    """Shape (SKUs,): all demand in the hour it was planned for."""

    def rungs(self, room: Ints, where: Any = slice(None)) -> Ints:
        """Return the rung that each SKU needs, given what the shop could sell of it.

        Args:
            room: units, of the SKUs picked by `where`.
            where: an index into the SKUs; all of them when left out.
        """
        rung = needed_rung(room, list(self.reaches[:, where]))
        is_known = self.is_measured[where] | (room <= 0)
        allowed: Ints = (is_known * np.minimum(rung, self.longest_rung[where])).astype(np.int64)
        return allowed

    def buffers_at(self, rungs: Ints, where: Any = slice(None)) -> Ints:
        """Return the units to hold back of each SKU while it is on its rung."""
        of_them: Ints = self.buffers[:, where]
        picked: Ints = np.take_along_axis(of_them, rungs[np.newaxis, :], axis=0)[0]
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
    """Gather SKUs by the interval they need, shortest first, but for those that need the longest.

    Args:
        minutes: the interval of each SKU.
        looked_at: when each was passed over, in seconds since 1970.
        per_hour: units that each sells.
        skus: their names, in the same order.
        longest: minutes between two passes over every SKU.
    """
    found = []
    for each in np.unique(minutes[minutes < longest]).tolist():
        where = np.flatnonzero(minutes == each)
        found.append(
            Rung(
                minutes=each,
                skus=len(where),
                fastest=skus[int(where[per_hour[where].argmax()])],
                looked_at=datetime.fromtimestamp(float(looked_at[where].min()), UTC),
            )
        )
    return tuple(found)


def policies(skus: Sequence[str], now: datetime, policy: StockPolicy) -> dict[SkuPolicy, Ints]:
    """Return the positions of the SKUs that each distinct policy holds for now."""
    if not policy.sku_rules and not any(sale.is_on(now) for sale in policy.sales):
        return {policy_for("", now, policy): np.arange(len(skus))}
    groups: dict[SkuPolicy, list[int]] = {}
    for position, sku in enumerate(skus):
        groups.setdefault(policy_for(sku, now, policy), []).append(position)
    return {each: np.asarray(where) for each, where in groups.items()}


def plan(
    velocity: Velocity,
    *,
    busyness: float,
    write_minutes: float,
    groups: dict[SkuPolicy, Ints],
    policy: StockPolicy,
) -> StockPlan:
    """Lay out a catalogue's reaches and buffers for the hour to come.

    Args:
        velocity: columns, one row a SKU.
        busyness: how much busier than average the hour is (`domain.stock.velocity.profile`).
        write_minutes: measured time from a snapshot being taken to its numbers being in Centra. It
            is part of the exposure: what happens in it is in no snapshot.
        groups: positions by policy, from `policies`.
        policy: what operators set.
    """
    ladder = policy.cadence.ladder_minutes
    per_hour = np.asarray(velocity.per_hour, dtype=np.float64) * busyness
    unseen = np.asarray(velocity.unseen_per_hour, dtype=np.float64) * busyness
    dispersion = np.asarray(velocity.dispersion, dtype=np.float64)
    unseen_dispersion = np.asarray(velocity.unseen_dispersion, dtype=np.float64)
    shape = (len(ladder), len(per_hour))
    reaches, buffers = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    longest = np.zeros(len(per_hour), dtype=np.int64)
    for held, where in groups.items():
        longest[where] = sum(minutes <= held.most_minutes for minutes in ladder[1:])
        daily = 24 * np.asarray(velocity.per_hour, dtype=np.float64)[where]
        for rung, minutes in enumerate(ladder):
            hours = (minutes + write_minutes) / 60
            risk = risk_of_rung(minutes, policy.cadence)
            reaches[rung, where] = reach(per_hour[where] * hours, dispersion[where], risk)
            buffers[rung, where] = buffer_units(
                unseen[where] * hours, unseen_dispersion[where], daily, held.buffer, covering
            )
    return StockPlan(
        ladder_minutes=ladder,
        reaches=reaches,
        buffers=buffers,
        longest_rung=longest,
        is_measured=np.broadcast_to(velocity.is_measured, longest.shape),
        per_hour=per_hour,
    )
