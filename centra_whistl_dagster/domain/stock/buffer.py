"""How many units to hold back for demand that Centra cannot see, at a stated risk.

Belongs here: the quantile, the policies that bend it, and the words that explain it. Does not
belong here: how the demand is measured (`velocity`), or how much of a buffer there is room for
(`availability`).

The buffer is the smallest b with P(demand over the exposure <= b) >= 1 - risk. Demand is negative
binomial with the measured mean m and variance over mean phi: sales come in clumps, and taking them
for single ones (Poisson, phi = 1) roughly halves the buffer that three units a sale need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from centra_whistl_dagster.domain.stock.columns import (
    Column,
    choose,
    is_any,
    larger,
    rounded_up,
    smaller,
)

_LEAST_DISPERSION = 1.0001
"""Poisson is the limit at 1, where the formula divides by zero."""

_LEAST_CHANCE = 1e-250
"""Where the chance of no demand is below it a float cannot carry the sum, and so much is sold that
the normal curve is close enough."""


def units_covering(mean: Column, dispersion: Column, risk: float, most: int) -> Column:
    """Return the smallest number of units that demand exceeds with at most this risk.

    Args:
        mean: expected units over the exposure.
        dispersion: variance over mean, 1 or more.
        risk: between 0 and 1, both excluded.
        most: where the search ends; the answer is never above it.
    """
    if not 0 < risk < 1:
        raise ValueError(f"a risk lies between 0 and 1, not at {risk}")
    phi = larger(dispersion, _LEAST_DISPERSION)
    clumps = mean / (phi - 1)
    chance = phi**-clumps
    is_large = chance < _LEAST_CHANCE
    reached, units, repeat = chance, 0 * mean, (phi - 1) / phi
    for demand in range(most):
        is_short = (reached < 1 - risk) & (is_large == 0)
        if not is_any(is_short):
            break
        chance = chance * (demand + clumps) / (demand + 1) * repeat
        reached = reached + chance
        units = units + is_short
    spread = NormalDist().inv_cdf(1 - risk) * (phi * mean) ** 0.5
    return smaller(choose(is_large, rounded_up(larger(mean + spread, 0.0)), units), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferPolicy:
    """What operators set for all SKUs, or for some."""

    risk: float = 0.01
    """Chance that unseen demand between one pass and the next exceeds the buffer."""
    share_of_daily_sales: float = 0.0
    """Held back on top of that, of the SKU's own sales in a day."""
    floor_units: int = 0
    cap_units: int = 200


def buffer_units(
    exposed_units: Column,
    dispersion: Column,
    daily_sales: Column,
    policy: BufferPolicy,
    covering: Callable[[Column, Column, float, int], Column] = units_covering,
) -> Column:
    """Return the units to hold back.

    Args:
        exposed_units: unseen demand expected over the exposure: rate x (interval + time to write).
        dispersion: its variance over its mean.
        daily_sales: all of the SKU's sales in an average day.
        policy: the policy that holds for the SKU now.
        covering: `units_covering`, or the same made quick for a whole catalogue.
    """
    at_risk = covering(exposed_units, dispersion, policy.risk, policy.cap_units)
    share = rounded_up(policy.share_of_daily_sales * daily_sales)
    return smaller(larger(at_risk + share, policy.floor_units), policy.cap_units)


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
