"""How a set of durations is summed up."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypedDict


class Spread(TypedDict):
    """The 50th and 95th percentile (nearest rank), the largest and the number; seconds."""

    p50: float | None
    p95: float | None
    max: float | None
    n: int


def spread(samples: Iterable[float]) -> Spread:
    """Describe a set of durations."""
    ordered = sorted(samples)
    if not ordered:
        return {"p50": None, "p95": None, "max": None, "n": 0}

    def ranked(share: float) -> float:
        return round(ordered[math.ceil(len(ordered) * share) - 1], 3)

    return {"p50": ranked(0.5), "p95": ranked(0.95), "max": ranked(1.0), "n": len(ordered)}
