"""What a backtest's product knows of each SKU since its last sync, to tell what it must ask for."""

from __future__ import annotations

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints
from centra_whistl_dagster.domain.stock.availability import Reconciled
from centra_whistl_dagster.domain.stock.cadence import may_differ

_NEVER = -(2**60)


class Known:
    """The terms of each SKU's sum at its last sync, and Centra's level when it was read last."""

    def __init__(self, available: Ints) -> None:
        self.available = available.copy()
        """In the snapshot of the SKU's last sync."""
        self._wanted, self._held, self._left, self._shown = (
            np.full(len(available), _NEVER, dtype=np.int64) for _ in range(4)
        )

    def may_differ(self, where: Ints, steps: Reconciled) -> Bools:
        """Say which of some SKUs Centra must be asked for."""
        return may_differ(
            wanted=steps.physical,
            shown=self._shown[where],
            held=steps.ours.held,
            left=steps.ours.left,
            wanted_before=self._wanted[where],
            held_before=self._held[where],
            left_before=self._left[where],
        )

    def note(self, where: Ints, steps: Reconciled, available: Ints, is_asked: Bools) -> None:
        """Note a sync of some SKUs, and the levels of those of them that were read."""
        self.available[where] = available[where]
        self._wanted[where] = steps.physical
        self._held[where], self._left[where] = steps.ours.held, steps.ours.left
        self._shown[where[is_asked]] = steps.centra.physical[is_asked]
