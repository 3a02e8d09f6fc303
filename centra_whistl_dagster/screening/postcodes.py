"""Postcodes as each country prints them, what was changed for that, and why one is invalid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from centra_whistl_dagster.domain.orders.postcodes import (
    COUNTRY_ALIASES,
    UK_COUNTRIES,
    is_in_country,
    uk_postcode,
    why_no_uk_postcode,
)
from centra_whistl_dagster.screening.address_formats import CountryFormat, country_format
from centra_whistl_dagster.screening.postcode_ranges import why_not_given_out
from centra_whistl_dagster.screening.regions import why_in_no_region

_NUMBER_PLATES = "AT A,BE B,DE D,ES E,FI FIN,FR F,HU H,IT I,LU L,NO N,PT P,SE S,SI SLO"
_COUNTRY_LETTERS = dict(pair.split() for pair in _NUMBER_PLATES.split(","))
"""The letters of a country's number plates, which older address books put before a postcode."""

_COUNTRY_PREFIX = re.compile(r"([A-Z]{1,3})(?:\s*-\s*|\s+|(?=[0-9]))(?=[0-9])")
_SAMPLES = frozenset({"A65F4E2"})
"""The Eircode that forms show as an example. No address has it."""


@dataclass(frozen=True, slots=True)
class PostcodeReading:
    """One postcode: as printed, or why it is invalid."""

    printed: str | None
    change: str = ""
    """What was changed besides letter case, spaces and hyphens."""
    why_invalid: str = ""
    """Blank where it only has the wrong form."""


def printed_postcode(raw: str, country: str) -> str | None:
    """Return a postcode as the country prints it, or None when it is invalid."""
    return read_postcode(raw, country).printed


@lru_cache(maxsize=65536)
def read_postcode(raw: str, country: str) -> PostcodeReading:
    """Read a postcode of a country, given by its ISO code or an alias in use.

    Case, spaces and hyphens are corrected, and the country's own letters dropped (D-10115). The
    text is kept as it is for a country that has no postcodes, or whose format is not known.
    """
    country = COUNTRY_ALIASES.get(country, country)
    if country in UK_COUNTRIES:
        return _uk_reading(raw, country)
    known = country_format(country)
    text = " ".join(raw.upper().split())
    if known is None or known.postcode_form is None or not text:
        return PostcodeReading(text)
    if re.sub(r"\W", "", text) in _SAMPLES:
        return PostcodeReading("", "an example's postcode left out")
    printed = _printed(text, known)
    if printed is None:
        bare = _without_country_letters(text, country)
        printed = _printed(bare, known) if bare else None
        if printed is None:
            return PostcodeReading(None)
    why_invalid = why_not_given_out(printed, country) or why_in_no_region(printed, country)
    return PostcodeReading(None if why_invalid else printed, _change(text, printed), why_invalid)


def _uk_reading(raw: str, country: str) -> PostcodeReading:
    postcode = uk_postcode(raw)
    if postcode is None:
        return PostcodeReading(None, why_invalid=why_no_uk_postcode(raw))
    if not is_in_country(postcode, country):
        return PostcodeReading(None, why_invalid=f"it is not in {country}")
    return PostcodeReading(postcode, _change(" ".join(raw.upper().split()), postcode))


def _printed(text: str, known: CountryFormat) -> str | None:
    form, compact = known.postcode_form, re.sub(r"[^A-Z0-9]", "", text)
    bare = compact.removeprefix(known.postcode_prefix)
    for candidate in (text, *(_spaced_like(each, bare) for each in known.postcode_examples), bare):
        if form is not None and candidate and form.fullmatch(candidate):
            return candidate
    return None


def _without_country_letters(text: str, country: str) -> str:
    found = _COUNTRY_PREFIX.match(text)
    if found is None or found[1] not in {country, _COUNTRY_LETTERS.get(country)}:
        return ""
    return text[found.end() :]


def _spaced_like(example: str, compact: str) -> str:
    """Put an example's spaces and hyphens, and its leading letters, around letters and digits."""
    leading = re.match("[A-Z]*", example)
    if leading and compact[:1].isdigit():
        compact = f"{leading[0]}{compact}"
    if sum(c.isalnum() for c in example) != len(compact):
        return ""
    remaining = iter(compact)
    return "".join(next(remaining) if c.isalnum() else c for c in example)


def _change(text: str, printed: str) -> str:
    if text == printed:
        return ""
    if re.sub(r"[^A-Z0-9]", "", text) == re.sub(r"[^A-Z0-9]", "", printed):
        return "spaces and hyphens as the country prints them"
    return "the country's letters, which are no part of a postcode there, left out or put in"
