"""What the ledger says is waiting to be done, so that a job starts only when there is work."""

from __future__ import annotations

from dataclasses import dataclass, fields

from centra_whistl_dagster.domain.orders.breaker import BreakerState
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import (
    breaker,
    despatches,
    generations,
    orders,
    stops,
    submissions,
)
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import FINISHED_PARCELS, ParcelState
from centra_whistl_dagster.workflows.access import CallGroup, is_permitted
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.rechecks import is_recheck_due
from centra_whistl_dagster.workflows.orders.screening import is_rescreening_due
from centra_whistl_dagster.workflows.orders.status_sweep import is_sweep_due
from centra_whistl_dagster.workflows.reference.refresh import waits_for_reference
from centra_whistl_dagster.workflows.shipments.despatches import count_to_read_again
from centra_whistl_dagster.workflows.shipments.shipped_by_hand import to_be_checked


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersDue:
    """How many orders are due for each step."""

    to_screen: int
    to_screen_again: int
    """1 when blocked orders are to be screened again, else 0."""
    to_send: int
    to_look_up: int
    to_lock: int
    to_cancel: int
    to_unlock: int
    to_compare: int
    """1 when sent orders are to be compared with Centra again, else 0."""
    to_account_for: int
    """1 when Whistl is to be asked, after a gap in the ledger, for orders unknown to it."""

    @property
    def total(self) -> int:
        """All steps together."""
        return sum(getattr(self, step.name) for step in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelsDue:
    """How many despatch messages, parcels and statuses are due for their next step."""

    to_match: int
    to_write: int
    to_check: int
    """Parcels of faulty messages that somebody may have shipped in Centra by hand."""
    to_compare: int
    """1 when open orders are to be compared with Whistl again, else 0."""
    to_compare_after_gap: int
    """1 when parcels are to be compared with Centra after a gap in the ledger."""
    to_read_again: int
    """Reasons to read Whistl's messages again: unreadable, left out of the feed, missing."""

    @property
    def total(self) -> int:
        """All steps together."""
        return sum(getattr(self, step.name) for step in fields(self))


def orders_due(link: Link) -> OrdersDue:
    """Count the orders that a relay would move on."""
    to_compare = int(is_recheck_due(link))
    can_screen = not waits_for_reference(link)
    to_screen_again = int(can_screen and is_rescreening_due(link))
    in_question = [OrderState.SENDING, OrderState.IN_DOUBT]
    with link.ledger.reading() as tx:
        may_lock = is_permitted(tx, link.settings, CallGroup.LOCKS)
        return OrdersDue(
            to_screen=len(orders.in_states(tx, [OrderState.RECEIVED])) if can_screen else 0,
            to_screen_again=to_screen_again,
            to_send=_to_send(tx),
            to_look_up=len(orders.in_states(tx, in_question, are_due=True)),
            to_lock=len(orders.unlocked(tx)) if may_lock else 0,
            to_cancel=len(stops.to_be_stopped(tx)),
            to_unlock=len(stops.to_be_unlocked(tx)) if may_lock else 0,
            to_compare=to_compare,
            to_account_for=int(generations.is_sweep_due(tx)),
        )


def _to_send(tx: Transaction) -> int:
    """Count the orders to send; none while Whistl does not answer and no probe is due."""
    if breaker.read(tx).state(tx.now) is BreakerState.OPEN:
        return 0
    refused = len(submissions.refused_due(tx))
    return refused + len(orders.in_states(tx, [OrderState.READY], are_due=True))


def parcels_due(link: Link) -> ParcelsDue:
    """Count the despatches and parcels that a relay would move on."""
    to_compare = int(is_sweep_due(link))
    unfinished = [state for state in ParcelState if state not in FINISHED_PARCELS]
    with link.ledger.reading() as tx:
        may_write = is_permitted(tx, link.settings, CallGroup.SHIPMENTS)
        return ParcelsDue(
            to_match=despatches.count_to_apply(tx),
            to_write=len(despatches.parcels_due(tx, unfinished)) if may_write else 0,
            to_check=len(to_be_checked(tx)),
            to_compare=to_compare,
            to_compare_after_gap=int(generations.is_parcel_check_due(tx)),
            to_read_again=count_to_read_again(link, tx),
        )
