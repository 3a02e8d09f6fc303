"""How many units to hold back for demand that Centra cannot see, at a stated risk.

The buffer is the smallest b with P(unseen demand over the exposure <= b) >= 1 - risk. The exposure
goes from the moment a snapshot is taken until the figures of the next one are in Centra: Whistl's
own publishing period is in it, and the age of a snapshot when its figures are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints
from centra_whistl_dagster.domain.stock.clumps import Clumps

_LEAST_DISPERSION = 1.0001
"""Poisson is the limit at 1, where the formula divides by zero."""

_LEAST_CHANCE = 1e-250
"""Where the chance of no demand is below it a float cannot carry the sum, and so much is sold that
the normal curve is close enough."""

_CHUNK = 512
"""A search runs as long as the slowest SKU of its chunk needs, so like is put with like."""


def units_covering(mean: Floats, dispersion: Floats, risk: float, most: int) -> Ints:
    """Return the smallest number of units that demand exceeds with at most this risk, SKU by SKU.

    Demand is negative binomial: where sales come in clumps of three, treating them as single units
    (Poisson) would about halve the answer.

    Args:
        mean: expected units over the exposure.
        dispersion: variance over mean, 1 or more.
        risk: between 0 and 1, both excluded.
        most: where the search ends; the answer is never above it.

    Raises:
        ValueError: the risk is not between 0 and 1.
    """
    if not 0 < risk < 1:
        raise ValueError(f"a risk lies between 0 and 1, not at {risk}")
    units = np.zeros(len(mean), dtype=np.int64)
    order = np.argsort(mean + 5 * dispersion)
    for start in range(0, len(order), _CHUNK):
        chunk = order[start : start + _CHUNK]
        units[chunk] = _search(mean[chunk], dispersion[chunk], risk, most)
    return units


def _search(mean: Floats, dispersion: Floats, risk: float, most: int) -> Floats:
    phi = np.maximum(dispersion, _LEAST_DISPERSION)
    clumps = mean / (phi - 1)
    chance = phi**-clumps
    is_large = chance < _LEAST_CHANCE
    reached, units, repeat = chance, np.zeros_like(mean), (phi - 1) / phi
    for demand in range(most):
        is_short = (reached < 1 - risk) & ~is_large
        if not is_short.any():
            break
        chance = chance * (demand + clumps) / (demand + 1) * repeat
        reached = reached + chance
        units = units + is_short
    spread = NormalDist().inv_cdf(1 - risk) * np.sqrt(phi * mean)
    needed: Floats = np.where(is_large, np.ceil(np.maximum(mean + spread, 0)), units)
    return needed.clip(max=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferPolicy:
    """What operators set for all SKUs, or for some."""

    risk: float = 0.01
    """Chance that unseen demand over one exposure exceeds the buffer."""
    share_of_daily_sales: float = 0.0
    """Held back on top of that, of the SKU's own sales in a day."""
    floor_units: int = 0
    cap_units: int = 200


def buffer_units(clumps: Clumps, hours: float, daily_sales: Floats, policy: BufferPolicy) -> Ints:
    """Return the units to hold back, SKU by SKU.

    Args:
        clumps: how unseen demand comes.
        hours: of the exposure, busy ones counted as more.
        daily_sales: all of the SKU's sales in an average day.
        policy: the policy that holds for these SKUs now.
    """
    at_risk = clumps.covering(hours, policy.risk, policy.cap_units)
    share = np.ceil(policy.share_of_daily_sales * daily_sales).astype(np.int64)
    units: Ints = np.maximum(at_risk + share, policy.floor_units)
    return np.minimum(units, policy.cap_units)


def buffer_reason(
    *,
    units: int,
    clumps_per_hour: float,
    clump_units: float,
    exposure_minutes: float,
    policy: BufferPolicy,
) -> str:
    """Say in one sentence why a SKU's buffer is what it is, for the log of changes."""
    why = (
        f"{units} held back: about {clumps_per_hour:.2g} orders an hour go unseen by Centra, of "
        f"{clump_units:.2g} units on average, over {exposure_minutes:.0f} minutes from a snapshot "
        f"to the next one's figures, at a risk of {policy.risk:.1%}"
    )
    words = [why]
    if policy.share_of_daily_sales:
        words.append(f"plus {policy.share_of_daily_sales:.0%} of a day's sales")
    if units == policy.floor_units and units:
        words.append("raised to the floor set for it")
    if units == policy.cap_units:
        words.append("held to its cap")
    return ", ".join(words)
