"""Orders as a copy of the warehouse's books shows them, some seconds behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from centra_whistl_dagster.simulator.world.world import WhistlOrder, World


def as_shown(world: World, order: WhistlOrder) -> WhistlOrder:
    """Return an order as it was `whistl_status_lag_seconds` ago; its lines are those of now."""
    lag = timedelta(seconds=world.switch("whistl_status_lag_seconds"))
    history = [step for step in order.history if not lag or step[1] <= world.now() - lag]
    history = history or order.history[:1]
    hidden = len(order.history) - len(history)
    if not hidden:
        return order
    status, at = history[-1]
    return replace(
        order,
        status=status,
        status_version=order.status_version - hidden,
        history=history,
        updated_at=at,
    )
