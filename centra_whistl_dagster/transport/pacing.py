"""Keeping our calls under a share of the other system's quotas, so that its 429 stays rare.

Several quotas at once, each with several rates, are counted across the processes that share a file.
Long lists have a lane of their own, a part of the quota. Does not belong here: the other systems'
figures (`centra`, `whistl`), which call is in which lane (their clients), the waiting (`calls`).
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pyrate_limiter import AbstractBucket, InMemoryBucket, Rate, RateItem, SQLiteBucket

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `units` in any period of `seconds`."""

    units: int
    seconds: float


class Lane(StrEnum):
    """What a call is for. It decides how much of a quota calls of its sort may take together."""

    ORDERS = "orders"
    """What a customer waits for: an order, its status, its shipment. May take our whole share."""
    STOCK = "stock"
    """Long lists that can wait: stock, catalogues, sweeps. They take a part only, evenly spread, so
    that an order never waits for the pages before it."""


class Pacer:
    """Hands out units of named resources.

    With a file, all processes that use it count together: each Dagster run is a process of its own,
    and three of them would otherwise take three shares. The library's SQLite bucket held 30 per
    10 s exactly under four processes, at 0.3 ms a unit. Its `Limiter` is not used: it takes the
    file lock in a way that newer releases of the lock refuse, and sleeps by its own clock.
    """

    def __init__(
        self,
        quotas: Mapping[str, Sequence[Quota]],
        *,
        system: str,
        share: float,
        now: Callable[[], datetime],
        file: Path | None = None,
        stock_share: float = 1.0,
    ) -> None:
        """Make a pacer of `share` (above 0, at most 1) of each quota, never below one unit.

        Systems may share a file: each counts under its own name.

        Args:
            quotas: by resource, what the other system allows.
            system: its name.
            share: the part of the quotas that we use.
            now: the clock.
            file: counts the calls of all processes that use it; None counts this process alone.
            stock_share: the part of our share that `Lane.STOCK` may take; orders have the rest to
                themselves.

        Raises:
            ValueError: the share is outside these bounds.
            OSError: the shared file cannot be used.
        """
        if not 0 < share <= 1:
            raise ValueError(f"the share of a quota is above 0 and at most 1, not {share}")
        self._system = system
        self._share = share
        self._stock_share = stock_share
        self._file = file
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[str, AbstractBucket] = {}
        self.allow(quotas)

    def allow(self, quotas: Mapping[str, Sequence[Quota]]) -> None:
        """Go by these quotas from now on; what was taken already still counts.

        Raises:
            OSError: the shared file cannot be used.
        """
        rates = {resource: rates_of(limits, self._share) for resource, limits in quotas.items()}
        rates |= {
            _in_lane(resource, Lane.STOCK): stock_rates_of(limits, self._share, self._stock_share)
            for resource, limits in quotas.items()
        }
        with self._lock:
            for name in self._buckets.keys() - rates.keys():
                self._buckets.pop(name).close()
            for name, limits in rates.items():
                if bucket := self._buckets.get(name):
                    bucket.rates = limits
                else:
                    self._buckets[name] = _bucket(f"{self._system}_{name}", limits, self._file)

    def charges(self, costs: Mapping[str, int], lane: Lane) -> list[tuple[str, int]]:
        """Return what a call must `take`, one after the other.

        Its place in its own lane comes first: while it waits for that, it holds nothing that an
        order could use.
        """
        if lane is Lane.ORDERS:
            return list(costs.items())
        in_lane = [(_in_lane(resource, lane), units) for resource, units in costs.items()]
        return [*in_lane, *costs.items()]

    def take(self, resource: str, units: int) -> float:
        """Take units of a resource; return 0.0 once taken, else the seconds to wait first.

        A call that needs more than the whole quota takes all of it: one heavy call must still go. A
        resource without a quota is free.

        Raises:
            OSError: the shared file cannot be used.
        """
        bucket = self._buckets.get(resource)
        if bucket is None:
            return 0.0
        most = min(rate.limit for rate in bucket.rates)
        with self._lock:
            now_ms = math.floor(self._now().timestamp() * 1000)
            item = RateItem(resource, now_ms, weight=min(units, most))
            try:
                if bucket.put(item):
                    bucket.leak(now_ms)
                    return 0.0
                wait_ms = bucket.waiting(item)
            except sqlite3.Error as error:
                raise OSError(str(error)) from error
        if not isinstance(wait_ms, int):
            raise TypeError("this bucket must be used from a coroutine")
        return max(wait_ms, 1) / 1000

    def left(self, resource: str, lane: Lane = Lane.ORDERS) -> list[tuple[int, int]]:
        """Return, per rate of a resource, shortest first, the units it allows and those left now.

        Raises:
            OSError: the shared file cannot be used.
        """
        bucket = self._buckets.get(resource if lane is Lane.ORDERS else _in_lane(resource, lane))
        if bucket is None:
            return []
        now_ms = math.floor(self._now().timestamp() * 1000)
        with self._lock:
            try:
                return [
                    (rate.limit, max(0, rate.limit - _taken(bucket, now_ms - rate.interval, rate)))
                    for rate in bucket.rates
                ]
            except sqlite3.Error as error:
                raise OSError(str(error)) from error

    def allowed_in_an_hour(self, resource: str) -> int | None:
        """Return how many units of a resource may be taken in an hour; None without a limit."""
        bucket = self._buckets.get(resource)
        if bucket is None:
            return None
        return math.floor(min(rate.limit * _HOUR_MS / rate.interval for rate in bucket.rates))

    def close(self) -> None:
        """Close the shared file."""
        for bucket in self._buckets.values():
            bucket.close()


