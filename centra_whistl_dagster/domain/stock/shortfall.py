"""How likely unseen demand exceeds the units held back, and by how many units on average.

The distribution is that of `domain.stock.clumps`, which finds the units for a given risk. Here the
units are given, by a floor or a share for one, and the risk is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints
from centra_whistl_dagster.domain.stock.clumps import NEARLY, Clumps

_LEAST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What the units held back do not cover, SKU by SKU."""

    chance: Floats
    """That demand exceeds them."""
    units: Floats
    """By which it exceeds them on average, the times when it does not counted as none."""


def shortfall(clumps: Clumps, hours: Floats, held_back: Ints) -> Shortfall:
    """Return what units held back do not cover of the demand over an exposure.

    Args:
        clumps: how unseen demand comes.
        hours: of the exposure, busy ones counted as more.
        held_back: units, 0 or more.
    """
    any_comes, mean, spread = clumps.within(hours)
    held = held_back.astype(np.float64)
    exceeded = any_comes * _above(mean, spread, held + NEARLY)
    # Of a lognormal value X with this mean: E[max(X - b, 0)] = mean P(X' > b) - b P(X > b), where
    # the logarithm of X' lies a variance higher (as in the price of an option).
    beyond = mean * _above(mean * np.exp(spread**2), spread, held) - held * _above(
        mean, spread, held
    )
    return Shortfall(chance=exceeded, units=any_comes * np.maximum(beyond, 0.0))


def _above(mean: Floats, spread: Floats, bound: Floats) -> Floats:
    """Return the chance that a lognormal value of this mean lies above a bound."""
    middle = np.log(np.maximum(mean, _LEAST)) - spread**2 / 2
    distance = (np.log(np.maximum(bound, _LEAST)) - middle) / spread
    return np.array([erfc(score / sqrt(2)) / 2 for score in distance.tolist()])
