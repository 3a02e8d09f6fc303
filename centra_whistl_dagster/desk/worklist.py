"""The worklist `/` and one exception `/exceptions/{id}`, with what a person may do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from centra_whistl_dagster.desk.visits import Visit, go_to
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import TEAMS, Owner
from centra_whistl_dagster.domain.exceptions.worklist import Part, Snooze
from centra_whistl_dagster.ledger.worklist import Selection
from centra_whistl_dagster.workflows.exceptions import working
from centra_whistl_dagster.workflows.exceptions.worklist import read_item, read_worklist

_E = TypeVar("_E", bound=StrEnum)

_PARTS: Mapping[Part, str] = MappingProxyType(
    {Part.OVERDUE: "Overdue", Part.DUE: "In time", Part.SNOOZED: "Snoozed"}
)


def worklist(visit: Visit) -> Response:
    """Show open exceptions, the most overdue first; the address says which."""
    wanted = Selection(
        part=_member(Part, visit.asked("part")),
        owner=_member(Owner, visit.asked("team")),
        kind=_member(ExceptionKind, visit.asked("kind")),
        taken_by=visit.visitor.name if visit.asked("mine") and visit.visitor.name else None,
    )
    asked_page = visit.asked("page")
    page = int(asked_page) if asked_page.isascii() and asked_page.isdecimal() else 1
    found = read_worklist(visit.installation, wanted, page=min(page, 1_000_000))
    return visit.render(
        "worklist.html",
        found=found,
        teams=TEAMS,
        parts=_PARTS,
        link=lambda **changes: _address(wanted, changes),
        kinds=visit.installation.configuration.exception_kinds,
        snoozes=list(Snooze),
    )


def _address(wanted: Selection, changes: Mapping[str, object]) -> str:
    """Return the address of the same list with some filters changed; a filter of None is off."""
    filters: dict[str, object] = {
        "team": wanted.owner,
        "part": wanted.part,
        "kind": wanted.kind,
        "mine": "yes" if wanted.taken_by else None,
    }
    kept = {name: value for name, value in (filters | dict(changes)).items() if value}
    return f"/?{urlencode(kept)}" if kept else "/"


def exception(visit: Visit) -> Response:
    """Show one exception, open or not."""
    item = read_item(visit.installation, visit.number("id"))
    if item is None:
        raise HTTPException(404, "There is no exception of this number.")
    return visit.render("exception.html", item=item, teams=TEAMS, snoozes=list(Snooze))


def act(visit: Visit) -> Response:
    """Carry out what a form asks for, and show the exception."""
    exception_id = visit.number("id")
    ledger, person = visit.installation.ledger, visit.person
    note = visit.form.get("note", "")
    length = _member(Snooze, visit.form.get("length", "")) or Snooze.ONE_HOUR
    acts: dict[str, Callable[[], str]] = {
        "take": lambda: working.take(ledger, exception_id, person),
        "give_back": lambda: working.give_back(ledger, exception_id, person),
        "note": lambda: working.add_note(ledger, exception_id, person, note),
        "snooze": lambda: working.snooze(ledger, exception_id, person, length),
        "wake": lambda: working.wake(ledger, exception_id, person),
        "recheck": lambda: working.recheck(ledger, exception_id, person),
        "close": lambda: working.close(ledger, exception_id, person, note),
    }
    chosen = acts.get(visit.request.path_params["action"])
    if chosen is None:
        raise HTTPException(404, "There is no such action.")
    chosen()
    return go_to(f"/exceptions/{exception_id}")


def _member(kind: type[_E], text: str) -> _E | None:
    """Return the member of an enumeration that a text names; None where it names none."""
    return next((member for member in kind if member.value == text), None)
