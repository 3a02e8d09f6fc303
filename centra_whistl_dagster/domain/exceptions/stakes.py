"""What depends on an exception: the orders it concerns, and what they are worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from centra_whistl_dagster.domain.orders.states import FINAL, OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernedOrder:
    """One order that an exception blocks or concerns."""

    number: int
    """Centra's."""
    whistl_number: str
    state: OrderState
    currency: str
    grand_total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """The unfinished orders that an exception concerns, and their value."""

    order_numbers: tuple[int, ...] = ()
    """Ascending, without repeats."""
    blocked: int = 0
    """How many of the orders are not sent because of it."""
    value: Mapping[str, Decimal] = field(default_factory=dict)
    """The orders' totals by currency."""
    whistl_numbers: Mapping[int, str] = field(default_factory=dict)
    """Whistl's number of each order by Centra's, ascending. Finished orders are among them: people
    call Whistl about a parcel that has left too."""

    @property
    def value_in_words(self) -> str:
        """Return the value as people read it, such as `1,204.50 GBP and 80.00 EUR`."""
        return " and ".join(
            f"{amount:,.2f} {currency}" for currency, amount in sorted(self.value.items())
        )


def stake_of(orders: Iterable[ConcernedOrder]) -> Stake:
    """Add up unfinished orders; one that is named several times counts once."""
    named = {order.number: order for order in orders}
    waiting = {number: order for number, order in named.items() if order.state not in FINAL}
    value: dict[str, Decimal] = defaultdict(Decimal)
    for order in waiting.values():
        value[order.currency] += order.grand_total
    return Stake(
        order_numbers=tuple(sorted(waiting)),
        blocked=sum(order.state is OrderState.BLOCKED for order in waiting.values()),
        value=dict(value),
        whistl_numbers={number: named[number].whistl_number for number in sorted(named)},
    )
