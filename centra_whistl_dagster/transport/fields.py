"""Reading typed values out of a parsed body, so that an error names the field and not its value.

Does not belong here: the shape of any record, which is its client's (`centra`, `whistl`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import TypeVar

T = TypeVar("T")

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, which PostgreSQL refuses, and halves of surrogate pairs, which no file can hold."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_MOST_DIGITS = 15
"""No amount, quantity or id of either system comes near; beyond, databases and rounding fail."""
_YEARS = range(1900, 2200)
"""No date of either system is outside; further out, arithmetic and nanoseconds overflow."""

UNRESOLVED = "\0unresolved"
"""The key that names the field of an object that its sender could not give, beside the others."""


class BrokenRecord(ValueError):
    """One record does not match the contract. Never quotes the value: it may be personal."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


class Fields:
    """One JSON object, and where it is in its record.

    Args:
        value: the object.
        path: where it is.
        zone: of the times in it that have no offset; without one, such a time is refused.

    Raises:
        BrokenRecord: it is not an object, or its sender could not give all of it (`UNRESOLVED`).
    """

    def __init__(self, value: object, path: str = "", *, zone: tzinfo | None = None) -> None:
        if not isinstance(value, Mapping):
            raise BrokenRecord(path or "record", f"expected an object, found {_kind(value)}")
        if UNRESOLVED in value:
            field = str(value[UNRESOLVED])
            raise BrokenRecord(
                f"{path}.{field}" if path else field, "the other system could not give it"
            )
        self._value: Mapping[str, object] = value
        self._path = path
        self._zone = zone

    def has(self, name: str) -> bool:
        """Say whether a field is there and is not null."""
        return self._value.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return text; `default` where it is null or absent.

        What JSON can spell and no store can hold becomes U+FFFD: NUL, half of a surrogate pair.
        """
        value = self._value.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._broken(name, "text", value)
        return _storable(value)

    def required_text(self, name: str) -> str:
        """Return text that is not blank."""
        value = self.text(name)
        if not value.strip():
            raise self._broken(name, "text", self._value.get(name))
        return value

    def whole(self, name: str) -> int:
        """Return a whole number."""
        value = self._value.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 10**_MOST_DIGITS:
            raise self._broken(name, "a whole number", value)
        return value

    def count(self, name: str) -> int | None:
        """Return a whole number, written as one or as text; None where it is null or absent."""
        number = self.number(name)
        if number is not None and number != number.to_integral_value():
            raise self._broken(name, "a whole number", self._value.get(name))
        return None if number is None else int(number)

    def required_count(self, name: str) -> int:
        """Return a whole number, written as one or as text."""
        count = self.count(name)
        if count is None:
            raise self._broken(name, "a whole number", None)
        return count

    def required_quantity(self, name: str) -> int:
        """Return a whole number of 0 or more, written as one or as text."""
        quantity = self.required_count(name)
        if quantity < 0:
            raise BrokenRecord(self._name(name), "expected 0 or more, found a negative number")
        return quantity

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return true or false; `default`, if there is one, where it is null or absent."""
        value = self._value.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            raise self._broken(name, "true or false", value)
        return value

    def number(self, name: str) -> Decimal | None:
        """Return a finite number, written as one or as text; None where it is null or absent."""
        value = self._value.get(name)
        if value is None:
            return None
        if isinstance(value, int | str | Decimal) and not isinstance(value, bool):
            try:
                number = Decimal(value)
            except InvalidOperation:
                number = Decimal("NaN")
            if number.is_finite() and number.adjusted() < _MOST_DIGITS:
                return number
        raise self._broken(name, "a number", value)

    def required_number(self, name: str) -> Decimal:
        """Return a finite number, written as one or as text."""
        value = self.number(name)
        if value is None:
            raise self._broken(name, "a number", None)
        return value

    def moment(self, name: str) -> datetime:
        """Return a time in UTC."""
        value = self.optional_moment(name)
        if value is None:
            raise self._broken(name, "a time", None)
        return value

    def optional_moment(self, name: str) -> datetime | None:
        """Return a time in UTC; None where it is null or absent.

        A time without an offset is read in the zone given at the start. Where there is none it is
        refused: its zone would be a guess.
        """
        value = self._value.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._broken(name, "a time in ISO 8601", value)
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise self._broken(name, "a time in ISO 8601", value) from None
        if at.tzinfo is None and self._zone is not None:
            at = at.replace(tzinfo=self._zone)
        if at.tzinfo is None:
            raise self._broken(name, "a time with its offset from UTC", value)
        if at.year not in _YEARS:
            raise BrokenRecord(
                self._name(name), f"expected a year from {_YEARS[0]} to {_YEARS[-1]}"
            )
        return at.astimezone(UTC)

    def child(self, name: str) -> Fields | None:
        """Return an object; None where it is null or absent."""
        value = self._value.get(name)
        return None if value is None else Fields(value, self._name(name), zone=self._zone)

    def required_child(self, name: str) -> Fields:
        """Return an object."""
        return Fields(self._value.get(name), self._name(name), zone=self._zone)

    def children(self, name: str) -> list[Fields]:
        """Return a list of objects; none where it is null or absent."""
        return [
            Fields(item, f"{self._name(name)}[{index}]", zone=self._zone)
            for index, item in self._items(name)
        ]

    def readable(
        self, name: str, read: Callable[[Fields], T]
    ) -> tuple[tuple[T, ...], tuple[BrokenRecord, ...]]:
        """Return what `read` makes of the objects of a list, and why it could not read others."""
        found, broken = [], []
        try:
            items = self._items(name)
        except BrokenRecord as error:
            return (), (error,)
        for index, item in items:
            try:
                found.append(read(Fields(item, f"{self._name(name)}[{index}]", zone=self._zone)))
            except BrokenRecord as error:
                broken.append(error)
        return tuple(found), tuple(broken)

    def texts(self, name: str) -> frozenset[str]:
        """Return a list of texts; none where it is null or absent."""
        texts = set()
        for _, item in self._items(name):
            if not isinstance(item, str):
                raise self._broken(name, "a list of texts", item)
            texts.add(_storable(item))
        return frozenset(texts)

    def _items(self, name: str) -> list[tuple[int, object]]:
        value = self._value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._broken(name, "a list", value)
        return list(enumerate(value))

    def _name(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _broken(self, name: str, expected: str, found: object) -> BrokenRecord:
        return BrokenRecord(self._name(name), f"expected {expected}, found {_kind(found)}")


def name_of(value: object, *names: str) -> str | None:
    """Return the id of an unreadable record, from the first of these fields that holds one.

    Only a number or a word of at most 64 letters, digits and `._-`: a sentence in the place of an
    id could be about a person.
    """
    if not isinstance(value, Mapping):
        return None
    given = (str(value[name]) for name in names if isinstance(value.get(name), str | int))
    return next(filter(_ID.fullmatch, given), None)


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | Decimal():
            return "a number"
        case str():
            return "text" if value.strip() else "blank text"
        case list():
            return "a list"
        case _:
            return "an object"
