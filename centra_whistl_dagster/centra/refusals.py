"""What a Centra answer objects to, as codes and field names.

Centra gives sentences without codes, and its sentences quote names, streets and tracking numbers.
What is known of a sentence becomes a code of ours; the sentence itself stays in
`Reason.foreign_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from centra_whistl_dagster.centra.partial import are_all_in_records, broken_field
from centra_whistl_dagster.transport import CallKind, Json, Reason, Refusal
from centra_whistl_dagster.transport.errors import code_of, field_of

SYSTEM = "Centra"
ACCESS_ADVICE = (
    "Renew the token in Centra's AMS, System > API Tokens (they expire, by default after 30 days), "
    "with the permissions docs/security.md lists"
)

_PERMISSION = re.compile(r"\b[A-Z][A-Za-z]*(?:\.[A-Za-z]+)*:(?:read|write)\b")

_CODES_OF_SENTENCES = (
    ("already_shipped", re.compile(r"already (fully )?shipped|is \"?shipped\b", re.IGNORECASE)),
    ("capture_failed", re.compile(r"capture failed|not be captured", re.IGNORECASE)),
    ("already_captured", re.compile(r"already captured", re.IGNORECASE)),
    ("order_on_hold", re.compile(r"\bon hold\b", re.IGNORECASE)),
    ("order_locked", re.compile(r"\bis locked\b", re.IGNORECASE)),
    ("not_allocated", re.compile(r"\bnot (been )?(allocated|available)\b", re.IGNORECASE)),
    ("not_found", re.compile(r"\b(not found|unknown|does not exist)\b", re.IGNORECASE)),
)
"""Centra does not publish its sentences: these are parts of those seen so far. A code only helps a
person to find the cause; no decision depends on it."""


def read_refusal(status: int, body: Json, kind: CallKind) -> Refusal | None:
    """Return what a GraphQL answer objects to; None where it objects to nothing.

    HTTP 200 is not success: `errors` means that something did not run, and non-empty `userErrors`
    that nothing was modified (https://centra.dev/integration-api/best-practices/handling-errors). A
    list of which fields of single records are missing is no refusal: see `partial`.
    """
    if not isinstance(body, dict):
        return None
    data = body.get("data")
    if errors := body.get("errors"):
        if kind is CallKind.READ and status < 300 and _is_readable_in_part(data, errors):
            return None
        return _refusal_of_errors(status, errors, body, kind)
    reasons = reasons_in(data, "userErrors") if isinstance(data, dict) else ()
    return Refusal(reasons=reasons) if reasons else None


def _is_readable_in_part(data: Json, errors: Json) -> bool:
    listed = list(objects(errors))
    is_about_access = any(_category(error) == "authorization" for error in listed)
    is_list = isinstance(errors, list) and len(listed) == len(errors)
    is_in_records = are_all_in_records(data, listed) or (
        data is None and broken_field(listed) is not None
    )
    return is_list and not is_about_access and is_in_records


def reasons_of(errors: Json) -> tuple[Reason, ...]:
    """Return the reasons that an answer lists under `errors`."""
    return tuple(map(_reason, objects(errors)))


def reasons_in(data: Mapping[str, Json], name: str) -> tuple[Reason, ...]:
    """Return the reasons that a mutation's payloads list under `userErrors` or `userWarnings`."""
    return tuple(
        _reason(entry)
        for payload in data.values()
        if isinstance(payload, dict)
        for entry in objects(payload.get(name))
    )


def _refusal_of_errors(
    status: int, errors: Json, body: Mapping[str, Json], kind: CallKind
) -> Refusal:
    listed = list(objects(errors))
    is_about_access = any(_category(error) == "authorization" for error in listed)
    # Without "data" nothing was begun (GraphQL specification, 7.1). With it, a mutation may have
    # taken effect and only its reading-back failed; which never needs a permission to write.
    lacks_write = is_about_access and any(
        step.endswith(":write") for reason in map(_reason, listed) for step in reason.field.split()
    )
    may_have_run = status < 300 and "data" in body and not lacks_write
    return Refusal(
        reasons=tuple(map(_reason, listed)),
        is_about_access=is_about_access,
        is_final=not may_have_run or (is_about_access and kind is CallKind.READ),
    )


def _reason(entry: Mapping[str, Json]) -> Reason:
    message = entry.get("message")
    sentence = message if isinstance(message, str) else ""
    path = entry.get("path")
    steps = ".".join(map(str, path)) if isinstance(path, list) else ""
    permissions = _PERMISSION.findall(sentence) if _category(entry) == "authorization" else []
    if permissions:
        return Reason(
            code="missing_permission",
            field=" ".join(permissions),
            foreign_text=sentence,
        )
    return Reason(
        code=_code(sentence) or _category(entry), field=field_of(steps), foreign_text=sentence
    )


def _code(sentence: str) -> str:
    return next((code for code, form in _CODES_OF_SENTENCES if form.search(sentence)), "")


def _category(entry: Mapping[str, Json]) -> str:
    extensions = entry.get("extensions")
    return code_of(extensions.get("category")) if isinstance(extensions, dict) else ""


def objects(value: Json) -> Iterator[Mapping[str, Json]]:
    """Return the objects of a list; none where there is no list."""
    items = value if isinstance(value, list) else []
    return (item for item in items if isinstance(item, dict))
