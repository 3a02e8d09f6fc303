"""Stock policies by name, to compare: the product's own, and those of other integrations."""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.cadence import CadencePolicy
from centra_whistl_dagster.domain.stock.policy import StockPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A policy by name."""

    name: str
    policy: StockPolicy
    ignores_in_flight: bool = False
    """Lets the shop sell all that Whistl has available, orders that Whistl does not know yet
    included: a common fault, to compare with."""


def fixed(name: str, minutes: int, *, flat_buffer: int = 0, in_flight: bool = True) -> Strategy:
    """Return another integration's policy: one interval and one fixed buffer for every SKU."""
    return Strategy(
        name=name,
        policy=StockPolicy(
            buffer=BufferPolicy(floor_units=flat_buffer, cap_units=flat_buffer),
            cadence=CadencePolicy(ladder_minutes=(minutes,)),
        ),
        ignores_in_flight=not in_flight,
    )


RIVALS = {
    strategy.name: strategy
    for strategy in (
        fixed("hourly-naive", 60, in_flight=False),
        fixed("hourly", 60),
        fixed("15-min", 15),
        fixed("5-min", 5),
        fixed("1-min", 1),
        fixed("hourly-buffer-10", 60, flat_buffer=10),
    )
}
