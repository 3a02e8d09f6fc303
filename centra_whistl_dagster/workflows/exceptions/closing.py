"""Exceptions that end without a fact: by a person's word, or because advice is out of date."""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.endings import ENDS
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger.engine import Ledger, Transaction


class CannotClose(Exception):
    """The exception stays as it is; the text says why."""


def close_by_hand(ledger: Ledger, exception_id: int, *, who: str, note: str) -> str:
    """Close an exception that only a person can know to be over; return what it was about.

    Who closed it, when and why stays in the register. It opens again only if its cause changes, or
    if the cause was over and comes back.

    Raises:
        CannotClose: there is none of that number, it has ended, a fact alone ends its kind, or the
            note is blank.
    """
    with ledger.transaction() as tx:
        return close_in(tx, exception_id, who=who, note=note)


def close_in(tx: Transaction, exception_id: int, *, who: str, note: str) -> str:
    """Close an exception in a transaction that does more; otherwise as `close_by_hand`."""
    if not note.strip() or not who.strip():
        raise CannotClose("Say who closes it and what was done about it: both are kept.")
    row = exceptions.by_id(tx, exception_id)
    if row is None:
        raise CannotClose(f"There is no exception {exception_id}.")
    about = f"{row.kind} about {row.subject_type} {row.subject}"
    if row.resolved_at is not None:
        raise CannotClose(f"Exception {exception_id} ({about}) has ended already.")
    end = ENDS[row.kind]
    if not end.may_be_closed_by_hand:
        raise CannotClose(
            f"Exception {exception_id} ({about}) cannot be closed by hand: its cause is "
            f"checked again and again. It closes when {end.when}."
        )
    exceptions.close_by_hand(tx, row, who=who.strip(), note=note.strip())
    return about


def end_old_advice(ledger: Ledger) -> int:
    """Close advice that its owner has had for its whole time limit; return how much there was."""
    with ledger.transaction() as tx:
        return exceptions.end_old_advice(tx)
