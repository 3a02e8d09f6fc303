"""UK postcodes, and which customs and carrier territory a destination is in.

The rule is BS 7666's letter classes with a full match. The expression that the government published
(Bulk Data Transfer, 2015) is not used: its alternation leaves `^` on one branch and `$` on the
other, so that a search accepts `XXSW1A 1AA` and `GIR 0AAX`. The area has to exist; whether the rest
of a valid postcode does is not known here.
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

_AREAS = (
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E "
    "EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL "
    "LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM "
    "SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE "
    "BF BX GIR"
)
UK_AREAS = frozenset(_AREAS.split())
"""The 124 postcode areas, then the forces', the banks' and one left of the Girobank's."""

CROWN_DEPENDENCY_AREAS = {"JE": "JE", "GY": "GG", "IM": "IM"}
"""Postcode area to ISO country: shops often call all three GB."""

UK_COUNTRIES = frozenset({"GB", *CROWN_DEPENDENCY_AREAS.values()})

COUNTRY_ALIASES = {"UK": "GB", "XI": "GB"}
"""Codes in use that are not ISO's. XI is Northern Ireland, in customs messages only."""


class Territory(StrEnum):
    """The parts of the world that customs rules and carriers treat differently."""

    GREAT_BRITAIN = "great_britain"
    NORTHERN_IRELAND = "northern_ireland"  # postcode area BT
    CHANNEL_ISLANDS = "channel_islands"  # JE and GY: outside the UK's VAT area
    ISLE_OF_MAN = "isle_of_man"
    FORCES = "forces"  # BFPO, postcode area BF
    ABROAD = "abroad"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order goes, as far as services and customs need to know."""

    country: str
    """ISO 3166-1 alpha-2; Jersey, Guernsey and the Isle of Man under their own."""
    foreign_postcode: str
    """As printed; blank in the UK, where only area and district are used."""
    area: str
    """The UK postcode area, such as BT; blank abroad and when the postcode is invalid."""
    district: int | None
    """The number after the area, such as 27 in KA27; None where there is none."""
    territory: Territory

    def __str__(self) -> str:
        return f"{self.country} {self.area}" if self.area else self.country


@lru_cache(maxsize=65536)
def uk_postcode(raw: str) -> str | None:
    """Return a UK postcode in its printed form, or None when it is invalid.

    Everything but letters and digits is dropped first and the space put before the last three, so
    spacing and punctuation do not matter. `BFPO 57` is not a postcode; forces mail has BF1 ones.
    """
    kept = re.sub(r"[^A-Z0-9]", "", unicodedata.normalize("NFKC", raw).upper())
    spaced = f"{kept[:-3]} {kept[-3:]}"
    return spaced if _UK.fullmatch(spaced) and _area(spaced) in UK_AREAS else None


def why_no_uk_postcode(raw: str) -> str:
    """Say why a text of the right form is no UK postcode; blank for one of another form."""
    kept = re.sub(r"[^A-Z0-9]", "", unicodedata.normalize("NFKC", raw).upper())
    if kept.startswith("BFPO"):
        return "forces addresses have one that begins with BF1 instead of a BFPO number"
    is_formed = _UK.fullmatch(f"{kept[:-3]} {kept[-3:]}")
    return f"there is no postcode area {_area(kept)}" if is_formed else ""


def _area(postcode: str) -> str:
    return re.split(r"[\d ]", postcode, maxsplit=1)[0]


def is_in_country(postcode: str, country: str) -> bool:
    """Say whether a valid UK postcode can belong to GB, Jersey, Guernsey or the Isle of Man."""
    owner = CROWN_DEPENDENCY_AREAS.get(_outward(postcode)[0])
    return country in {"GB", owner}


@lru_cache(maxsize=65536)
def destination(country: str, postcode: str) -> Destination:
    """Return where an order goes. An invalid postcode has no area; screening reports it.

    Args:
        country: ISO code, or one of `COUNTRY_ALIASES`.
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
    outward = _OUTWARD.match(postcode)
    if outward is None:
        return "", None
    return outward[1], int(outward[2]) if outward[2] else None
