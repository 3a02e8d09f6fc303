"""What a Whistl answer objects to, in a refusal or inside a 200.

Whistl's sentences may quote what the customer typed: only codes and field names leave this module
outside `Reason.foreign_text`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from centra_whistl_dagster.transport import CallKind, Json, Reason, Refusal, Refused
from centra_whistl_dagster.transport.errors import code_of, field_of

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
"""After these the request, or an earlier one of the same key, may still take effect."""

NUMBER_TAKEN = frozenset(
    {
        "duplicate_order",
        "duplicate_order_number",
        "duplicate_reference",
        "duplicate",
        "order_exists",
        "order_already_exists",
        "order_number_exists",
        "order_number_taken",
        "already_exists",
        "not_unique",
    }
)
"""Codes, of a refusal or of one of its reasons, that say that the order number is in use."""


def says_number_is_taken(refused: Refused, more_codes: Collection[str] = ()) -> bool:
    """Say whether an order was refused because Whistl has one with its number, whatever the status.

    Args:
        refused: the refusal.
        more_codes: what else Whistl calls it for this account.
    """
    taken = NUMBER_TAKEN.union(more_codes)
    return refused.code in taken or any(reason.code in taken for reason in refused.reasons)


def read_refusal(status: int, body: Json, kind: CallKind) -> Refusal | None:  # noqa: ARG001 - a RefusalReader is given all three
    """Return the error of an answer, None where it has none; HTTP 200 alone is not success."""
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, dict):
        return _from_error(error)
    if error:
        # The OAuth form (RFC 6749, 5.2), which is always about our credentials.
        return Refusal(code=code_of(error), is_about_access=True)
    if body.get("success") is False:
        return Refusal(reasons=(Reason(foreign_text=_text(body.get("message"))),))
    return None


def read_token_refusal(status: int, body: Json, kind: CallKind) -> Refusal | None:
    """Return the error of an answer to a token request: it is always about our credentials."""
    refusal = read_refusal(status, body, kind)
    if refusal is None:
        return None
    return Refusal(code=refusal.code, reasons=refusal.reasons, is_about_access=True)


def _from_error(error: Mapping[str, Json]) -> Refusal:
    code = code_of(error.get("code"))
    details = error.get("details")
    reasons = tuple(
        Reason(
            code=code_of(detail.get("code")),
            field=field_of(detail.get("field")),
            foreign_text=_text(detail.get("message")),
        )
        for detail in (details if isinstance(details, list) else [])
        if isinstance(detail, dict)
    )
    if code in _ABOUT_ACCESS:
        return Refusal(code=code, reasons=reasons, is_about_access=True)
    is_open = code in _OPEN or error.get("retryable") is True
    return Refusal(code=code, reasons=reasons, is_final=not is_open)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
