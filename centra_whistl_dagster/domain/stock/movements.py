"""Movements of Whistl's stock that are not demand: clear-outs, stock-takes, moves, corrections.

Between two snapshots both look alike: units are gone that no order of ours took. Counted as demand,
one clear-out would keep thousands of SKUs on the shortest interval for weeks, and one stock-take
would decide the buffers. Three things tell them apart: a person had to release the snapshot, far
more SKUs fell at once than usually do, or a SKU lost at once far more than an order takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Ints

INTERVALS_KEPT = 50
"""That tell how many SKUs usually fall between two snapshots."""
_FEW_SKUS = 10
_SHARE_OF_SKUS = 0.2
"""Of the catalogue: no order of another channel has lines for so many."""
_TIMES_USUAL = 5


def is_bulk(fallen: int, skus: int, usually_fallen: Sequence[int]) -> bool:
    """Say whether so many SKUs fell between two snapshots that it was no demand.

    Args:
        fallen: SKUs of which units went unseen.
        skus: in both snapshots.
        usually_fallen: the same of earlier intervals, bulk ones too: where many fall each time,
            many falling is demand.
    """
    usual = median(usually_fallen) if usually_fallen else 0
    return fallen > max(_FEW_SKUS, _SHARE_OF_SKUS * skus, _TIMES_USUAL * usual)


def demand_of(unseen: Ints, available: Ints, most_usual: Ints) -> Ints:
    """Return the part of unseen units that counts as demand, SKU by SKU.

    Args:
        unseen: units that went between two snapshots.
        available: in the later one. A SKU that was emptied at once by more than any usual order was
            taken away, not sold.
        most_usual: units above which an order is no longer usual; of a larger one these count, so
            that orders which become larger are learnt.
    """
    is_taken_away = (unseen > most_usual) & (available <= 0)
    units: Ints = np.where(is_taken_away, 0, np.minimum(unseen, most_usual))
    return units
