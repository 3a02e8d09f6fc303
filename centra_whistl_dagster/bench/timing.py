"""Time a piece of work several times and say what is typical."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Wall seconds of one piece of work over several runs."""

    name: str
    runs: int
    median_s: float
    least_s: float
    most_s: float
    note: str = ""


def timed(
    name: str,
    work: Callable[[Any], object],
    *,
    prepare: Callable[[], Any] = lambda: None,
    runs: int = 5,
    note: str = "",
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
        note=note,
    )


def copy_rate_gb_per_s() -> float:
    """Return how fast this machine copies memory, to judge the other figures by."""
    source = np.ones(64_000_000, dtype=np.float64)
    target = np.empty_like(source)
    copied = timed("copy", lambda _: np.copyto(target, source), runs=7)
    return 2 * source.nbytes / copied.median_s / 1e9


def peak_memory_gb() -> float:
    """Return the most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
