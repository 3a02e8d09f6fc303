"""One round of handing orders over to Whistl: settle doubts, send, lock, call back.

Belongs here: that one step's failure keeps none of the others from being done. Does not belong
here: any of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.cancellation import pass_on_cancellations
from centra_whistl_dagster.workflows.orders.locks import lock_accepted_orders
from centra_whistl_dagster.workflows.orders.look_up import resolve_orders_in_doubt
from centra_whistl_dagster.workflows.orders.submission import submit_ready_orders
from centra_whistl_dagster.workflows.orders.unlocking import unlock_ended_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What each step of a round did."""

    looked_up: Tally
    sent: Tally
    locked: Tally
    cancelled: Tally
    unlocked: Tally


def hand_over(link: Link) -> HandedOver:
    """Do every step of a round, whatever becomes of the others: a cancellation cannot wait.

    Raises:
        IntegrationError: or any other first failure, after all steps were tried; later ones are
            notes on it.
    """
    failures: list[Exception] = []

    def done(step: Callable[[Link], Tally]) -> Tally:
        try:
            return step(link)
        except Exception as error:  # noqa: BLE001 - raised below, once the other steps had their turn
            failures.append(error)
            return Tally()

    round_ = HandedOver(
        looked_up=done(resolve_orders_in_doubt),
        sent=done(submit_ready_orders),
        locked=done(lock_accepted_orders),
        cancelled=done(pass_on_cancellations),
        unlocked=done(unlock_ended_orders),
    )
    if failures:
        first, *others = failures
        for other in others:
            first.add_note(f"and then: {other}")
        raise first
    return round_
