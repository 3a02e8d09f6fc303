"""How many units a SKU may sell before the next sync: a quick table of the demand quantile.

`buffer.units_covering` is exact, and takes thousands of steps for a fast seller. Whether a SKU can
wait a minute longer does not need that: its answer is looked up here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints
from centra_whistl_dagster.domain.stock.buffer import units_covering

_FARTHEST = 100_000
"""Units at which a reach ends: more than any SKU sells within a rung."""

_MEANS = np.geomspace(1e-5, 500.0, 98)
"""Each is a fifth above the one before."""

_DISPERSIONS = np.geomspace(1.0, 1000.0, 25)
"""Each is a third above the one before. Beyond the last, orders of a thousand units are the rule,
and no interval is short enough."""


def reach(mean: Floats, dispersion: Floats, risk: float) -> Ints:
    """Return `units_covering`, or a little more: looked up for the next larger mean.

    A reach only decides how soon to sync again, so a fifth too much demand is a fair price for not
    searching thousands of steps for every SKU, every hour.
    """
    table = _reaches(risk)
    row = np.minimum(np.searchsorted(_MEANS, mean), len(_MEANS) - 1)
    above = np.clip(np.searchsorted(_DISPERSIONS, dispersion), 1, len(_DISPERSIONS) - 1)
    units: Ints = np.maximum(table[row, above - 1], table[row, above])
    beyond = np.flatnonzero(mean > _MEANS[-1])
    if len(beyond):
        clumping = np.minimum(dispersion[beyond], _DISPERSIONS[-1])
        units[beyond] = units_covering(mean[beyond], clumping, risk, _FARTHEST)
    return units


@lru_cache(maxsize=64)
def _reaches(risk: float) -> Ints:
    mean, dispersion = np.meshgrid(_MEANS, _DISPERSIONS, indexing="ij")
    units = units_covering(mean.ravel(), dispersion.ravel(), risk, _FARTHEST)
    return units.reshape(mean.shape)
