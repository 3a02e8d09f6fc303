"""Trouble with a connection as such: told to its owner once it lasts, and closed when it is over.

Belongs here: when a failed call becomes an exception. Does not belong here: trying again
(`transport`), or what the failed step leaves for the next one (each workflow).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions, state
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, Refused
from centra_whistl_dagster.workflows.link import Link

LASTS = timedelta(seconds=60)
"""A hiccup that is over by then is not worth a person's time."""

_KINDS = [ExceptionKind.CREDENTIALS_REFUSED, ExceptionKind.SYSTEM_UNREACHABLE]


def note_trouble(link: Link, error: IntegrationError) -> None:
    """Remember that a system failed us, and tell its owner if that has lasted, or cannot pass."""
    now = link.now()
    with link.ledger.transaction() as tx:
        began = state.read(tx, _cursor(error.system))
        if not began:
            state.set_to(tx, _cursor(error.system), now.isoformat(), now=now)
        has_lasted = now - datetime.fromisoformat(began or now.isoformat()) >= LASTS
        if isinstance(error, AccessDenied):
            link.raise_exceptions(tx, [_problem(error, ExceptionKind.CREDENTIALS_REFUSED)])
        elif has_lasted and not isinstance(error, Refused):
            link.raise_exceptions(tx, [_problem(error, ExceptionKind.SYSTEM_UNREACHABLE)])


def note_answer(link: Link, system: str) -> None:
    """Remember that a system answered as it should; writes only where it had been in trouble."""
    with link.ledger.reading() as tx:
        if not state.read(tx, _cursor(system)):
            return
    with link.ledger.transaction() as tx:
        state.set_to(tx, _cursor(system), "", now=link.now())
        exceptions.resolve(tx, SubjectType.CONNECTION, system, kinds=_KINDS, now=link.now())


def _cursor(system: str) -> str:
    return f"trouble/{system}"


def _problem(error: IntegrationError, kind: ExceptionKind) -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.CONNECTION,
        subject=error.system,
        field=error.operation,
        value="",
        message=f"{error.system} could not be used: {error.detail}. {error.advice}".strip(),
    )
