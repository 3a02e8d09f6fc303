"""One call under way, and what it sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from json import dumps
from urllib.parse import urlencode

from centra_whistl_dagster.transport.answers import BodyLimits
from centra_whistl_dagster.transport.errors import OutcomeUnknown
from centra_whistl_dagster.transport.judgement import CallKind
from centra_whistl_dagster.transport.pacing import Lane


@dataclass(slots=True, kw_only=True)
class Call:
    """One call under way."""

    kind: CallKind
    operation: str
    lane: Lane
    correlation_id: str
    ends_at: float
    """On the monotonic clock: pacing, tries and waits all end before it."""
    patience: float
    """Seconds that it may still wait for its lane, if that is not the one of orders."""
    tries: int = 0
    unreadable: int = 0
    throttled: int = 0
    units: Counter[str] = field(default_factory=Counter)
    """Taken of each quota."""
    was_renewed: bool = False
    lost: OutcomeUnknown | None = None
    """The first try of a write that got no answer: it may have taken effect nevertheless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What each try of a call sends, and what it takes of the quotas."""

    method: str
    path: str
    params: Mapping[str, str | int] | None
    headers: Mapping[str, str]
    content: bytes | None
    costs: Mapping[str, int]
    limits: BodyLimits


def encoded(json: object, form: Mapping[str, str] | None) -> tuple[bytes | None, Mapping[str, str]]:
    """Return the body and the header that says how it is encoded."""
    if json is not None:
        content = dumps(json, allow_nan=False, separators=(",", ":")).encode()
        return content, {"Content-Type": "application/json"}
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return None, {}