_LEAST_BURST = 5
"""So few pages at once disturb nobody, and most shops' stock has no more."""
_SPREAD_MS = 10_000
"""Centra's own shortest window. Whistl counts by the minute: a minute's pages sent at once would be
followed by the rest of that minute without any."""


def _taken(bucket: AbstractBucket, since_ms: int, rate: Rate) -> int:
    """Return how many units were taken since; the bucket keeps the newest first."""
    least, most = 0, rate.limit
    while least < most:
        middle = (least + most) // 2
        item = bucket.peek(middle)
        if isinstance(item, RateItem) and item.timestamp >= since_ms:
            least = middle + 1
        else:
            most = middle
    return least


def _in_lane(resource: str, lane: Lane) -> str:
    return f"{resource} for {lane}"


def stock_rates_of(limits: Sequence[Quota], share: float, stock_share: float) -> list[Rate]:
    """Return the rates of `Lane.STOCK`: a part of ours, none of it taken in one burst.

    Raises:
        ValueError: the part is not between 0 and 1.
    """
    if not 0 <= stock_share <= 1:
        raise ValueError(f"the share of stock lies between 0 and 1, not at {stock_share}")
    rates = rates_of(limits, share * stock_share)
    first = rates[0] if rates else None
    if first is not None and first.interval > _SPREAD_MS:
        # Rounded up: the longer rate holds all the same.
        spread = max(_LEAST_BURST, math.ceil(first.limit * _SPREAD_MS / first.interval))
        if spread < first.limit:
            return [Rate(spread, _SPREAD_MS), *rates]
    return rates


def rates_of(limits: Sequence[Quota], share: float) -> list[Rate]:
    """Return a share of each limit, never below one unit, shortest period first.

    The other system may say what it likes: the library refuses a long period that allows less than
    a short one, or more than the short one does over and over. Neither changes what is allowed.
    """
    rates: list[Rate] = []
    for quota in sorted(limits, key=lambda quota: quota.seconds):
        most, interval = max(1, math.floor(quota.units * share)), math.ceil(quota.seconds * 1000)
        if rates:
            most = min(most, rates[-1].limit * interval // rates[-1].interval)
        rates = [rate for rate in rates if rate.limit < most]
        rates.append(Rate(most, interval))
    return rates


def _bucket(table: str, rates: list[Rate], file: Path | None) -> AbstractBucket:
    if file is None:
        return InMemoryBucket(rates)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # The library leaves a file open that it cannot use; from Python 3.13 on that is a warning.
        with closing(sqlite3.connect(file)) as probe:
            probe.execute("PRAGMA schema_version")
        return SQLiteBucket.init_from_file(
            rates, table=table, db_path=str(file), use_file_lock=True
        )
    except sqlite3.Error as error:
        raise OSError(f"{file} cannot be used ({error}); it may be deleted") from error
