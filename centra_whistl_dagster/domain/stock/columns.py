"""Arithmetic that one number and a column of a million numbers share.

Belongs here: the few operations that Python spells differently for a number and for a numpy array.
They are written with operators alone, so a stock rule is written once and the value worked out for
one SKU in a test is the value written for all. Does not belong here: any rule, or numpy itself.
"""

from __future__ import annotations

from typing import Any

Column = Any
"""A number, or a numpy array of numbers of one length. No type covers both: their operators agree,
their signatures do not."""


def positive_part(value: Column) -> Column:
    """Return the value where it is above zero, else zero."""
    return value * (value > 0)


def smaller(one: Column, other: Column) -> Column:
    """Return the smaller of each pair. Both must be finite."""
    return one - positive_part(one - other)


def larger(one: Column, other: Column) -> Column:
    """Return the larger of each pair. Both must be finite."""
    return one + positive_part(other - one)


def choose(condition: Column, when_true: Column, otherwise: Column) -> Column:
    """Return one of two finite values for each row."""
    return when_true * condition + otherwise * (1 - condition)


def rounded_up(value: Column) -> Column:
    """Return the smallest whole number not below the value."""
    return -(-value // 1)


def is_any(condition: Column) -> bool:
    """Say whether the condition holds for at least one row."""
    return bool(condition.any() if hasattr(condition, "any") else condition)
