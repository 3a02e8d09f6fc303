"""What a handler of the simulated Whistl returns: an answer, or a refusal in the API's shape."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from centra_whistl_dagster.simulator.whistl.times import read

DEFAULT_LIMIT = 100
MAX_LIMIT = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, as a handler needs it."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer."""

    body: Mapping[str, object] | Sequence[Mapping[str, object]]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        is_retryable: bool = False,
        details: Sequence[Mapping[str, str]] = (),
        existing: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self._error: dict[str, Any] = {
            "code": code,
            "message": message,
            "retryable": is_retryable,
            "details": list(details),
        }
        self._existing = existing

    def answer(self, request_id: str) -> Answer:
        """Return it in the error shape of Whistl's API as this project specifies it."""
        body: dict[str, Any] = {"error": {**self._error, "request_id": request_id}}
        if self._existing is not None:
            body["existing"] = self._existing
        return Answer(body=body, status=self.status, headers=self.headers)


def json_object(body: bytes) -> dict[str, object]:
    """Read a request body. Raises Refusal."""
    try:
        value = json.loads(body)
    except ValueError as wrong:
        raise Refusal(400, "malformed_json", str(wrong)) from wrong
    if not isinstance(value, dict):
        raise Refusal(400, "invalid_request", "The body is no JSON object")
    return value


def moment_of(query: Mapping[str, str], name: str) -> datetime | None:
    """Read an optional moment from the query. Raises Refusal."""
    if name not in query:
        return None
    try:
        return read(query[name])
    except ValueError as wrong:
        raise Refusal(400, "invalid_request", f"{name}: {wrong}") from wrong


def number_of(query: Mapping[str, str], name: str, default: int, *, highest: int) -> int:
    """Read a whole number from the query. Raises Refusal when it is not one, or out of range."""
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) > highest:
        raise Refusal(400, "invalid_request", f"{name} is a number up to {highest}")
    return int(text)


def limit_of(query: Mapping[str, str]) -> int:
    """Read the page size. Raises Refusal."""
    limit = number_of(query, "limit", DEFAULT_LIMIT, highest=MAX_LIMIT)
    if limit == 0:
        raise Refusal(400, "invalid_request", "limit is at least 1")
    return limit


def paged(
    things: Sequence[T], key: Callable[[T], list[str]], query: Mapping[str, str]
) -> tuple[Sequence[T], dict[str, Any]]:
    """Return one page of things sorted by `key`, and what the answer says about it.

    The cursor is the key of the last thing given, so that what joins later moves no page.
    """
    if (cursor := query.get("cursor")) is not None:
        last = _opened(cursor)
        things = [thing for thing in things if key(thing) > last]
    limit = limit_of(query)
    page, has_more = things[:limit], len(things) > limit
    return page, {"next_cursor": sealed(key(page[-1])) if has_more else None, "has_more": has_more}


def sealed(key: list[str]) -> str:
    """Write a cursor that its reader cannot interpret."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _opened(cursor: str) -> list[str]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError) as wrong:
        raise Refusal(400, "invalid_cursor", "This cursor was not given by us") from wrong
    if not isinstance(key, list) or not all(isinstance(part, str) for part in key):
        raise Refusal(400, "invalid_cursor", "This cursor was not given by us")
    return key
