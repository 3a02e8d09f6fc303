"""What hangs on an exception: the orders it concerns, and what they are worth.

Belongs here: counting and adding up. Does not belong here: finding the orders (`ledger`), or the
alert that tells of them (`alerts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from centra_whistl_dagster.domain.orders.states import FINAL, OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernedOrder:
    """One order that an exception keeps, or concerns."""

    number: int
    """Centra's."""
    state: OrderState
    currency: str
    grand_total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """Orders that have not come to their end, and what they add up to."""

    order_numbers: tuple[int, ...] = ()
    """Ascending, each once."""
    blocked: int = 0
    """How many of them have not been sent because of it."""
    value: Mapping[str, Decimal] = field(default_factory=dict)
    """Their totals by currency."""

    @property
    def value_in_words(self) -> str:
        """Return the value as people read it, such as `1,204.50 GBP and 80.00 EUR`."""
        return " and ".join(
            f"{amount:,.2f} {currency}" for currency, amount in sorted(self.value.items())
        )


def stake_of(orders: Iterable[ConcernedOrder]) -> Stake:
    """Add up orders; one that several exceptions name counts once, a finished one not at all."""
    waiting = {order.number: order for order in orders if order.state not in FINAL}
    value: dict[str, Decimal] = defaultdict(Decimal)
    for order in waiting.values():
        value[order.currency] += order.grand_total
    return Stake(
        order_numbers=tuple(sorted(waiting)),
        blocked=sum(order.state is OrderState.BLOCKED for order in waiting.values()),
        value=dict(value),
    )
