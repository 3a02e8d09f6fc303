"""A step that keeps failing is an exception, whatever the failure; only its own success ends it.

A step is one asset's run, a sensor or a schedule: whatever opens the link under a name of its own.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from centra_whistl_dagster.config_files.configuration import EXCEPTIONS_FILE
from centra_whistl_dagster.config_files.exceptions import load_responsibilities
from centra_whistl_dagster.config_files.reader import ConfigError, read_text
from centra_whistl_dagster.domain.exceptions.failures import after_failure, is_exception
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.exceptions.responsibilities import UNCONFIGURED, Responsibility
from centra_whistl_dagster.history.errors import HistoryError
from centra_whistl_dagster.ledger import exceptions, failing_steps
from centra_whistl_dagster.ledger.engine import LeaseTaken, Ledger, LedgerUnavailable
from centra_whistl_dagster.ledger.migrations import LedgerTooNew
from centra_whistl_dagster.ledger.sealing import ContentsUnreadable
from centra_whistl_dagster.ledger.witness import WitnessUnusable
from centra_whistl_dagster.settings import LedgerSettings
from centra_whistl_dagster.transport import (
    AccessDenied,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
)

NO_LEDGER = (ConfigError, LedgerTooNew, LedgerUnavailable)
"""Errors that keep the ledger from being opened or used."""

FOR_OPERATORS = (
    *NO_LEDGER,
    ContentsUnreadable,
    WitnessUnusable,
    IntegrationError,
    LeaseTaken,
    HistoryError,
)
"""Errors whose own text says what happened and who can fix it."""

_OUTAGES = (NotSent, OutcomeUnknown, Throttled)
_PACKAGE = Path(__file__).parents[2]
_MOST_CHARACTERS = 600
_NOTED_EVERY = timedelta(seconds=20)
"""Sensors succeed every few seconds, and each note is a write."""


def note_success(ledger: Ledger, step: str) -> None:
    """Remember that a step did its work; of one that does so all the time, now and then."""
    with ledger.reading() as tx:
        last, has_failed = failing_steps.last_success(tx, step), failing_steps.streak_of(tx, step)
        is_noted = last is not None and timedelta(0) <= tx.now - last < _NOTED_EVERY
        if is_noted and has_failed is None:
            return
    with ledger.transaction() as tx:
        failing_steps.note_success(tx, step)
        failing_steps.note_succeeded(tx, step)


def note_failure(
    settings: LedgerSettings,
    step: str,
    error: Exception,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Remember that a step failed, and open an exception once it fails as it failed before.

    A failure that cannot be remembered, such as one of the ledger itself, gets a note that says so:
    Dagster shows it, and its own alerts report the failed run or tick.
    """
    try:
        with closing(open_ledger(settings, now=now)) as ledger:
            _remember(ledger, step, error)
    except Exception as second:  # noqa: BLE001 - the first error is what people must see
        error.add_note(f"The register of exceptions could not be written: {type(second).__name__}.")


def open_ledger(
    settings: LedgerSettings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Ledger:
    """Open the ledger even where `config/` is broken: that must be reported too.

    Raises:
        ConfigError, LedgerTooNew, LedgerUnavailable: it cannot be opened.
    """
    settings.make_state_folder()
    return Ledger(
        settings.ledger_url,
        now=now,
        responsibilities=_responsibilities(settings),
        keys=settings.ledger_keys,
    )


def _responsibilities(settings: LedgerSettings) -> Mapping[ExceptionKind, Responsibility]:
    try:
        text = read_text(settings.config_path / EXCEPTIONS_FILE)
        return load_responsibilities(text, EXCEPTIONS_FILE)
    except ConfigError:
        return MappingProxyType(dict.fromkeys(ExceptionKind, UNCONFIGURED))


def _remember(ledger: Ledger, step: str, error: Exception) -> None:
    with ledger.transaction() as tx:
        fingerprint = _fingerprint(error)
        streak = after_failure(failing_steps.streak_of(tx, step), fingerprint, tx.now)
        opened: set[int] = set()
        may_pass = isinstance(error, _OUTAGES)
        # No repetition makes a refused token a better one.
        if isinstance(error, AccessDenied) or is_exception(streak, tx.now, may_pass=may_pass):
            opened = exceptions.open_or_refresh(tx, [_problem(step, error, fingerprint)])
        failing_steps.note_failed(tx, step, streak, opened)


def _fingerprint(error: Exception) -> str:
    """Return what failures of one cause have in common; nothing that another system wrote."""
    if isinstance(error, _OUTAGES):
        return f"outage of {error.system}"
    if isinstance(error, Refused):
        reasons = ", ".join(map(str, error.reasons))
        return f"{type(error).__name__} {error.system} {error.operation} {error.code} {reasons}"
    if isinstance(error, IntegrationError):
        return f"{type(error).__name__} {error.system} {error.operation}"
    return cause_of(error)


def cause_of(error: Exception) -> str:
    """Return what kind of error it is and where it came from; nothing it says."""
    return f"{type(error).__name__} at {place_of(error)}"


def place_of(error: Exception) -> str:
    """Return the innermost line of this package that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    if not ours:
        return "an unknown place"
    path = Path(ours[-1].filename).relative_to(_PACKAGE)
    return f"{path}, line {ours[-1].lineno}"


def _problem(step: str, error: Exception, fingerprint: str) -> Problem:
    if isinstance(error, AccessDenied):
        return Problem(
            kind=ExceptionKind.CREDENTIALS_REFUSED,
            subject_type=SubjectType.CONNECTION,
            subject=error.system,
            # By step: that another one may still use the system does not give this one access.
            field=f"{error.operation} ({step})",
            value="",
            message=f"{error.system} could not be used by {step}: {error.detail}. {error.advice}",
            contents=fingerprint,
        )
    if isinstance(error, _OUTAGES):
        return Problem(
            kind=ExceptionKind.SYSTEM_UNREACHABLE,
            subject_type=SubjectType.CONNECTION,
            subject=error.system,
            field="",
            value="",
            message=f"{error.system} could not be used: {error.detail}. {error.advice}".strip(),
            contents=fingerprint,
        )
    return Problem(
        kind=ExceptionKind.STEP_FAILING,
        subject_type=SubjectType.STEP,
        subject=step,
        field="",
        value="",
        message=f"{step} fails each time: {_reason(error)}"[:_MOST_CHARACTERS],
    )


def _reason(error: Exception) -> str:
    # The text of any other error may quote a record, and with it a customer.
    if isinstance(error, FOR_OPERATORS):
        return str(error)
    return f"{cause_of(error)}."
