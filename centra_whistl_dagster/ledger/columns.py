"""The kinds of column that the ledger's tables are made of.

Belongs here: what a column holds, whichever database keeps it. Does not belong here: any table.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa


class WholeNumber(sa.types.TypeDecorator[int]):
    """A whole number of 64 bits, and what sums of it come to."""

    impl = sa.BigInteger
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return an int: PostgreSQL sums 64-bit numbers to a decimal, which meets no float."""
        return None if value is None else int(value)


_WHOLE = WholeNumber().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only where the key is called INTEGER; that has 64 bits too."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time, also where the database (SQLite) keeps no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuse a naive time: two zones mixed in one column cannot be told apart afterwards."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give the zone back where the database keeps none; turn to UTC what comes in another."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EnumText(sa.types.TypeDecorator[StrEnum]):
    """A member of one enumeration, kept as its text."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuse what is no member: a row that cannot be read again must not be written."""
        return None if value is None else str(self.enum(value))

    def process_result_value(self, value: str | None, dialect: Any) -> StrEnum | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the member."""
        return None if value is None else self.enum(value)


def member(name: str, enum: type[StrEnum], *, nullable: bool = False) -> sa.Column[StrEnum]:
    """Return a column of members of an enumeration."""
    return sa.Column(name, EnumText(enum), nullable=nullable)


def text(name: str, **options: Any) -> sa.Column[str]:
    """Return a column of text."""
    return sa.Column(name, sa.Text, nullable=options.pop("nullable", False), **options)


def time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    """Return a column of moments."""
    return sa.Column(name, UtcDateTime, nullable=nullable)


def count(name: str, **options: Any) -> sa.Column[int]:
    """Return a column of whole numbers."""
    return sa.Column(name, _WHOLE, nullable=options.pop("nullable", False), **options)


def flag(name: str) -> sa.Column[bool]:
    """Return a column that says yes or no."""
    return sa.Column(name, sa.Boolean, nullable=False)


def money(name: str) -> sa.Column[Any]:
    """Return a column of amounts, to the penny."""
    return sa.Column(name, sa.Numeric(20, 2), nullable=False)
