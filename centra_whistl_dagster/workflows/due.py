"""What the ledger says is waiting to be done, so that work is started only when there is some."""

from __future__ import annotations

from dataclasses import dataclass, fields

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches, orders
from centra_whistl_dagster.ledger.despatches import ParcelState
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.screening import is_another_look_due


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersDue:
    """Orders that need the next step now, by the step."""

    to_screen: int
    to_look_at_again: int
    to_send: int
    to_look_up: int
    to_lock: int
    to_cancel: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelsDue:
    """Despatch messages and parcels that need the next step now."""

    to_match: int
    to_write: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.to_match + self.to_write


def orders_due(link: Link) -> OrdersDue:
    """Count the orders that a relay would move on."""
    now = link.now()
    looks_again = int(is_another_look_due(link))
    with link.ledger.reading() as tx:
        return OrdersDue(
            to_screen=len(orders.in_states(tx, [OrderState.RECEIVED])),
            to_look_at_again=looks_again,
            to_send=len(orders.in_states(tx, [OrderState.READY], due_by=now)),
            to_look_up=len(
                orders.in_states(tx, [OrderState.SENDING, OrderState.IN_DOUBT], due_by=now)
            ),
            to_lock=len(orders.unlocked(tx, due_by=now)),
            to_cancel=len(orders.to_be_cancelled(tx, due_by=now)),
        )


def parcels_due(link: Link) -> ParcelsDue:
    """Count the despatches and parcels that a relay would move on."""
    with link.ledger.reading() as tx:
        states = [state for state in ParcelState if state is not ParcelState.COMPLETED]
        return ParcelsDue(
            to_match=despatches.count_to_apply(tx),
            to_write=len(despatches.parcels_due(tx, states, due_by=link.now())),
        )
