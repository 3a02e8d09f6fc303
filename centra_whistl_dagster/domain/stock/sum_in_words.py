"""Why the two systems' stock of one SKU differs, as a sum that a person can check."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "blocked": "blocked",
        "in_flight": "on the way to Whistl",
        "shipped_not_completed": "shipped and not completed in Centra",
        "other_channels": "reserved for other channels",
        "quarantine": "in quarantine",
        "buffer": "buffer",
        "stale": "moved since the snapshot",
        "clamped": "not accepted by Centra",
        "one_side_only": "in one system only",
        "unexplained": "unexplained",
    }
)
"""What each cause is called in the sum."""


def sum_in_words(difference: int, causes: Mapping[str, int]) -> str:
    """Return the sum, such as `12 = 8 blocked + 3 buffer + 1 unexplained`.

    Both sides have the sign that makes the difference positive.

    Args:
        difference: what Centra offers less what Whistl's figures say, in units.
        causes: its parts by the names of `CAUSES`; they add up to it.

    Raises:
        ValueError: they do not.
    """
    if sum(causes.values()) != difference:
        raise ValueError(f"the causes do not add up to {difference}: {dict(causes)}")
    sign = -1 if difference < 0 else 1
    terms = [(sign * units, CAUSES[cause]) for cause, units in causes.items() if units]
    terms.sort(key=lambda term: -term[0])
    if not terms:
        return "0"
    (first, name), *others = terms
    sentence = f"{sign * difference} = {first} {name}"
    for units, cause in others:
        sentence += f" {'+' if units > 0 else '−'} {abs(units)} {cause}"  # noqa: RUF001 - a minus
    return sentence
