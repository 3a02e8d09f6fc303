"""Domain records as JSON text for the ledger, and back. Nothing else reads that text."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


@cache
def _adapter(record_type: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(record_type)


def dumps(record: Any) -> str:
    """Return a domain record as text."""
    return _adapter(type(record)).dump_json(record).decode()


def loads(record_type: type[T], text: str) -> T:
    """Return the record that `dumps` wrote."""
    record: T = _adapter(record_type).validate_json(text)
    return record
