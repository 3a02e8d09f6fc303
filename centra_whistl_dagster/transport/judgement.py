"""What an HTTP answer amounts to: done, or one of the tree's errors.

Belongs here: statuses, headers and readability, which are the same for every system. Does not
belong here: either system's error bodies, which each reads by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from centra_whistl_dagster.transport.answers import Answer, parse_json
from centra_whistl_dagster.transport.errors import (
    AccessDenied,
    ContractBroken,
    IntegrationError,
    OutcomeUnknown,
    Refusal,
    Refused,
    Throttled,
)
from centra_whistl_dagster.transport.wire import RawAnswer

LONGEST_RETRY_AFTER_SECONDS = 3600.0
"""No header may silence us for longer: 86,400 has been sent by mistake before."""

_OUTCOME_OPEN = frozenset({408, 499})
"""Timeouts that the server tells us of. Centra's 499 means: too slow, or we had gone."""


class CallKind(StrEnum):
    """What a repeat of a call would do."""

    READ = "read"  # nothing: repeated freely
    IDEMPOTENT_WRITE = "idempotent_write"  # the same again: repeated freely
    CREATE = "create"  # a second one: repeated only when the first provably was not carried out


RefusalReader = Callable[[int, Any, CallKind], Refusal | None]
"""Says what a parsed body objects to, given status and kind of call; None where it does not.

The body is None where it was not JSON.
"""


class Judge:
    """Judges the answers of one system."""

    def __init__(
        self,
        system: str,
        read_refusal: RefusalReader,
        *,
        access_advice: str,
        now: Callable[[], datetime],
    ) -> None:
        self._system = system
        self._read_refusal = read_refusal
        self._access_advice = access_advice
        self._now = now

    def answer(self, kind: CallKind, operation: str, raw: RawAnswer) -> Answer:
        """Return the answer if the call succeeded.

        Raises:
            IntegrationError: one of the tree, saying what came of the call instead.
        """
        if raw.status == 429:
            raise Throttled(
                system=self._system,
                operation=operation,
                detail="it says we ask too often (HTTP 429)",
                retry_after_seconds=self._retry_after(raw),
            )
        if raw.status >= 500 or raw.status in _OUTCOME_OPEN:
            raise OutcomeUnknown(
                system=self._system,
                operation=operation,
                detail=f"it failed with HTTP {raw.status}",
                retry_after_seconds=self._retry_after(raw),
            )
        if raw.status >= 400:
            raise self._refused(kind, operation, raw)
        if raw.status >= 300:
            fault = f"it sends us to another address (HTTP {raw.status}), which is not followed"
            raise self.unreadable(kind, operation, fault)
        try:
            body, text = parse_json(raw.content)
        except ValueError as error:
            fault = f"the answer (HTTP {raw.status}) cannot be read: {error}"
            raise self.unreadable(kind, operation, fault) from error
        if refusal := self._read_refusal(raw.status, body, kind):
            raise self._from_refusal(operation, raw.status, refusal)
        headers = {name.lower(): value for name, value in raw.headers.items()}
        return Answer(status=raw.status, body=body, text=text, headers=headers)

    def unreadable(self, kind: CallKind, operation: str, detail: str) -> IntegrationError:
        """Return the error for an answer that nobody can read: a write may have taken effect."""
        error = ContractBroken if kind is CallKind.READ else OutcomeUnknown
        return error(
            system=self._system,
            operation=operation,
            detail=detail,
            advice="Check the base address; if it is right, ask the supplier what changed",
        )

    def _refused(self, kind: CallKind, operation: str, raw: RawAnswer) -> IntegrationError:
        try:
            body, _ = parse_json(raw.content)
        except ValueError:
            body = None
        refusal = self._read_refusal(raw.status, body, kind) or Refusal()
        is_wrong_address = raw.status in {404, 405} and not refusal.code
        if raw.status in {401, 403} or is_wrong_address:
            refusal = Refusal(code=refusal.code, reasons=refusal.reasons, is_about_access=True)
        return self._from_refusal(operation, raw.status, refusal)

    def _from_refusal(self, operation: str, status: int, refusal: Refusal) -> IntegrationError:
        detail = f"it says no (HTTP {status}{f', {refusal}' if str(refusal) else ''})"
        if not refusal.is_final:
            return OutcomeUnknown(system=self._system, operation=operation, detail=detail)
        error = AccessDenied if refusal.is_about_access else Refused
        return error(
            system=self._system,
            operation=operation,
            detail=detail,
            advice=self._access_advice if refusal.is_about_access else "",
            status=status,
            code=refusal.code,
            reasons=refusal.reasons,
        )

    def _retry_after(self, raw: RawAnswer) -> float | None:
        """Read Retry-After, in seconds or as a date (RFC 9110, 10.2.3); None without one."""
        given = next((v for n, v in raw.headers.items() if n.lower() == "retry-after"), "").strip()
        if not given:
            return None
        try:
            seconds = float(given)
        except ValueError:
            try:
                at = parsedate_to_datetime(given)
            except ValueError:
                return None
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            seconds = (at - self._now()).total_seconds()
        if not seconds > 0:
            return None
        return min(seconds, LONGEST_RETRY_AFTER_SECONDS)
