"""How an act chooses what it is done to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

Act = Callable[[int, int], bool]
"""Takes which one and how much; says whether anything happened."""


def one(choices: Sequence[T], which: int) -> T:
    """Return one of the choices, of which there is at least one."""
    return choices[which % len(choices)]
