"""How many units to hold back for demand that Centra cannot see, at a stated risk.

The buffer is the smallest b with P(demand over the exposure <= b) >= 1 - risk. Demand is negative
binomial with the measured mean m and variance over mean phi: sales come in clumps, and treating
them as single units (Poisson, phi = 1) would about halve the buffer that three units a sale need.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints

_LEAST_DISPERSION = 1.0001
"""Poisson is the limit at 1, where the formula divides by zero."""

_LEAST_CHANCE = 1e-250
"""Where the chance of no demand is below it a float cannot carry the sum, and so much is sold that
the normal curve is close enough."""

_CHUNK = 512
"""A search runs as long as the slowest SKU of its chunk needs, so like is put with like."""


def units_covering(mean: Floats, dispersion: Floats, risk: float, most: int) -> Ints:
    """Return the smallest number of units that demand exceeds with at most this risk, SKU by SKU.

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
    """Chance that unseen demand between one sync and the next exceeds the buffer."""
    share_of_daily_sales: float = 0.0
    """Held back on top of that, of the SKU's own sales in a day."""
    floor_units: int = 0
    cap_units: int = 200


def buffer_units(
    exposed_units: Floats, dispersion: Floats, daily_sales: Floats, policy: BufferPolicy
) -> Ints:
    """Return the units to hold back, SKU by SKU.

    Args:
        exposed_units: unseen demand expected over the exposure: rate x (interval + time to write).
        dispersion: its variance over its mean.
        daily_sales: all of the SKU's sales in an average day.
        policy: the policy that holds for these SKUs now.
    """
    at_risk = units_covering(exposed_units, dispersion, policy.risk, policy.cap_units)
    share = np.ceil(policy.share_of_daily_sales * daily_sales).astype(np.int64)
    units: Ints = np.maximum(at_risk + share, policy.floor_units)
    return np.minimum(units, policy.cap_units)


def buffer_reason(
    *,
    units: int,
    unseen_per_hour: float,
    dispersion: float,
    exposure_minutes: float,
    policy: BufferPolicy,
) -> str:
    """Say in one sentence why a SKU's buffer is what it is, for the log of changes."""
    why = (
        f"{units} held back: about {unseen_per_hour:.2g} units an hour go unseen by Centra "
        f"(clumping {dispersion:.1f}), over {exposure_minutes:.0f} minutes, at a risk of "
        f"{policy.risk:.1%}"
    )
    words = [why]
    if policy.share_of_daily_sales:
        words.append(f"plus {policy.share_of_daily_sales:.0%} of a day's sales")
    if units == policy.floor_units and units:
        words.append("raised to the floor set for it")
    if units == policy.cap_units:
        words.append("held to its cap")
    return ", ".join(words)
