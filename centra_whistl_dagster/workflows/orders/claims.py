"""Claim orders for sending: read once more, judged once more, an intent before the call.

An order that was held, cancelled or changed since it was screened, or whose shipping option,
service, SKUs or policy were, goes back instead of out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.generations import CALLS_LAST, Witness
from centra_whistl_dagster.domain.orders.order import Order, content_hash
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Skipped
from centra_whistl_dagster.ledger import generations, order_contents, orders, submissions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.screening.basis import basis_of
from centra_whistl_dagster.whistl.mapping import payload_hash, with_instructions
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import UNREADABLE_TRIED_AGAIN, take_in
from centra_whistl_dagster.workflows.orders.readings import may_be_sent
from centra_whistl_dagster.workflows.orders.screening import reference_for

CLAIM_LASTS = CALLS_LAST
"""Longer than any call may take: an intent still open after this belongs to a process that died."""
CHANGED = Skipped("changed since it was screened")
_LOOKED_UP_FIRST = Skipped("looked up first, after a gap in the ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """An order that is ready, as Centra shows it now, and what its verdict rests on now."""

    row: OrderRow
    order: Order | UnreadableOrder | None
    """None when Centra does not show it any more."""
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One order that this process, and no other, is sending."""

    row: OrderRow
    intent_id: int
    body: dict[str, Any]
    payload_hash: str
    effect: Witness
    """What the witness must know before the call."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt with the same contents."""
        return f"{self.row.whistl_number}-{self.payload_hash[:24]}"


def read_again(link: Link, rows: Sequence[OrderRow]) -> list[Current]:
    """Read orders from Centra and the ledger as they are now.

    Raises:
        IntegrationError: Centra could not be asked.
    """
    records = list(link.centra.orders_with_ids([row.centra_id for row in rows]))
    found = {str(record.number): record for record in records}
    judged_by = reference_for(link, [record for record in records if isinstance(record, Order)])
    orders_now = [(row, found.get(str(row.number)) or found.get(row.centra_id)) for row in rows]
    return [
        Current(
            row=row,
            order=order,
            basis=basis_of(order, judged_by) if isinstance(order, Order) else "",
        )
        for row, order in orders_now
    ]


def claim(link: Link, current: Current) -> Claim | Skipped:
    """Write the intent to send an order, or say why it does not go now.

    One that is no longer what was screened goes back. One that may have been sent in a gap of the
    ledger is put in doubt: it is looked up before it is sent.
    """
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, current.row.centra_id)
        if fresh is None or fresh.state is not OrderState.READY:
            return CHANGED
        if not _may_go(tx, link, fresh, current):
            return CHANGED
        looks_first = generations.must_be_looked_up(tx, fresh)
        body = _body(tx, link, current)
        digest = payload_hash(body)
        orders.move(
            tx,
            fresh,
            OrderState.SENDING,
            reason="being sent",
            due_at=tx.now + CLAIM_LASTS,
            sent_hash=fresh.content_hash,
            # Centra lets it go now: an earlier cancellation has been taken back.
            cancel_wanted_at=None,
            # A stop was planned of what may have been at Whistl, and was not; it goes as it is now.
            stop_for=None,
            stop_due_at=None,
            stop_asked_at=None,
            stop_attempts=0,
        )
        intent_id = submissions.open_intent(
            tx,
            centra_id=fresh.centra_id,
            whistl_number=fresh.whistl_number,
            payload_hash=digest,
        )
        if looks_first:
            _look_up_first(tx, fresh.centra_id, intent_id)
            return _LOOKED_UP_FIRST
        effect = generations.count_effect(tx)
    return Claim(row=fresh, intent_id=intent_id, body=body, payload_hash=digest, effect=effect)


def _look_up_first(tx: Transaction, centra_id: str, intent_id: int) -> None:
    """Treat an order as if the answer to its call had been lost: in the gap, perhaps it was."""
    row = orders.find(tx, centra_id)
    if row is None:
        raise LookupError(f"order {centra_id} vanished from the ledger")
    detail = "after a gap in the ledger"
    submissions.settle(tx, intent_id, SubmissionOutcome.LOOKED_UP_FIRST, detail=detail)
    reason = _LOOKED_UP_FIRST.reason
    orders.move(tx, row, OrderState.IN_DOUBT, reason=reason, due_at=tx.now)


def _may_go(tx: Transaction, link: Link, fresh: OrderRow, current: Current) -> bool:
    """Say whether an order is still what was screened; otherwise move it where it belongs."""
    order = current.order
    if order is None:
        orders.move(tx, fresh, OrderState.WAITING, reason="Centra does not show it any more")
        return False
    if isinstance(order, UnreadableOrder):
        take_in(tx, link, order)
        orders.update(tx, [fresh.centra_id], due_at=tx.now + UNREADABLE_TRIED_AGAIN)
        return False
    if content_hash(order) != fresh.content_hash or not may_be_sent(link, order, fresh):
        take_in(tx, link, order)
        return False
    if current.basis != fresh.screened_against:
        reason = "what it was screened against has changed"
        orders.move(tx, fresh, OrderState.RECEIVED, reason=reason, due_at=None)
        return False
    if not order_contents.has_outgoing(tx, fresh.centra_id):
        reason = "no request for Whistl is stored"
        orders.move(tx, fresh, OrderState.RECEIVED, reason=reason, due_at=None)
        return False
    return True


def _body(tx: Transaction, link: Link, current: Current) -> dict[str, Any]:
    body = order_contents.outgoing(tx, current.row.centra_id)
    if not isinstance(current.order, Order) or not link.settings.sends_order_comment:
        return body
    return with_instructions(body, current.order.other_comment)
