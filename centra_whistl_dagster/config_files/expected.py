"""The kinds of value that a setting in a TOML file can have, and how each is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

from centra_whistl_dagster.domain.stock.availability import AbsentSku

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Expected(Generic[T]):
    """What a value must be."""

    words: str
    """The rest of a sentence that begins "It must be"."""
    read: Callable[[Any], T | None]
    """Returns the value in its own type, or None when it is not what it must be."""


def whole_number(least: int) -> Expected[int]:
    """Return a whole number, not below `least`."""
    return Expected(
        f"a whole number from {least}",
        lambda value: value if _is_whole(value) and value >= least else None,
    )


PERCENT = Expected(
    "a whole number from 1 to 100",
    lambda value: value if _is_whole(value) and 1 <= value <= 100 else None,
)


def number(least: float) -> Expected[float]:
    """Return a number, not below `least`."""
    return Expected(
        f"a number from {least:g}",
        lambda value: float(value) if _is_number(value) and value >= least else None,
    )


def amount(least: int) -> Expected[Decimal]:
    """Return a number kept exactly as it is written, not below `least`."""
    return Expected(
        f"a number from {least}",
        lambda value: Decimal(value) if _is_number(value) and value >= least else None,
    )


PROBABILITY: Expected[float] = Expected(
    "a number above 0 and below 1",
    lambda value: float(value) if _is_number(value) and 0 < value < 1 else None,
)
YES_OR_NO: Expected[bool] = Expected(
    "true or false", lambda value: value if isinstance(value, bool) else None
)
TEXT: Expected[str] = Expected(
    "text", lambda value: value if isinstance(value, str) and value.strip() else None
)
TEXTS: Expected[tuple[str, ...]] = Expected(
    "a list of texts",
    lambda value: (
        tuple(value)
        if isinstance(value, list) and all(isinstance(text, str) and text for text in value)
        else None
    ),
)
MOMENT: Expected[datetime] = Expected(
    "a time with its zone, such as 2026-11-27T00:00:00Z",
    lambda value: value if isinstance(value, datetime) and value.tzinfo else None,
)


def _days(value: object) -> tuple[date, ...] | None:
    # A time is a date too, as Python sees it.
    is_days = isinstance(value, list) and all(type(day) is date for day in value)
    return tuple(value) if is_days and isinstance(value, list) else None


DAYS: Expected[tuple[date, ...]] = Expected("a list of days, such as [2027-05-03]", _days)

ABSENT_SKU: Expected[AbsentSku] = Expected(
    'one of "unchanged", "zero after 3 complete snapshots" (any number from 1 to 999)',
    lambda value: AbsentSku.read(value) if isinstance(value, str) else None,
)


def _ladder(value: object) -> tuple[int, ...] | None:
    is_ladder = (
        isinstance(value, list)
        and bool(value)
        and all(_is_whole(minutes) and 0 < minutes <= 24 * 60 for minutes in value)
        and value == sorted(set(value))
    )
    return tuple(value) if is_ladder and isinstance(value, list) else None


LADDER: Expected[tuple[int, ...]] = Expected(
    "a list of whole minutes, shortest first, none above 1440 (a day)", _ladder
)


def one_of(members: type[E]) -> Expected[E]:
    """Return a member of an enumeration."""
    return Expected(
        f"one of {', '.join(members)}",
        lambda value: members(value) if value in list(members) else None,
    )


def some_of(members: type[E]) -> Expected[frozenset[E]]:
    """Return a list of members of an enumeration; it may be empty."""
    return Expected(
        f"a list of {', '.join(members)}",
        lambda value: (
            frozenset(members(text) for text in value)
            if isinstance(value, list) and all(text in list(members) for text in value)
            else None
        ),
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    # TOML can write nan and inf.
    return _is_whole(value) or (isinstance(value, Decimal) and value.is_finite())
