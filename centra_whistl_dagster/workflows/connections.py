"""Trouble with a connection: its owner is alerted once it lasts, and it closes when it is over."""

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
    """Remember that a system failed, and alert its owner if that has lasted or cannot pass."""
    with link.ledger.transaction() as tx:
        began = state.read(tx, _began(error.system)) or ""
        if not began:
            state.set_to(tx, _began(error.system), tx.now.isoformat())
        has_lasted = bool(began) and tx.now - datetime.fromisoformat(began) >= LASTS
        if isinstance(error, AccessDenied):
            exceptions.open_or_refresh(tx, [_problem(error, ExceptionKind.CREDENTIALS_REFUSED)])
        elif has_lasted and not isinstance(error, Refused):
            exceptions.open_or_refresh(tx, [_problem(error, ExceptionKind.SYSTEM_UNREACHABLE)])


def note_answer(link: Link, system: str) -> None:
    """Remember that a system answered as it should; writes only where it had been in trouble."""
    with link.ledger.reading() as tx:
        if not state.read(tx, _began(system)):
            return
    with link.ledger.transaction() as tx:
        state.set_to(tx, _began(system), "")
        exceptions.resolve(tx, SubjectType.CONNECTION, system, _KINDS)


def _began(system: str) -> str:
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
