"""What can come of a call instead of an answer. The tree is drawn in the package's docstring.

An error carries our own words, and codes and field names that have the shape of one. The sentences
of the other system may quote a customer, so they stay in `Reason.foreign_text`, which nothing
prints.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

_LONG_NUMBER = r"(?!.*\d{6})"
"""What has six digits in a row is a parcel's or a telephone's number, not a code."""
_CODE = re.compile(_LONG_NUMBER + r"[A-Za-z][A-Za-z0-9_.:-]{0,59}", re.ASCII)
_FIELD = re.compile(_LONG_NUMBER + r"[A-Za-z_][A-Za-z0-9_.:\[\]-]{0,99}", re.ASCII)


def code_of(value: object) -> str:
    """Return a machine-readable code as it came, blank for what could be a sentence or a number."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def field_of(value: object) -> str:
    """Return a field's path, such as `lines[0].sku`, blank for anything else."""
    return value if isinstance(value, str) and _FIELD.fullmatch(value) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of a refusal."""

    code: str = ""
    """What `code_of` lets through, or a code of our own; blank where there is none."""
    field: str = ""
    """What `field_of` lets through; blank when the reason is about the whole request."""
    foreign_text: str = dataclasses.field(default="", repr=False)
    """The other system's sentence. It may quote the record: never log, show or send it."""

    def __str__(self) -> str:
        if self.code and self.field:
            return f"{self.code} ({self.field})"
        return self.code or self.field or "a reason without a code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an answer's body says against a request, whatever its status."""

    code: str = ""
    reasons: tuple[Reason, ...] = ()
    is_about_access: bool = False
    """The objection is to our token, permissions or account, not to the record."""
    is_final: bool = True
    """False where the request may have taken effect, or may do so later."""

    def __str__(self) -> str:
        reasons = ", ".join(map(str, self.reasons))
        return ": ".join(part for part in (self.code, reasons) if part)


class IntegrationError(Exception):
    """A call to another system did not do what was asked.

    `detail` says what happened, `advice` who can do something about it. Neither holds a token, an
    address, a query string or a sentence of the other system, so both may be logged and shown.
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
        """How long the other system wants to be left alone; None where it did not say."""


class NotSent(IntegrationError):
    """The request provably never left. Repeating it can do no harm."""


class OutcomeUnknown(IntegrationError):
    """No usable answer came. A write may have taken effect: check before it is repeated."""


class Throttled(IntegrationError):
    """The request was provably not carried out, because there were too many."""


class Refused(IntegrationError):
    """The other system understood the request and refused it. Repeating it unchanged is pointless.

    `code` is the other system's machine-readable word, blank where it gave none.
    """

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
        self.reasons = reasons


class AccessDenied(Refused):
    """The refusal is about us, not about the record: a token, a permission, an account."""


class ContractBroken(IntegrationError):
    """A read was answered with something that is not what was agreed. Nothing was changed."""


class AnswerTooLarge(ContractBroken):
    """A read was answered with more than is ever needed. Fewer records at a time may do."""
