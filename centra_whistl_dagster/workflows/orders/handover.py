"""One round of handing orders over to Whistl: pass on cancellations, send, lock, settle doubts.

After a gap in the ledger, what Whistl has is taken over first.

Cancellations are first: with each minute the warehouse is further. Look-ups are last: they wait for
a Whistl that may not answer, and what they settle is sent or cancelled in the next round, which the
ledger says is due at once. Locks follow each part of the sends: an order that Whistl has and that
is not locked can be edited unseen, and looks new to a ledger that has lost it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.after_gap import account_for_gap
from centra_whistl_dagster.workflows.orders.cancellation import pass_on_cancellations
from centra_whistl_dagster.workflows.orders.locks import lock_accepted_orders
from centra_whistl_dagster.workflows.orders.look_up import resolve_orders_in_doubt
from centra_whistl_dagster.workflows.orders.submission import submit_ready_orders
from centra_whistl_dagster.workflows.orders.unlocking import unlock_ended_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What each step of a round did."""

    accounted_for: Tally
    """After a gap in the ledger: orders that Whistl turned out to have."""
    cancelled: Tally
    sent: Tally
    locked: Tally
    unlocked: Tally
    looked_up: Tally


def hand_over(link: Link) -> HandedOver:
    """Do every step of a round, whatever becomes of the others: a cancellation cannot wait.

    Raises:
        IntegrationError: or any other first failure, after all steps were tried; later ones are
            notes on it.
    """
    failures: list[Exception] = []
    failed: list[Callable[[Link], Tally]] = []
    locked = Tally()

    def done(step: Callable[[Link], Tally]) -> Tally:
        try:
            return step(link)
        except Exception as error:  # noqa: BLE001 - raised below, once the other steps had their turn
            failures.append(error)
            failed.append(step)
            return Tally()

    def lock() -> None:
        if lock_accepted_orders not in failed:  # Centra is not asked for it again in this round
            locked.include(done(lock_accepted_orders))

    accounted_for = done(account_for_gap)
    cancelled = done(pass_on_cancellations)
    sent = done(lambda link: submit_ready_orders(link, after_part=lock))
    lock()  # what an earlier round has left
    round_ = HandedOver(
        accounted_for=accounted_for,
        cancelled=cancelled,
        sent=sent,
        locked=locked,
        unlocked=done(unlock_ended_orders),
        looked_up=done(resolve_orders_in_doubt),
    )
    if failures:
        first, *others = failures
        for other in others:
            first.add_note(f"and then: {other}")
        raise first
    return round_
