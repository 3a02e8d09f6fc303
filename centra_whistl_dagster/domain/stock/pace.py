"""How much of Centra's stock a sync may read again, and how old stock gets at the systems' limits.

A rate is (units, seconds): so many requests in any period of so many seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

Rates = Sequence[tuple[int, float]]

READINGS_OF_A_FULL_SYNC = 3
"""Before writing; after it, to compare the systems; and again where a difference has no cause."""
_SHARE_OF_LEVELS = 0.5
"""Of the stock lane. The rest is for partial syncs, writes and the catalogue."""
_SKUS_OF_A_BATCH = 100
_REQUESTS_OF_A_BATCH = 2
_FULL_READ_MINUTES = 60.0
"""A window of this length bounds what can be done for ever; the shorter ones only spread it."""


def seconds_to_send(requests: int, rates: Rates) -> float:
    """Return how long requests wait for their turn, from the first to the last of them."""
    return max((max(requests - 1, 0) // units * seconds for units, seconds in rates), default=0.0)


def pages_of_a_reading(requests_an_hour: int, full_sync_minutes: int) -> int:
    """Return how many pages of Centra's levels one reading of a full sync may take.

    Args:
        requests_an_hour: of the stock lane.
        full_sync_minutes: from one full sync to the next.
    """
    of_a_sync = requests_an_hour * _SHARE_OF_LEVELS * full_sync_minutes / 60
    return max(1, int(of_a_sync / READINGS_OF_A_FULL_SYNC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """How large a shop is, and how its two systems may be called for stock."""

    skus: int
    changed_share: float
    """Of the SKUs, those that move between two full syncs."""
    whistl_page: int
    """Rows of a page."""
    whistl_rates: Rates
    centra_page: int
    centra_rates: Rates
    """The longest of an hour."""
    full_sync_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the limits make of it."""

    snapshot_minutes: float
    """To read a snapshot from Whistl."""
    levels_minutes: float
    """To read Centra's levels before writing."""
    write_minutes: float
    """To write what has changed and read it back."""
    between_syncs_minutes: float
    """From one full sync to the next, no shorter than it takes."""
    all_levels_minutes: float | None
    """In which every level is read again, those that nothing is known to have moved included. None:
    even the levels that have moved cannot all be read."""

    @property
    def written_after_minutes(self) -> float:
        """From Whistl counting its stock to the last figure being in Centra."""
        return self.snapshot_minutes + self.levels_minutes + self.write_minutes

    @property
    def oldest_minutes(self) -> float:
        """The age of a figure in Centra just before the next full sync replaces it."""
        return self.between_syncs_minutes + self.written_after_minutes


def pace_of(shop: Shop) -> Pace:
    """Work out how old stock gets, if nothing but the limits takes time."""
    changed = ceil(shop.skus * shop.changed_share)
    pages = ceil(shop.skus / shop.centra_page)
    hourly = shop.centra_rates[-1][0]
    most = min(pages, pages_of_a_reading(hourly, shop.full_sync_minutes))
    batches = ceil(changed / _SKUS_OF_A_BATCH)
    snapshot = seconds_to_send(ceil(shop.skus / shop.whistl_page), shop.whistl_rates) / 60
    short = [(units, seconds) for units, seconds in shop.centra_rates if seconds < 3600] or list(
        shop.centra_rates
    )
    levels = seconds_to_send(most, short) / 60
    writes = seconds_to_send(batches * _REQUESTS_OF_A_BATCH, short) / 60
    needed = READINGS_OF_A_FULL_SYNC * most + batches * _REQUESTS_OF_A_BATCH
    between = max(
        float(shop.full_sync_minutes),
        snapshot + levels + writes,
        needed / hourly * _FULL_READ_MINUTES,
    )
    # The reading after writing goes on where the one before it ended; the third is seldom needed.
    read = 2 * (most * shop.centra_page - changed)
    return Pace(
        snapshot_minutes=snapshot,
        levels_minutes=levels,
        write_minutes=writes,
        between_syncs_minutes=between,
        all_levels_minutes=None
        if read <= 0
        else between
        if most == pages
        else ceil(shop.skus / read) * between,
    )
