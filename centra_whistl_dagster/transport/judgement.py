"""What an HTTP answer amounts to: done, or one of the tree's errors.

Statuses, headers and readability are the same for every system; each client reads its system's
own error bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from centra_whistl_dagster.transport.answers import (
    Answer,
    BodyLimits,
    Json,
    TooLarge,
    parse_json,
)
from centra_whistl_dagster.transport.errors import (
    AccessDenied,
    AnswerTooLarge,
    ContractBroken,
    IntegrationError,
    OutcomeUnknown,
    Refusal,
    Refused,
    Throttled,
)
from centra_whistl_dagster.transport.retry_after import seconds_to_wait
from centra_whistl_dagster.transport.wire import RawAnswer

_OUTCOME_OPEN = frozenset({408, 499})
"""Timeouts reported by the server. Centra's 499 means: too slow, or the client had gone."""


class CallKind(StrEnum):
    """What a repeat of a call would do."""

    READ = "read"  # would change nothing; repeat freely
    IDEMPOTENT_WRITE = "idempotent_write"  # would do the same again; repeat freely
    CREATE = (
        "create"  # would create a second record; repeat only if the first certainly did not run
    )


RefusalReader = Callable[[int, Json, CallKind], Refusal | None]
"""Returns what a parsed body objects to, given status and kind of call; None for no objection.

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

    def answer(self, kind: CallKind, operation: str, raw: RawAnswer, limits: BodyLimits) -> Answer:
        """Return the answer if the call succeeded.

        Raises:
            IntegrationError: one of the tree, saying what came of the call instead.
        """
        if raw.status == 429:
            raise Throttled(
                system=self._system,
                operation=operation,
                detail="too many requests (HTTP 429)",
                retry_after_seconds=self._retry_after(raw),
            )
        if raw.status >= 500 or raw.status in _OUTCOME_OPEN:
            raise OutcomeUnknown(
                system=self._system,
                operation=operation,
                detail=f"failed with HTTP {raw.status}",
                retry_after_seconds=self._retry_after(raw),
            )
        if raw.status >= 400:
            raise self._refused(kind, operation, raw, limits)
        if raw.status >= 300:
            fault = f"redirected to another address (HTTP {raw.status}), which is not followed"
            raise self.unreadable(kind, operation, fault)
        try:
            body = parse_json(raw.content, limits)
        except TooLarge as error:
            fault = f"the answer (HTTP {raw.status}) is not read: {error}"
            raise self.too_large(kind, operation, fault) from error
        except ValueError as error:
            fault = f"the answer (HTTP {raw.status}) cannot be read: {error}"
            raise self.unreadable(kind, operation, fault) from error
        if refusal := self._read_refusal(raw.status, body, kind):
            raise self._from_refusal(operation, raw.status, refusal)
        headers = {name.lower(): value for name, value in raw.headers.items()}
        return Answer(status=raw.status, body=body, headers=headers)

    def unreadable(self, kind: CallKind, operation: str, detail: str) -> IntegrationError:
        """Return the error for an answer that cannot be read: a write may have taken effect."""
        error = ContractBroken if kind is CallKind.READ else OutcomeUnknown
        return error(
            system=self._system,
            operation=operation,
            detail=detail,
            advice="Check the base address; if it is right, ask the supplier what changed",
        )

    def too_large(self, kind: CallKind, operation: str, detail: str) -> IntegrationError:
        """Return the error for an answer of which too much came."""
        if kind is not CallKind.READ:
            return self.unreadable(kind, operation, detail)
        advice = "Ask the supplier why it sends so much"
        return AnswerTooLarge(
            system=self._system, operation=operation, detail=detail, advice=advice
        )

    def _refused(
        self, kind: CallKind, operation: str, raw: RawAnswer, limits: BodyLimits
    ) -> IntegrationError:
        try:
            body: Json = parse_json(raw.content, limits)
        except ValueError:
            body = None
        refusal = self._read_refusal(raw.status, body, kind) or Refusal()
        is_wrong_address = raw.status in {404, 405} and not refusal.code
        if raw.status in {401, 403} or is_wrong_address:
            refusal = Refusal(code=refusal.code, reasons=refusal.reasons, is_about_access=True)
        return self._from_refusal(operation, raw.status, refusal)

    def _from_refusal(self, operation: str, status: int, refusal: Refusal) -> IntegrationError:
        detail = f"refused (HTTP {status}{f', {refusal}' if str(refusal) else ''})"
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
        headers = {name.lower(): value for name, value in raw.headers.items()}
        return seconds_to_wait(headers.get("retry-after", ""), self._now(), headers.get("date", ""))
