"""The answer a caller gets, and the strict reading of its JSON that stock and orders deserve."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn, TypeAlias

Json: TypeAlias = "bool | int | str | Decimal | list[Json] | dict[str, Json] | None"
"""A parsed JSON value. Numbers with a fraction are `Decimal`, so that money keeps its pennies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A readable answer with a status below 300."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name."""


def parse_json(content: bytes) -> Json:
    """Parse a JSON body.

    The same key twice in one object is refused: the standard parser lets the last one win, and a
    stock of 5 silently becomes 0. `NaN` and `Infinity` are refused: JSON has no such numbers.

    Raises:
        ValueError: the body is not one UTF-8 JSON document; the message never quotes it.
    """
    try:
        body: Json = json.loads(
            content.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        fault = "is empty" if not content.strip() else f"is not JSON at character {error.pos}"
        raise ValueError(f"it {fault}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not a JSON number")


def _object_without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("it has the same key twice in one object")
    return result
