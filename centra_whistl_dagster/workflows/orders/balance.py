"""Whether Centra and the ledger count the same open orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.workflows.link import Link

_ON_THE_WAY = timedelta(minutes=2)
"""Younger orders may not have been read yet."""
_JUST_ENDED = timedelta(seconds=30)
"""Centra and the ledger do not see an order end in the same instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Open orders, counted on both sides."""

    in_centra: int
    in_ledger: int
    just_ended: int
    """Orders that ended in the last seconds, by which the counts may differ."""

    @property
    def is_even(self) -> bool:
        """Whether the counts agree but for orders on their way."""
        return abs(self.in_centra - self.in_ledger) <= self.just_ended


def compare_with_centra(link: Link) -> Balance:
    """Count confirmed and processing orders in Centra, and the same in the ledger.

    Raises:
        IntegrationError: Centra could not be asked.
    """
    placed_before = link.now() - _ON_THE_WAY
    in_centra = link.centra.count_open_orders(placed_before)
    with link.ledger.reading() as tx:
        return Balance(
            in_centra=in_centra,
            in_ledger=orders.count_open_in_centra(tx, placed_before=placed_before),
            just_ended=orders.count_ended_since(tx, link.now() - _JUST_ENDED),
        )
