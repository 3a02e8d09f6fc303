"""The answer a caller gets, and the strict reading of its JSON that stock and orders deserve.

A parsed document takes up to sixty times the memory of its text (`[[],[],...`), so what an answer
may hold is counted in the text, before it is parsed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NoReturn, TypeAlias

Json: TypeAlias = "bool | int | str | Decimal | list[Json] | dict[str, Json] | None"
"""A parsed JSON value. Numbers with a fraction are `Decimal`, so that money keeps its pennies."""


MOST_DEPTH = 24
"""Objects and lists inside each other. An order's deepest field has 8."""

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""Ends at the end of the text where a quotation mark is missing: a pattern that failed there would
be tried again from every later mark, in quadratic time."""
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """What the answer of an operation may hold at most; a larger one fails its own call alone."""

    size: int
    """Bytes, unpacked."""
    elements: int
    """Values, counted with every object and list."""


ONE_RECORD = BodyLimits(size=2 * 1024 * 1024, elements=50_000)
"""Of a write, and of a read that is about one thing."""
LIST = BodyLimits(size=8 * 1024 * 1024, elements=250_000)
"""Of a page of records. A full page of orders has a fifth of it."""


class TooLarge(ValueError):
    """An answer holds more than its operation ever needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A readable answer with a status below 300."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name."""


def parse_json(content: bytes, limits: BodyLimits = LIST) -> Json:
    """Parse a JSON body.

    The same key twice in one object is refused: the standard parser lets the last one win, and a
    stock of 5 silently becomes 0. `NaN` and `Infinity` are refused: JSON has no such numbers.
    A number that cannot be held stays text, and only the record that has it is refused for it.

    Raises:
        TooLarge: it holds more than `limits` allow; it was not parsed.
        ValueError: the body is not one UTF-8 JSON document; the message never quotes it.
    """
    _check_size(content, limits)
    try:
        body: Json = json.loads(
            content.decode("utf-8-sig"),
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        fault = "is empty" if not content.strip() else f"is not JSON at character {error.pos}"
        raise ValueError(f"it {fault}") from None
    return body


def _check_size(content: bytes, limits: BodyLimits) -> None:
    if len(content) > limits.size:
        raise TooLarge(f"it is larger than {limits.size} bytes")
    # Each element has a key and a value at most; without this, the next line takes the memory.
    quotes = content.count(b'"') - content.count(b'\\"')
    if quotes > 4 * limits.elements:
        raise TooLarge(f"it has more than {limits.elements} elements")
    bare = _STRINGS.sub(b"", content)
    if sum(map(bare.count, (b",", b"[", b"{"))) > limits.elements:
        raise TooLarge(f"it has more than {limits.elements} elements")
    depth = 0
    for bracket in bare.translate(None, _NO_BRACKET):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} deep")


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of more than 18 digits
        return text


def _whole(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:  # more than 4,300 digits
        return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not a JSON number")


def _object_without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("it has the same key twice in one object")
    return result
