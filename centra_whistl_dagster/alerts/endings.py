"""What an alert says last: whether anything happens automatically, and when the exception closes.

It reads the kind's own record (`domain.exceptions.endings`), so that no alert promises what is not
true of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from centra_whistl_dagster.domain.exceptions.endings import ENDS, Ending
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind

BEGINNINGS: Mapping[Ending, str] = MappingProxyType(
    {
        Ending.SENDS_AND_CLOSES: (
            "Once it is corrected, waiting orders are sent automatically. The exception closes when"
        ),
        Ending.CLOSES: "The exception closes automatically when",
        Ending.NEEDS_A_PERSON: (
            "Nothing happens automatically: somebody has to do this. The exception closes when"
        ),
        Ending.NOTHING_WAITS: (
            "No order waits for this, and the exception closes automatically when"
        ),
    }
)
_BY_HAND = (
    "If that will never happen, close it at the desk or with `centra-whistl exceptions close`."
)


def ending_of(kind: ExceptionKind) -> str:
    """Return what happens after the owner of this kind has acted, in a sentence or two."""
    end = ENDS[kind]
    sentence = f"{BEGINNINGS[end.ending]} {end.when}."
    is_waited_for = end.ending is Ending.CLOSES and end.may_be_closed_by_hand
    return f"{sentence} {_BY_HAND}" if is_waited_for else sentence


def endings_of(titles: Mapping[ExceptionKind, str]) -> Sequence[str]:
    """Return the endings of the kinds in one alert: each once, named where they differ."""
    kinds: dict[str, list[str]] = {}
    for kind, title in titles.items():
        kinds.setdefault(ending_of(kind), []).append(title)
    if len(kinds) == 1:
        return list(kinds)
    return [f"{' / '.join(named)}: {ending}" for ending, named in kinds.items()]
