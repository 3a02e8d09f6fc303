"""How likely unseen demand exceeds the units held back, and by how many units on average.

The distribution is that of `domain.stock.buffer`, which finds the units for a given risk. Here the
units are given, by a floor or a share for one, and the risk is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, pi, sqrt

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints

_LEAST_DISPERSION = 1.0001
_LEAST_CHANCE = 1e-250
"""As in `buffer`: below it the normal curve is close enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What the units held back do not cover, SKU by SKU."""

    chance: Floats
    """That demand exceeds them."""
    units: Floats
    """By which it exceeds them on average, the times when it does not counted as none."""


def shortfall(mean: Floats, dispersion: Floats, held_back: Ints) -> Shortfall:
    """Return what units held back do not cover of the demand over an exposure.

    Args:
        mean: expected units over the exposure.
        dispersion: variance over mean, 1 or more.
        held_back: units, 0 or more.
    """
    phi = np.maximum(dispersion, _LEAST_DISPERSION)
    clumps = mean / (phi - 1)
    none = phi**-clumps
    chance, reached = none.copy(), none.copy()
    units = np.array(mean, dtype=np.float64)
    for demand in range(int(held_back.max(initial=0))):
        counts = held_back > demand
        # The mean is the sum of the chances of more than 0, 1, 2 ...; those held back are covered.
        units = np.where(counts, units - (1 - reached), units)
        chance = chance * (demand + clumps) / (demand + 1) * ((phi - 1) / phi)
        reached = np.where(counts, reached + chance, reached)
    result = Shortfall(chance=np.clip(1 - reached, 0, 1), units=np.maximum(units, 0))
    for at in np.flatnonzero(none < _LEAST_CHANCE).tolist():
        spread = sqrt(phi[at] * mean[at])
        distance = (float(held_back[at]) - float(mean[at])) / spread
        beyond = erfc(distance / sqrt(2)) / 2
        result.chance[at] = beyond
        result.units[at] = spread * (exp(-(distance**2) / 2) / sqrt(2 * pi) - distance * beyond)
    return result
