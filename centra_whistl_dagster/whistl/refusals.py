"""What a Whistl answer objects to, in a refusal or inside a 200.

Belongs here: the error shapes and what each code leaves certain. Does not belong here: statuses,
which are the same for every system (`transport.judgement`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from centra_whistl_dagster.transport import CallKind, Reason, Refusal

SYSTEM = "Whistl"
ACCESS_ADVICE = (
    "Check the client id, the secret or token, the client code and the address with Whistl"
)

_ABOUT_ACCESS = frozenset(
    {
        "authentication_failed",
        "token_expired",
        "forbidden",
        "client_code_mismatch",
        "invalid_client",
    }
)
_OPEN = frozenset({"internal_error", "maintenance", "rate_limited", "idempotency_in_progress"})
"""After these the request may have taken effect, or an earlier one of the same key may yet."""


def read_refusal(status: int, body: Any, kind: CallKind) -> Refusal | None:  # noqa: ARG001 - the transport's question has three parts
    """Read the error of an answer, if it has one; HTTP 200 alone is no success."""
    if not isinstance(body, Mapping):
        return None
    error = body.get("error")
    if isinstance(error, Mapping):
        return _from_error(error)
    if error:
        # The OAuth form (RFC 6749, 5.2), which only speaks of who we are.
        return Refusal(code=str(error), is_about_access=True)
    if body.get("success") is False:
        message = str(body.get("message") or "no reason given")
        return Refusal(reasons=(Reason("", "", message),))
    return None


def read_token_refusal(status: int, body: Any, kind: CallKind) -> Refusal | None:
    """Read the error of an answer to a request for a token: whatever it is, it is about us."""
    refusal = read_refusal(status, body, kind)
    if refusal is None:
        return None
    return Refusal(code=refusal.code, reasons=refusal.reasons, is_about_access=True)


def _from_error(error: Mapping[str, Any]) -> Refusal:
    code = str(error.get("code") or "")
    details = error.get("details")
    reasons = tuple(
        Reason(
            str(detail.get("code") or ""),
            str(detail.get("field") or ""),
            str(detail.get("message") or ""),
        )
        for detail in (details if isinstance(details, list) else [])
        if isinstance(detail, Mapping)
    )
    if code in _ABOUT_ACCESS:
        return Refusal(code=code, reasons=reasons, is_about_access=True)
    is_open = code in _OPEN or error.get("retryable") is True
    return Refusal(code=code, reasons=reasons, is_final=not is_open)
