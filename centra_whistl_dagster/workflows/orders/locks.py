"""Lock in Centra the orders that Whistl has, so that nobody edits them unseen."""

from __future__ import annotations

from centra_whistl_dagster.domain.effects import back_off, must_owner_hear
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import exceptions, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.transport import AccessDenied, Refused
from centra_whistl_dagster.workflows.access import (
    CallGroup,
    is_permitted,
    note_permitted,
    note_refused,
)
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import take_in_alone

NOT_PERMITTED = Skipped("the token may not lock orders")
_REFUSED = ExceptionKind.LOCK_REFUSED
_LOCKED_TOGETHER = 50
"""Orders locked in one call, and noted as locked before the next."""


def lock_accepted_orders(link: Link) -> Tally:
    """Lock the orders Whistl has, then check whether one was edited just before.

    Once locked, an order is no longer among those that intake reads by time: an edit between
    sending and locking would be noticed a quarter of an hour later.

    An order that Centra refuses to lock is tried again less and less often, and its owner hears.
    A token that may not lock is not tried again. Either way the orders stay unlocked, and intake
    goes on reading them.

    Raises:
        IntegrationError: Centra could not be asked; the same orders are locked again next time,
            which does no harm. Those of earlier parts stay locked.
    """
    with link.ledger.reading() as tx:
        rows = orders.unlocked(tx)
    _resolve_over(link)
    tally = Tally(read=len(rows))
    for start in range(0, len(rows), _LOCKED_TOGETHER):
        _lock(link, rows[start : start + _LOCKED_TOGETHER], tally)
    return tally


def _lock(link: Link, rows: list[OrderRow], tally: Tally) -> None:
    ids = [row.centra_id for row in rows]
    refused = lock_if_permitted(link, ids, is_locked=True)
    if refused is None:
        tally.add(NOT_PERMITTED, len(rows))
        return
    locked = [centra_id for centra_id in ids if centra_id not in refused]
    # Those that Centra refuses too: one that was cancelled just now cannot be locked.
    records = list(link.centra.orders_with_ids(ids))
    with link.ledger.transaction() as tx:
        if locked:
            note_permitted(tx, CallGroup.LOCKS)
        orders.update(tx, locked, locked_at=tx.now, lock_attempts=0, lock_due_at=None)
        for row in rows:
            if row.centra_id in refused:
                _try_later(tx, row)
            elif row.lock_attempts:
                exceptions.resolve_order(tx, row.number, [_REFUSED])
        for record in records:
            take_in_alone(tx, link, record)
    tally.add(Fate.WRITTEN, len(locked))
    tally.add(Failed("refused by Centra"), len(refused))


def _try_later(tx: Transaction, row: OrderRow) -> None:
    attempts = row.lock_attempts + 1
    due_at = tx.now + back_off(attempts)
    orders.update(tx, [row.centra_id], lock_attempts=attempts, lock_due_at=due_at)
    if must_owner_hear(attempts):
        exceptions.about_order(
            tx,
            row,
            _REFUSED,
            f"Centra refused {attempts} times to lock order {row.number}, which Whistl has. Until "
            "it is locked, an edit in Centra is noticed only after Whistl may have packed it.",
            field="isLocked",
            contents="refused",
        )


def _resolve_over(link: Link) -> None:
    """Close what was opened about orders that need no lock any more."""
    with link.ledger.reading() as tx:
        reported = exceptions.unended_subjects(tx, _REFUSED)
        if not reported:
            return
        needed = {str(row.number) for row in orders.unlocked(tx, are_due=False)}
    if reported - needed:
        with link.ledger.transaction() as tx:
            exceptions.resolve_kind(tx, _REFUSED, except_subjects=needed)


def lock_if_permitted(link: Link, ids: list[str], *, is_locked: bool) -> set[str] | None:
    """Lock or unlock orders, and return those that Centra refuses; None where the token may not.

    Raises:
        IntegrationError: Centra could not be asked, or refuses the token as a whole.
    """
    with link.ledger.reading() as tx:
        if not is_permitted(tx, link.settings, CallGroup.LOCKS):
            return None
    try:
        return set_locks(link, ids, is_locked=is_locked)
    except AccessDenied as error:
        if not note_refused(link, CallGroup.LOCKS, error):
            raise
        return None


def set_locks(link: Link, ids: list[str], *, is_locked: bool) -> set[str]:
    """Lock or unlock orders, and return those that Centra refuses; they do not stop the others.

    Raises:
        IntegrationError: Centra could not be asked, or does not let us lock at all.
    """
    if not ids:
        return set()
    try:
        link.centra.lock_orders(ids, is_locked=is_locked)
    except AccessDenied:
        raise
    except Refused:
        if len(ids) == 1:
            return set(ids)
        middle = len(ids) // 2
        return set_locks(link, ids[:middle], is_locked=is_locked) | set_locks(
            link, ids[middle:], is_locked=is_locked
        )
    return set()
