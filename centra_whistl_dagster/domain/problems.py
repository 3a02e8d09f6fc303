"""What can be wrong with a record, as one value that screening, exceptions and alerts all share.

Belongs here: the shape of a finding and how a personal value is masked. Does not belong here: who
owns a kind and what to do about it, which is `config/exceptions.toml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SubjectType(StrEnum):
    """What an exception is about."""

    ORDER = "order"
    SKU = "sku"
    SHIPPING_OPTION = "shipping_option"
    DESPATCH = "despatch"
    SNAPSHOT = "snapshot"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one field of one subject.

    `kind` is a key of `config/exceptions.toml`. `value` is already masked when it is personal, so a
    problem may be stored, shown and mailed as it is.
    """

    kind: str
    subject_type: SubjectType
    subject: str
    """The order number, SKU, option name, despatch id or snapshot id, as text."""
    field: str
    value: str
    message: str
    """One plain sentence for the person who mends it."""


def masked(value: str, *, keep: int = 2) -> str:
    """Hide a personal value but for its first `keep` characters and its length."""
    if len(value) <= keep:
        return "*" * len(value)
    return f"{value[:keep]}{'*' * (len(value) - keep)}"
