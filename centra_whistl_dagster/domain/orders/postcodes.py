"""UK postcodes, and which customs and carrier territory a destination lies in.

The rule is BS 7666's letter classes with a full match. The expression that the government published
(Bulk Data Transfer, 2015) is not used: its alternation leaves `^` on one branch and `$` on the
other, so that a search accepts `XXSW1A 1AA` and `GIR 0AAX`. A form proves nothing about existence.

Belongs here: what the text of a postcode and a country code tells. Does not belong here: other
countries' forms (`screening.address_formats`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_UK = re.compile(
    r"GIR 0AA|(?:[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]{1,2}|[0-9][A-HJKPSTUW]"
    r"|[A-HK-Y][0-9][ABEHMNPRVWXY])) [0-9][ABD-HJLNP-UW-Z]{2}"
)
_OUTWARD = re.compile(r"([A-Z]{1,2})([0-9]{1,2})?")

CROWN_DEPENDENCY_AREAS = {"JE": "JE", "GY": "GG", "IM": "IM"}
"""Postcode area to ISO country: shops often call all three GB."""

UK_COUNTRIES = frozenset({"GB", *CROWN_DEPENDENCY_AREAS.values()})

COUNTRY_ALIASES = {"UK": "GB", "XI": "GB"}
"""Codes in use that are not ISO's. XI is Northern Ireland, in customs messages only."""


class Territory(StrEnum):
    """Where customs data and carriers draw their lines."""

    GREAT_BRITAIN = "great_britain"
    NORTHERN_IRELAND = "northern_ireland"  # postcode area BT
    CHANNEL_ISLANDS = "channel_islands"  # JE and GY: outside the UK's VAT area
    ISLE_OF_MAN = "isle_of_man"
    FORCES = "forces"  # BFPO, postcode area BF
    ABROAD = "abroad"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order goes, as far as services and customs care."""

    country: str
    """ISO 3166-1 alpha-2; Jersey, Guernsey and the Isle of Man under their own."""
    foreign_postcode: str
    """As printed; blank in the UK, where area and district are all that is asked for."""
    area: str
    """The UK postcode area, such as BT; blank abroad and when the postcode is malformed."""
    district: int | None
    """The number after the area, such as 27 in KA27; None where there is none."""
    territory: Territory

    def __str__(self) -> str:
        return f"{self.country} {self.area}" if self.area else self.country


@lru_cache(maxsize=65536)
def uk_postcode(raw: str) -> str | None:
    """Return a UK postcode in its printed form, or None when it has not the form of one.

    Everything but letters and digits is dropped first and the space put before the last three: how
    it was typed says nothing. `BFPO 57` is no postcode of this form; forces mail has BF1 ones.
    """
    kept = re.sub(r"[^A-Z0-9]", "", unicodedata.normalize("NFKC", raw).upper())
    spaced = f"{kept[:-3]} {kept[-3:]}"
    return spaced if _UK.fullmatch(spaced) else None


def is_in_country(postcode: str, country: str) -> bool:
    """Say whether a well-formed UK postcode can belong to one of the four UK-style countries."""
    owner = CROWN_DEPENDENCY_AREAS.get(_outward(postcode)[0])
    return country in {"GB", owner}


@lru_cache(maxsize=65536)
def destination(country: str, postcode: str) -> Destination:
    """Place a destination. A malformed postcode gives no area: its own problem is told elsewhere.

    Args:
        country: ISO code; aliases in use are understood.
        postcode: as printed, for the UK by `uk_postcode`.
    """
    country = COUNTRY_ALIASES.get(country, country)
    if country not in UK_COUNTRIES:
        return Destination(country, postcode, "", None, Territory.ABROAD)
    area, district = _outward(postcode) if _UK.fullmatch(postcode) else ("", None)
    country = CROWN_DEPENDENCY_AREAS.get(area, country)
    return Destination(country, "", area, district, _territory(country, area))


def _territory(country: str, area: str) -> Territory:
    if country in {"JE", "GG"}:
        return Territory.CHANNEL_ISLANDS
    if country == "IM":
        return Territory.ISLE_OF_MAN
    return {"BT": Territory.NORTHERN_IRELAND, "BF": Territory.FORCES}.get(
        area, Territory.GREAT_BRITAIN
    )


def _outward(postcode: str) -> tuple[str, int | None]:
    found = _OUTWARD.match(postcode)
    if found is None:
        return "", None
    return found[1], int(found[2]) if found[2] else None
