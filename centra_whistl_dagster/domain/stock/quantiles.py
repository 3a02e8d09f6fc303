"""The demand quantile of `domain.stock.buffer` for a whole catalogue at once.

Belongs here: making one formula quick over a million SKUs, exactly or to a stated closeness. Does
not belong here: the formula.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from centra_whistl_dagster.domain.stock.buffer import units_covering

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_CHUNK = 512
"""A search runs as long as the slowest of its chunk needs, so like are put with like."""

_FARTHEST = 100_000
"""Units at which a reach ends: more than any SKU sells within a rung."""

_MEANS = np.geomspace(1e-5, 500.0, 98)
"""Neighbours are a fifth apart."""

_DISPERSIONS = np.geomspace(1.0, 1000.0, 25)
"""Neighbours are a third apart. Beyond the last, orders of a thousand units are the rule, and no
interval is short enough."""


def covering(mean: Floats, dispersion: Floats, risk: float, most: int) -> Ints:
    """Return `units_covering` of columns, exactly."""
    units = np.zeros(len(mean), dtype=np.int64)
    order = np.argsort(mean + 5 * dispersion)
    for start in range(0, len(order), _CHUNK):
        at = order[start : start + _CHUNK]
        units[at] = units_covering(mean[at], dispersion[at], risk, most)
    return units


def reach(mean: Floats, dispersion: Floats, risk: float) -> Ints:
    """Return `units_covering` of columns, or a little more: looked up for the next larger mean.

    A reach only decides how soon to look again, so a fifth too much demand is a fair price for not
    searching thousands of steps for every SKU, every hour.
    """
    table = _reaches(risk)
    row = np.minimum(np.searchsorted(_MEANS, mean), len(_MEANS) - 1)
    above = np.clip(np.searchsorted(_DISPERSIONS, dispersion), 1, len(_DISPERSIONS) - 1)
    units: Ints = np.maximum(table[row, above - 1], table[row, above])
    beyond = np.flatnonzero(mean > _MEANS[-1])
    if len(beyond):
        clumping = np.minimum(dispersion[beyond], _DISPERSIONS[-1])
        units[beyond] = covering(mean[beyond], clumping, risk, _FARTHEST)
    return units


@lru_cache(maxsize=64)
def _reaches(risk: float) -> Ints:
    mean, dispersion = np.meshgrid(_MEANS, _DISPERSIONS, indexing="ij")
    return covering(mean.ravel(), dispersion.ravel(), risk, _FARTHEST).reshape(mean.shape)
