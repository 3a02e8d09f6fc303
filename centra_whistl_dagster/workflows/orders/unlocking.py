"""Unlock in Centra the orders that Whistl has ended, so that people can edit them."""

from __future__ import annotations

from centra_whistl_dagster.domain.effects import back_off, must_owner_hear
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.tally import Failed, Fate, Tally
from centra_whistl_dagster.ledger import exceptions, orders, stops
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.locks import NOT_PERMITTED, lock_if_permitted

_AT_ONCE = 100


def unlock_ended_orders(link: Link) -> Tally:
    """Unlock in one batch the orders that we locked and that Whistl does not have any more.

    Raises:
        IntegrationError: Centra could not be asked; the same orders are unlocked next time.
    """
    with link.ledger.reading() as tx:
        rows = stops.to_be_unlocked(tx, limit=_AT_ONCE)
    tally = Tally(read=len(rows))
    refused = lock_if_permitted(link, [row.centra_id for row in rows], is_locked=False)
    if refused is None:
        tally.add(NOT_PERMITTED, len(rows))
        return tally
    with link.ledger.transaction() as tx:
        for row in rows:
            if row.centra_id in refused:
                _try_later(tx, row)
            else:
                _note_unlocked(tx, row)
    tally.add(Fate.WRITTEN, len(rows) - len(refused))
    tally.add(Failed("refused by Centra"), len(refused))
    return tally


def _note_unlocked(tx: Transaction, row: OrderRow) -> None:
    """Note that nobody is kept from editing an order any more."""
    orders.update(tx, [row.centra_id], locked_at=None, unlock_attempts=0, unlock_due_at=None)
    exceptions.resolve_order(tx, row.number, [ExceptionKind.UNLOCK_REFUSED])


def _try_later(tx: Transaction, row: OrderRow) -> None:
    attempts = row.unlock_attempts + 1
    due_at = tx.now + back_off(attempts)
    orders.update(tx, [row.centra_id], unlock_attempts=attempts, unlock_due_at=due_at)
    if must_owner_hear(attempts):
        exceptions.about_order(
            tx,
            row,
            ExceptionKind.UNLOCK_REFUSED,
            f"Centra refused {attempts} times to unlock order {row.number}, which Whistl has "
            "ended. Until it is unlocked in Centra, nobody can edit it there.",
            field="isLocked",
            contents=row.whistl_number,
        )
