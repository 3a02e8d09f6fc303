"""Who may do what at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Everybody whom the proxy lets through may read."""

    OPERATOR = "operator"  # works on exceptions: takes, notes, snoozes, re-checks
    RELEASER = "releaser"  # an operator who may also release a refused stock feed

    @property
    def may_release(self) -> bool:
        """Whether a person with this role may ask for, or confirm, the release of a feed."""
        return self is Role.RELEASER


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts at the desk, as the proxy in front names them."""

    name: str
    role: Role
