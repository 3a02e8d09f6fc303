"""Time a piece of work several times, and summarise the times."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Wall seconds of one piece of work over several runs."""

    name: str
    runs: int
    median_s: float
    least_s: float
    most_s: float


def timed(
    name: str, work: Callable[[T], object], *, prepare: Callable[[], T], runs: int = 5
) -> Timing:
    """Run `work` once to warm up, then `runs` times, each on what `prepare` returns, untimed."""
    work(prepare())
    seconds = []
    for _ in range(runs):
        given = prepare()
        gc.collect()
        began = time.perf_counter()
        work(given)
        seconds.append(time.perf_counter() - began)
    return Timing(
        name=name,
        runs=runs,
        median_s=median(seconds),
        least_s=min(seconds),
        most_s=max(seconds),
    )


def copy_rate_gb_per_s() -> float:
    """Return how fast this machine copies memory, to judge the other figures by."""
    source = np.ones(64_000_000, dtype=np.float64)
    target = np.empty_like(source)
    copied = timed("copy", lambda into: np.copyto(into, source), prepare=lambda: target, runs=7)
    return 2 * source.nbytes / copied.median_s / 1e9
