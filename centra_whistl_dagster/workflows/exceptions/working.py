"""What a person does about an exception at the desk: each act and its record in one transaction."""

from __future__ import annotations

from collections.abc import Callable

from centra_whistl_dagster.domain.desk_roles import Person
from centra_whistl_dagster.domain.exceptions.endings import FOUND_BY_SCREENING
from centra_whistl_dagster.domain.exceptions.rechecks import Recheck, recheck_of
from centra_whistl_dagster.domain.exceptions.worklist import Snooze
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import desk_actions, exceptions, order_story, worklist
from centra_whistl_dagster.ledger.engine import Ledger, Transaction
from centra_whistl_dagster.ledger.rows import ExceptionRow, OrderRow
from centra_whistl_dagster.ledger.states import DeskAction, DeskSubject
from centra_whistl_dagster.workflows.exceptions.closing import CannotClose, close_in
from centra_whistl_dagster.workflows.orders.by_hand import screen_again, try_now

LONGEST_NOTE = 1000
"""Characters."""
_RECHECKED_AT_ONCE = 200
"""Orders. Each takes a moment of the ledger's one writer; another request takes the rest:
those checked again are not blocked any more. An order in doubt has an exception of its own."""
_WAITS_IN = {Recheck.SCREEN: OrderState.BLOCKED, Recheck.LOOK_UP: OrderState.IN_DOUBT}


class CannotAct(Exception):
    """Nothing was changed; the text says why."""


def take(ledger: Ledger, exception_id: int, person: Person) -> str:
    """Work on an exception from now on, also where somebody else did."""

    def act(tx: Transaction, row: ExceptionRow) -> str:
        before = worklist.work_on(tx, [row.id]).get(row.id)
        worklist.set_work(tx, row.id, taken_by=person.name, taken_at=tx.now)
        former = before.taken_by if before else None
        return f"Taken over from {former}." if former not in {None, person.name} else "Taken."

    return _acted(ledger, exception_id, person, DeskAction.TAKE, act)


def give_back(ledger: Ledger, exception_id: int, person: Person) -> str:
    """Let somebody else work on an exception."""

    def act(tx: Transaction, row: ExceptionRow) -> str:
        worklist.set_work(tx, row.id, taken_by=None, taken_at=None)
        return "Given back: nobody works on it now."

    return _acted(ledger, exception_id, person, DeskAction.GIVE_BACK, act)


def add_note(ledger: Ledger, exception_id: int, person: Person, note: str) -> str:
    """Keep a note with an exception.

    Raises:
        CannotAct: the note is blank or too long, or the exception is over.
    """
    kept = checked_note(note)
    return _acted(
        ledger, exception_id, person, DeskAction.NOTE, lambda _tx, _row: "Note kept.", note=kept
    )


def snooze(ledger: Ledger, exception_id: int, person: Person, length: Snooze) -> str:
    """Put an exception out of sight in the worklist. Its time limit and its alerts go on."""

    def act(tx: Transaction, row: ExceptionRow) -> str:
        until = length.until(tx.now)
        worklist.set_work(tx, row.id, snoozed_by=person.name, snoozed_until=until)
        return f"Snoozed until {until.astimezone(LONDON):%H:%M on %d %b}."

    return _acted(ledger, exception_id, person, DeskAction.SNOOZE, act)


def wake(ledger: Ledger, exception_id: int, person: Person) -> str:
    """End a snooze."""

    def act(tx: Transaction, row: ExceptionRow) -> str:
        worklist.set_work(tx, row.id, snoozed_by=None, snoozed_until=None)
        return "No longer snoozed."

    return _acted(ledger, exception_id, person, DeskAction.WAKE, act)


def close(ledger: Ledger, exception_id: int, person: Person, note: str) -> str:
    """Close an exception that only a person can know to be over.

    Raises:
        CannotAct: as `close_by_hand`, or the note is too long.
    """
    kept = checked_note(note)

    def act(tx: Transaction, row: ExceptionRow) -> str:
        close_in(tx, row.id, who=person.name, note=kept)
        return "Closed."

    return _acted(ledger, exception_id, person, DeskAction.CLOSE, act, note=kept)


def recheck(ledger: Ledger, exception_id: int, person: Person) -> str:
    """Have the orders that wait for an exception checked again in the next round.

    An order that Whistl has seen is never sent by this: only orders that wait for nothing but
    screening are screened again, and an order in doubt is looked up.

    Raises:
        CannotAct: every round checks this kind by itself, or no order of it can be checked.
    """

    def act(tx: Transaction, row: ExceptionRow) -> str:
        how = recheck_of(row.kind)
        if how is None:
            raise CannotAct(
                f"Exception {row.id} needs no re-check: its cause is checked automatically."
            )
        state = _WAITS_IN[how]
        waiting = worklist.orders_of(tx, row, state=state, limit=_RECHECKED_AT_ONCE)
        checked = sum(_rechecked(tx, order, how, person) for order in waiting)
        if not checked:
            raise CannotAct(
                f"No order of exception {row.id} can be checked again: each waits for something "
                "else too, or is being checked already."
            )
        orders = "1 order is" if checked == 1 else f"{checked} orders are"
        return f"{orders} {how} in the next round."

    return _acted(ledger, exception_id, person, DeskAction.RECHECK, act)


def _rechecked(tx: Transaction, order: OrderRow, how: Recheck, person: Person) -> bool:
    note = f"{person.name}: re-check asked for at the desk"
    if how is Recheck.LOOK_UP:
        if order.due_at is None:
            return False
        try_now(tx, order, note=note)
        return True
    was_never_sent = order.submitted_at is None and order.screened_at is not None
    if not was_never_sent:
        return False
    keep = {row.kind for row in order_story.exceptions_of(tx, order) if row.resolved_at is None}
    if keep - set(FOUND_BY_SCREENING):
        return False
    screen_again(tx, order, note=note)
    return True


def _acted(
    ledger: Ledger,
    exception_id: int,
    person: Person,
    action: DeskAction,
    act: Callable[[Transaction, ExceptionRow], str],
    *,
    note: str = "",
) -> str:
    """Act on an open exception and record it; return what followed, in words."""
    with ledger.transaction() as tx:
        row = exceptions.by_id(tx, exception_id)
        if row is None:
            raise CannotAct(f"There is no exception {exception_id}.")
        if row.resolved_at is not None:
            raise CannotAct(f"Exception {exception_id} is over: it was resolved meanwhile.")
        try:
            result = act(tx, row)
        except CannotClose as error:
            raise CannotAct(str(error)) from error
        subject = str(row.id)
        desk_actions.record(
            tx, person, action, DeskSubject.EXCEPTION, subject, note=note, result=result
        )
    return result


def checked_note(note: str) -> str:
    """Return a note as it is kept.

    Raises:
        CannotAct: it is blank or too long.
    """
    kept = note.strip()
    if not kept:
        raise CannotAct("The note is blank: say what was done, without names of customers.")
    if len(kept) > LONGEST_NOTE:
        raise CannotAct(f"The note exceeds {LONGEST_NOTE} characters.")
    return kept
