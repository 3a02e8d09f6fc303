"""Run a load in a process of its own, so that its memory is measured by itself.

In one process for all loads, the peak of the largest would be shown for every load.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def apart(load: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[T, float]:
    """Return what `load` returns, and the most memory its process held, in GB.

    The process starts from a server that has loaded nothing: one started by this process itself
    would begin at this one's own peak, as Linux counts it.

    Args:
        load: a module's own function; it, what it is given and what it returns are pickled.
        args: what it is given.
        kwargs: what it is given by name.

    Raises:
        BrokenProcessPool: the process was killed, by the machine for want of memory for one.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("forkserver")) as pool:
        return pool.submit(_with_peak, partial(load, *args, **kwargs)).result()


def _with_peak(load: Callable[[], T]) -> tuple[T, float]:
    result = load()
    return result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES / 1e9
