"""What can come of a call instead of an answer. The tree is drawn in the package's docstring.

Belongs here: the classes, and what each lets its catcher conclude. Does not belong here: which
failure on the wire is which (`wire`), and when one is worth another try (`calls`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Reason(NamedTuple):
    """One reason of a refusal, in the other system's words. `message` may quote the record."""

    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an answer's body says against a request, whatever its status."""

    code: str = ""
    reasons: tuple[Reason, ...] = ()
    is_about_access: bool = False
    """It speaks of our token, permissions or account, not of the record."""
    is_final: bool = True
    """False where the body leaves open whether the request took, or may yet take, effect."""

    def __str__(self) -> str:
        # Codes and fields where there are any: a message may quote what the customer typed.
        told = [
            f"{reason.code} ({reason.field})" if reason.code else reason.message
            for reason in self.reasons
        ]
        return ": ".join(part for part in (self.code, ", ".join(told)) if part)


class IntegrationError(Exception):
    """A call to another system did not do what was asked.

    `detail` says what happened, `advice` who can do something about it. Neither holds a token, an
    address or a query string, so both may be logged and shown.
    """

    def __init__(
        self,
        *,
        system: str,
        operation: str,
        detail: str,
        advice: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(f"{system}, {operation}: {detail}.{f' {advice}' if advice else ''}")
        self.system = system
        self.operation = operation
        self.detail = detail
        self.advice = advice
        self.retry_after_seconds = retry_after_seconds
        """When the other system wants to be asked again; None where it did not say."""


class NotSent(IntegrationError):
    """The request provably never left. Repeating it can do no harm."""


class OutcomeUnknown(IntegrationError):
    """No usable answer came. A write may have taken effect: look before it is repeated."""


class Throttled(IntegrationError):
    """The request was provably not carried out, for there were too many."""


class Refused(IntegrationError):
    """The other system understood the request and says no. Repeating it unchanged is pointless."""

    def __init__(
        self,
        *,
        system: str,
        operation: str,
        detail: str,
        advice: str = "",
        status: int,
        code: str = "",
        reasons: tuple[Reason, ...] = (),
    ) -> None:
        super().__init__(system=system, operation=operation, detail=detail, advice=advice)
        self.status = status
        """The HTTP status; 200 where the refusal was inside the body."""
        self.code = code
        """The other system's machine-readable word, blank where it gave none."""
        self.reasons = reasons


class AccessDenied(Refused):
    """The refusal is about us, not about the record: a token, a permission, an account."""


class ContractBroken(IntegrationError):
    """A read was answered with something that is not what was agreed. Nothing was changed."""
