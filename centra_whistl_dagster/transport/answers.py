"""Reading of JSON bodies as strictly as stock and orders deserve, and the answer a caller gets.

Belongs here: what counts as readable. Does not belong here: what the fields mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A readable answer with a status below 300."""

    status: int
    body: Any
    """Parsed JSON; numbers with a fraction are `Decimal`."""
    text: str = field(repr=False)
    """The body as it came, for those who keep it."""
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name."""


def parse_json(content: bytes) -> tuple[Any, str]:
    """Parse a JSON body; return it with its text.

    Twice the same key in one object is refused, for the standard parser lets the last one win and a
    stock of 5 silently becomes 0. `NaN` and `Infinity` are refused, for no JSON number is either.

    Raises:
        ValueError: the body is not one UTF-8 JSON document; the message never quotes it.
    """
    try:
        text = content.decode("utf-8-sig")
        body = json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        found = "is empty" if not content.strip() else f"is not JSON at character {error.pos}"
        raise ValueError(f"it {found}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return body, text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no number")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("it says the same key twice in one object")
    return result
